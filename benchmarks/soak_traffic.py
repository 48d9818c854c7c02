"""The soak's traffic: one request of a kind drawn by a seed, followed to its end, with what came of it.

Every kind knows what a right answer looks like, so that a wrong one is noticed and not only a missing one. Standard
library only. Knows no process and no fault.
"""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.client import words

TIMEOUT_S = 120.0
CHAT, OTHER, RECURRENT, EMBED = "chat", "other", "recurrent", "embed"
Json = dict[str, Any]

TOOL = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Add a number.",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer", "minimum": 0, "maximum": 99}},
            "required": ["a"],
            "additionalProperties": False,
        },
    },
}
SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer", "maximum": 99}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@dataclass
class Outcome:
    """What became of one request. Times are time.monotonic() seconds.

    verdict: "answered", "refused" (as it should be), "cancelled" (by us), "error" (`code` says which), or "lost":
    no answer, a stream without an end, or an answer that is wrong (`detail`). headers_s: until the status line, which
    waits for the engine, so that it is honest; from then on there is a byte at each ping at the latest.
    """

    kind: str
    started: float
    ended: float = 0.0
    verdict: str = "lost"
    status: int = 0
    code: str = ""
    detail: str = ""
    longest_silence_s: float = 0.0
    headers_s: float = 0.0


@dataclass(frozen=True)
class Kind:
    """One kind of request. share: how often, relative to the others. check: raises ValueError on a wrong answer.

    end: what a stream's last event holds; empty where the answer is whole. hang_up_after: bytes of a stream after
    which the client leaves. expected: the status of a right answer.
    """

    name: str
    share: float
    path: str
    make: Callable[[random.Random], Json | None]
    check: Callable[[Any], None] = lambda _: None
    end: bytes = b""
    hang_up_after: int | None = None
    expected: int = 200
    method: str = field(default="POST")


def ask(address: tuple[str, int], kind: Kind, rng: random.Random) -> Outcome:
    """Send one request and follow it to its end."""
    outcome = Outcome(kind.name, started=time.monotonic())
    connection = http.client.HTTPConnection(*address, timeout=TIMEOUT_S)
    try:
        body = kind.make(rng)
        data = None if body is None else json.dumps(body)
        connection.request(kind.method, kind.path, data, {"Content-Type": "application/json"} if data else {})
        if kind.hang_up_after == 0:
            time.sleep(rng.uniform(0, 0.3))  # so that it leaves in any phase: queued, prefill, decode
            outcome.verdict = "cancelled"
        else:
            _judge(outcome, kind, _read(connection, kind, outcome))
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
        outcome.verdict, outcome.detail = "lost", f"{type(error).__name__}: {error}"
    finally:
        connection.close()
        outcome.ended = time.monotonic()
    return outcome


def _read(connection: http.client.HTTPConnection, kind: Kind, outcome: Outcome) -> bytes:
    """The body, or what had come when we hung up. Notes the longest time without a byte in a stream."""
    response = connection.getresponse()
    last = time.monotonic()
    outcome.status, outcome.headers_s = response.status, last - outcome.started
    received = b""
    while piece := response.read1(65536):
        now = time.monotonic()
        if kind.end:
            outcome.longest_silence_s = max(outcome.longest_silence_s, now - last)
        last = now
        received += piece
        if kind.hang_up_after is not None and len(received) >= kind.hang_up_after:
            outcome.verdict = "cancelled"
            break
    return received


def _judge(outcome: Outcome, kind: Kind, received: bytes) -> None:
    if outcome.status >= 400:
        error = json.loads(received)["error"]
        outcome.code, outcome.detail = error.get("code") or error["type"], error["message"]
        outcome.verdict = "refused" if outcome.status == kind.expected else "error"
        return
    if outcome.status != kind.expected:
        raise ValueError(f"status {outcome.status} instead of {kind.expected}")
    if kind.end:
        _judge_stream(outcome, kind, received)
        return
    kind.check(json.loads(received))
    outcome.verdict = "answered"


def _judge_stream(outcome: Outcome, kind: Kind, received: bytes) -> None:
    """A stream ends by its last event or by an error event; one that does neither is lost."""
    events = list(_events(received))
    if kind.end in received:
        outcome.verdict = "answered"
    elif outcome.verdict != "cancelled":
        error = next((found for event in events if (found := _error_in(event))), None)
        if error is None:
            raise ValueError(f"the stream ended without an end: {received[-200:]!r}")
        outcome.verdict, outcome.detail = "error", str(error["message"])
        outcome.code = str(error.get("code") or error.get("type"))  # Anthropic's errors have no code


def _error_in(event: Json) -> Json | None:
    """The error that an event tells, in the form of any of the three APIs."""
    found = event.get("error") or (event.get("response") or {}).get("error")
    if event.get("type") == "error" and not found:
        return event
    return found if isinstance(found, dict) else None


