"""The checks of everything that must be refused: is it, with the right status, in the envelope?"""

from __future__ import annotations

from collections.abc import Iterator

from localllm.check import rules
from localllm.check.checks import found
from localllm.check.finding import Finding
from localllm.check.reading import as_dict
from localllm.check.target import Reply, Target

OVERFLOW_WORDS = 200_000
OVERFLOW_TIMEOUT_S = 30.0
ANNOUNCED_BYTES = 2**40
ANNOUNCED_TIMEOUT_S = 5.0
CHAT = "/chat/completions"


def check_errors(target: Target) -> Iterator[Finding]:
    """Bad JSON, wrong types, unknown route, wrong method, unknown model."""
    for reply, statuses in _wrong_requests(target):
        if reply.status not in statuses:
            yield found(rules.ERROR_STATUS, reply)
        if reply.status >= 400 or reply.status == 0:
            yield from envelope(reply)
    unknown = target.post(CHAT, target.chat_body(model="no-such-model-by-localllm-check"))
    if unknown.status != 404:
        yield found(rules.UNKNOWN_MODEL, unknown)
    if unknown.status >= 400:
        yield from envelope(unknown)


def _wrong_requests(target: Target) -> Iterator[tuple[Reply, tuple[int, ...]]]:
    """Each with the statuses that fit."""
    yield target.post(CHAT, b'{"model": '), (400,)
    yield target.post(CHAT, b"[1, 2]"), (400,)
    yield target.post(CHAT, {"model": target.model}), (400,)
    yield target.chat(messages="Hi"), (400,)
    yield target.chat(temperature="hot"), (400,)
    yield target.chat(stream=True, max_tokens="many"), (400,)
    yield target.get("/no-such-route-by-localllm-check"), (404,)
    yield target.get(CHAT), (405,)


def envelope(reply: Reply) -> Iterator[Finding]:
    if not is_envelope(reply):
        yield found(rules.ERROR_ENVELOPE, reply)


def is_envelope(reply: Reply) -> bool:
    error = as_dict(as_dict(reply.json).get("error"))
    return (
        reply.content_type.partition(";")[0].strip() == "application/json"
        and isinstance(error.get("message"), str)
        and isinstance(error.get("type"), str)
        and {"param", "code"} <= error.keys()
        and isinstance(error["code"], str | None)
    )


def check_auth(target: Target) -> Iterator[Finding]:
    """With a key given to the check, a wrong one must not open the door."""
    if target.key is None:
        return
    wrong = {"Authorization": "Bearer wrong-by-localllm-check"}
    for reply in (target.get("/models", wrong), target.post(CHAT, target.chat_body(), wrong)):
        if reply.status != 401 or not is_envelope(reply):
            yield found(rules.AUTH, reply)


def check_overflow(target: Target) -> Iterator[Finding]:
    """More words than any usual context has tokens."""
    body = target.chat_body("word " * OVERFLOW_WORDS, max_tokens=1)
    reply = target.post(CHAT, body, timeout_s=OVERFLOW_TIMEOUT_S)
    if reply.status == 200:
        return  # a context that large
    code = as_dict(as_dict(reply.json).get("error")).get("code")
    if reply.status != 400 or code != "context_length_exceeded":
        yield found(rules.OVERFLOW, reply)


def check_too_large(target: Target) -> Iterator[Finding]:
    """Announced, and never sent: a terabyte."""
    headers = {"Content-Length": str(ANNOUNCED_BYTES)}
    reply = target.request("POST", CHAT, b"{", headers, timeout_s=ANNOUNCED_TIMEOUT_S)
    if reply.status != 413 or not is_envelope(reply):
        yield found(rules.TOO_LARGE, reply)
