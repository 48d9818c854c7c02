"""What another server says went wrong → an error of ours that says who said it, and what may be done about it.

Error bodies of OpenAI, llama.cpp, FastAPI, vLLM and plain HTML pages are understood. Knows no socket.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from typing import Any, Literal

import msgspec

from localllm import errors

MAX_SHOWN = 500
MAX_WAIT_S = 60
CLIENTS = frozenset({400, 413, 415, 422})  # what is wrong is in the request, whoever reads it
BUSY = frozenset({408, 429, 502, 503, 504})
_OVERFLOW = re.compile(
    r"maximum context length|context[_ ](length|size|window)[_ ]?(exceed|is)|exceeds? the (available )?context"
    r"|exceed_context_size|too many tokens|prompt is too long|requested tokens .* exceed",
    re.IGNORECASE,
)


Retry = Literal["never", "elsewhere", "again"]
Rests = Literal["never", "compared", "always"]


class Fault(Exception):
    """A replica did not answer as it should. wait_s: it said for how long it will not.

    retry: whether the same request may succeed, at another replica only, or here again too.
    rests: whether it gets no request for a while. "compared": it may be the request's fault or the entry's, so the
    replica rests only once another one has answered the same request.
    """

    def __init__(
        self, error: errors.LocalllmError, retry: Retry, *, rests: Rests = "never", wait_s: float = 0.0
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry = retry
        self.rests = rests
        self.wait_s = wait_s


def lost(who: str, why: BaseException | str) -> Fault:
    """No connection, or one that broke."""
    said = str(getattr(why, "strerror", None) or why or type(why).__name__).rstrip(".")
    error = errors.UpstreamFailed(f"The server {who} cannot be reached: {said[:MAX_SHOWN]}.")
    return Fault(error, "again", rests="always")


def unreadable(who: str, text: str) -> Fault:
    """Something came that is no answer of any API."""
    error = errors.UpstreamFailed(
        f'The server {who} sent no JSON but "{shown(text)}". Is its base_url right?',
        retry=False,
    )
    return Fault(error, "elsewhere", rests="compared")


def no_answer(who: str) -> Fault:
    """It ended, and nothing that came belongs to an answer."""
    error = errors.UpstreamFailed(f"The server {who} sent something that is no answer.")
    return Fault(error, "elsewhere", rests="compared")


def silent(who: str, what: str, timeout_s: float) -> Fault:
    """Nothing came for too long."""
    error = errors.UpstreamTimeout(f"The server {who} sent no {what} within {timeout_s:.0f} s.")
    return Fault(error, "elsewhere", rests="compared")


def of_response(who: str, status: int, headers: Mapping[str, str], body: bytes) -> Fault:
    """An answer that is not a 2xx."""
    said = _read(body)
    wait_s = _wait_s(headers)
    return _fault(_error(who, status, said), status, wait_s)


def of_payload(who: str, payload: dict[str, Any]) -> Fault:
    """An error object where a chunk should be: the status it names, where it names one."""
    said = _read_json(payload)
    code = said.code
    status = int(code) if code and re.fullmatch(r"[45]\d\d", code) else 500
    if "invalid" in (said.type or ""):
        status = 400
    return _fault(_error(who, status, said), status, 0.0)


def _fault(error: errors.LocalllmError, status: int, wait_s: float) -> Fault:
    """The client's: nobody else is asked. Busy or away: another one, or the same one later. The rest: another one
    may know better, be it the key, the model or the path that this one does not know."""
    if status in CLIENTS or isinstance(error, errors.ContextLengthExceeded):
        return Fault(error, "never")
    if status in BUSY:
        return Fault(error, "again", rests="always", wait_s=wait_s)
    return Fault(error, "elsewhere", rests="compared")


class Said(msgspec.Struct, frozen=True):
    """What there is to read in an error's body."""

    message: str
    type: str | None = None
    param: str | None = None
    code: str | None = None


def _read(body: bytes) -> Said:
    try:
        return _read_json(msgspec.json.decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Said(body.decode("utf-8", "replace"))


def _read_json(body: Any) -> Said:
    """`{"error": {…}}`, `{"error": "…"}`, `{"message": "…"}`, FastAPI's `{"detail": …}`."""
    found = body.get("error") or body.get("detail") or body if isinstance(body, dict) else body
    if isinstance(found, list) and found and isinstance(found[0], dict) and "msg" in found[0]:
        place = [str(part) for part in found[0].get("loc", ()) if part != "body"]
        return Said(str(found[0]["msg"]), "invalid_request_error", ".".join(place) or None)
    if not isinstance(found, dict):
        return Said(found if isinstance(found, str) else msgspec.json.encode(found).decode())
    message = found.get("message") or found.get("msg") or msgspec.json.encode(found).decode()
    type_, param, code = (found.get(key) for key in ("type", "param", "code"))
    return Said(
        str(message),
        type_ if isinstance(type_, str) else None,
        param if isinstance(param, str) else None,
        str(code) if isinstance(code, str | int) else None,
    )


def _error(who: str, status: int, said: Said) -> errors.LocalllmError:
    text = f"{who} answered {status}: {shown(said.message)}"
    if status in (401, 403):
        return errors.UpstreamFailed(
            f"The server {who} refused localllm's key ({status}). Look at api_key_env or "
            "api_key_file of its entry.",
            code="upstream_key_refused",
            retry=False,
        )
    if _is_overflow(said):
        return errors.ContextLengthExceeded(shown(said.message), param="messages")
    if status == 404:
        kind = errors.ModelNotFound if said.code == "model_not_found" else errors.NotFound
        return kind(text, param="model", code="model_not_found")
    if status == 429:
        return errors.Busy(text)
    if status in (408, 504):
        return errors.UpstreamTimeout(text)
    if status == errors.ForwardingLoop.status:
        return errors.ForwardingLoop(shown(said.message))
    if 300 <= status < 400:
        return errors.UpstreamFailed(f"{text} Redirects are not followed: correct its base_url.", retry=False)
    if 400 <= status < 500:
        return errors.InvalidRequest(text, param=said.param, code=said.code or "upstream_refused")
    return errors.UpstreamFailed(text)


def _is_overflow(said: Said) -> bool:
    return said.code == "context_length_exceeded" or bool(_OVERFLOW.search(f"{said.type} {said.message}"))


def _wait_s(headers: Mapping[str, str]) -> float:
    try:
        return min(max(float(headers.get("retry-after", "0")), 0.0), MAX_WAIT_S)
    except ValueError:
        return 0.0


def shown(text: str) -> str:
    """The text on one line, without the tags of an HTML page."""
    if "<" in text and re.search(r"<(!doctype|html|head|body|h1|title)\b", text, re.IGNORECASE):
        text = re.sub(r"<(style|script)\b.*?</\1\s*>", " ", text, flags=re.IGNORECASE | re.DOTALL)
        text = unescape(re.sub(r"<[^>]*>", " ", text))
    text = " ".join(text.split())
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