def _events(received: bytes) -> Iterator[Json]:
    """The whole events of a stream; one that was cut by hanging up is left out."""
    for frame in received.split(b"\n\n")[:-1]:
        for line in frame.split(b"\n"):
            if line.startswith(b"data: {"):
                yield json.loads(line.removeprefix(b"data: "))


# ── the kinds ───────────────────────────────────────────────────────────────────────────────────────────────


def _chat(model: str, num_words: int, max_tokens: int, **extra: Any) -> Callable[[random.Random], Json]:
    def make(rng: random.Random) -> Json:
        about = words(rng, rng.randint(1, num_words))
        turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": about}]
        size = rng.randint(1, max_tokens)
        return {"model": model, "messages": turns, "max_tokens": size, "ignore_eos": True, **extra}

    return make


def _message(answer: Any) -> Any:
    return answer["choices"][0]["message"]


def _check_call(answer: Any) -> None:
    arguments = json.loads(_message(answer)["tool_calls"][0]["function"]["arguments"])
    if not 0 <= arguments["a"] <= 99:
        raise ValueError(f"arguments that do not fit: {arguments}")


def _check_schema(answer: Any) -> None:
    if set(json.loads(_message(answer)["content"])) != {"name", "age"}:
        raise ValueError("JSON that does not fit the schema")


def _check_count(answer: Any) -> None:
    if answer["usage"]["completion_tokens"] < 1:
        raise ValueError("no tokens")


def _check_vectors(answer: Any) -> None:
    if len(answer["data"]) != 2 or len(answer["data"][0]["embedding"]) < 32:
        raise ValueError("not the vectors that were asked for")


COMPLETIONS = "/v1/chat/completions"
DONE = b"data: [DONE]"
STREAM = {"stream": True}
FORCED = {"tools": [TOOL], "tool_choice": "required", "parallel_tool_calls": False}
FORMAT = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}

KINDS = (
    Kind("chat, streamed", 30, COMPLETIONS, _chat(CHAT, 60, 48, **STREAM), end=DONE),
    Kind("chat, whole", 12, COMPLETIONS, _chat(CHAT, 60, 48), _check_count),
    Kind("chat, long prompt", 4, COMPLETIONS, _chat(CHAT, 900, 16, **STREAM), end=DONE),
    Kind("chat, three choices", 3, COMPLETIONS, _chat(CHAT, 30, 16, n=3, **STREAM), end=DONE),
    Kind("tool call", 5, COMPLETIONS, lambda rng: _chat(CHAT, 20, 1)(rng) | FORCED | {"max_tokens": 300},
         _check_call),
    Kind("JSON schema", 5, COMPLETIONS, lambda rng: _chat(CHAT, 20, 1)(rng) | FORMAT | {"max_tokens": 300},
         _check_schema),
    Kind("hang up in a stream", 7, COMPLETIONS, _chat(CHAT, 60, 500, **STREAM), end=DONE, hang_up_after=900),
    Kind("hang up anywhere", 7, COMPLETIONS, _chat(CHAT, 900, 500), hang_up_after=0),
    Kind("completion", 3, "/v1/completions", lambda rng: {"model": CHAT, "prompt": words(rng, 9), "max_tokens": 9},
         _check_count),
    Kind("responses", 4, "/v1/responses", lambda rng: {"model": CHAT, "input": words(rng, 9), "max_output_tokens": 9,
         "stream": True}, end=b"event: response.incomplete"),
    Kind("messages", 4, "/v1/messages", lambda rng: {"model": CHAT, "max_tokens": 9, "stream": True,
         "messages": [{"role": "user", "content": words(rng, 9)}]}, end=b"event: message_stop"),
    Kind("embeddings", 5, "/v1/embeddings", lambda rng: {"model": EMBED, "input": [words(rng, 9), words(rng, 30)]},
         _check_vectors),
    Kind("a second model", 1.5, COMPLETIONS, _chat(OTHER, 60, 48, **STREAM), end=DONE),
    Kind("a recurrent model", 1.5, COMPLETIONS, _chat(RECURRENT, 60, 24, **STREAM), end=DONE),
    Kind("a prompt too long", 2, COMPLETIONS, lambda rng: _chat(CHAT, 1, 1)(rng) | {"messages": [
         {"role": "user", "content": words(rng, 6000)}]}, expected=400),
    Kind("no such model", 2, COMPLETIONS, _chat("nothing", 9, 9), expected=404),
    Kind("a bad field", 2, COMPLETIONS, _chat(CHAT, 9, 9, temperature="hot"), expected=400),
    Kind("the list of models", 3, "/v1/models", lambda _: None, method="GET"),
)  # fmt: skip
