"""A small chat server as stand-in, and every fault that servers were seen with, one function each.

A fault takes the payloads of a stream and gives the pieces of bytes that are sent for them.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tests.upstream.standin import Answer, Request, chunk, chunked, event, whole

Json = dict[str, Any]
Fault = Callable[[list[Json]], Iterable[bytes]]
WORDS = ("Hello", " there", ",", " wie", " geht’s", "?", " 😀", "\n")
DONE = b"data: [DONE]\n\n"
LONG = 200  # tokens; answers that long are written slowly, so that a client can leave them


def chat_server(fault: Fault, *, content_type: str = "text/event-stream", has_models: bool = True) -> Answer:
    """Answers chats with some words, as many as max_tokens allow, in the way of the fault."""

    def answer(request: Request) -> Iterable[bytes]:
        if request.path == "/v1/models" and has_models:
            return whole({"object": "list", "data": [{"id": "m", "object": "model"}]})
        if request.path != "/v1/chat/completions":
            return whole(b"<html><body><h1>Not Found</h1></body></html>", "404 Not Found", "text/html")
        num_tokens = min(request.body.get("max_tokens") or 8, 4096)
        if num_tokens > LONG:
            return chunked(slowly(request, num_tokens), Content_Type=content_type)
        is_forced = request.body.get("tool_choice") == "required"
        events = call_payloads(request.body["tools"]) if is_forced else payloads(num_tokens)
        return chunked(fault(events), Content_Type=content_type)

    return answer


def payloads(num_tokens: int) -> list[Json]:
    """A right stream, without usage."""
    texts = [WORDS[i % len(WORDS)] for i in range(num_tokens)]
    chunks = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": text}) for text in texts)]
    return [*chunks, chunk({}, "length")]


def call_payloads(tools: list[Json]) -> list[Json]:
    """A right stream that calls the first tool."""
    function = {"name": tools[0]["function"]["name"], "arguments": '{"city": "Bern"}'}
    call = {"index": 0, "id": "call_1", "type": "function", "function": function}
    return [
        chunk({"role": "assistant", "content": ""}),
        chunk({"tool_calls": [call]}),
        chunk({}, "tool_calls"),
    ]


def slowly(request: Request, num_tokens: int) -> Iterator[bytes]:
    for payload in payloads(num_tokens):
        if request.is_gone():
            return
        time.sleep(0.005)
        yield event(payload)
    yield DONE


def text_of(num_tokens: int = 8) -> str:
    return "".join(WORDS[i % len(WORDS)] for i in range(num_tokens))


# ── faults ──────────────────────────────────────────────────────────────────────────────────────────────────


def none(chunks: list[Json]) -> Iterable[bytes]:
    return [*map(event, chunks), DONE]


def litserve(chunks: list[Json]) -> Iterable[bytes]:
    """LitServe up to 0.2.3: a role in every chunk, another id in every chunk, usage beside the finish_reason."""
    for number, payload in enumerate(chunks):
        usage = {"prompt_tokens": 3, "completion_tokens": 8, "total_tokens": 11}
        is_last = payload is chunks[-1]
        delta = {"role": "assistant", "content": "", "tool_calls": None} | payload["choices"][0]["delta"]
        choice = payload["choices"][0] | {"delta": delta, "logprobs": None}
        yield event(payload | {"id": f"c{number}", "choices": [choice], "usage": usage if is_last else None})
    yield DONE


def exo(chunks: list[Json]) -> Iterable[bytes]:
    """exo: events under application/x-ndjson, no role, finish_reason beside the last text, no [DONE]."""
    *texts, last = chunks[1:]
    for payload in texts:
        is_last = payload is texts[-1]
        reason = last["choices"][0]["finish_reason"] if is_last else None
        yield event(payload | {"choices": [payload["choices"][0] | {"finish_reason": reason}]})


def lines_of_json(chunks: list[Json]) -> Iterable[bytes]:
    return [json.dumps(payload).encode() + b"\n" for payload in chunks]


def carriage_returns(chunks: list[Json]) -> Iterable[bytes]:
    return [piece.replace(b"\n", b"\r\n") for piece in none(chunks)]


def no_role(chunks: list[Json]) -> Iterable[bytes]:
    return none(chunks[1:])


def no_finish_reason(chunks: list[Json]) -> Iterable[bytes]:
    return none(chunks[:-1])


def two_finish_reasons(chunks: list[Json]) -> Iterable[bytes]:
    return none([*chunks, chunks[-1]])


def finish_reason_before_the_text(chunks: list[Json]) -> Iterable[bytes]:
    return none([chunks[-1], *chunks[:-1]])


def no_done(chunks: list[Json]) -> Iterable[bytes]:
    return map(event, chunks)


def no_end_at_all(chunks: list[Json]) -> Iterable[bytes]:
    return map(event, chunks[:-1])


def no_last_empty_line(chunks: list[Json]) -> Iterable[bytes]:
    return [b"".join(map(event, chunks)).rstrip(b"\n")]


def usage_everywhere(chunks: list[Json]) -> Iterable[bytes]:
    for number, payload in enumerate(chunks):
        usage = {"prompt_tokens": 3, "completion_tokens": number, "total_tokens": 3 + number}
        yield event(payload | {"usage": usage})
    yield DONE


def nulls(chunks: list[Json]) -> Iterable[bytes]:
    """Keys that break clients where they are null."""
    extra = {"error": None, "type": None, "usage": None, "timings": None}
    for payload in chunks:
        delta = {"content": None, "tool_calls": None, "reasoning_content": None}
        choice = payload["choices"][0]
        yield event(payload | extra | {"choices": [choice | {"delta": delta | choice["delta"]}]})
    yield DONE


def bare_chunks(chunks: list[Json]) -> Iterable[bytes]:
    """No envelope and no index."""
    for payload in chunks:
        choice = payload["choices"][0]
        yield event(
            {"choices": [{"delta": choice["delta"] or None, "finish_reason": choice["finish_reason"]}]}
        )
    yield DONE


def parts(chunks: list[Json]) -> Iterable[bytes]:
    """Content as a list of parts."""
    for payload in chunks:
        text = payload["choices"][0]["delta"].get("content", "")
        delta = {"content": [{"type": "text", "text": text}]}
        yield event(payload | {"choices": [payload["choices"][0] | {"delta": delta}]})
    yield DONE


def whole_answer(chunks: list[Json]) -> Iterable[bytes]:
    """`stream` is ignored."""
    text = "".join(payload["choices"][0]["delta"].get("content", "") for payload in chunks)
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "length"}
    usage = {"prompt_tokens": 3, "completion_tokens": 8, "total_tokens": 11}
    return [json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}, indent=2).encode()]


def named_events(chunks: list[Json]) -> Iterable[bytes]:
    """ids, names, retries, comments, empty events."""
    yield b"\xef\xbb\xbfretry: 1000\n\nevent: ping\n\n: hi\n\nid: 1\n\ndata: \n\n"
    for piece in none(chunks):
        yield b"event: message\nid: 7\n" + piece
    yield b"data: {after the end\n\n"


def no_empty_lines(chunks: list[Json]) -> Iterable[bytes]:
    return [piece.replace(b"\n\n", b"\n") for piece in none(chunks)]


def data_over_lines(chunks: list[Json]) -> Iterable[bytes]:
    for payload in chunks:
        lines = json.dumps(payload, indent=1).splitlines()
        yield b"".join(b"data:" + line.encode() + b"\n" for line in lines) + b"\n"
    yield DONE


def byte_by_byte(chunks: list[Json]) -> Iterable[bytes]:
    return [bytes([byte]) for piece in none(chunks) for byte in piece]


FAULTS: tuple[Fault, ...] = (
    none, litserve, exo, lines_of_json, carriage_returns, no_role, no_finish_reason, two_finish_reasons,
    finish_reason_before_the_text, no_done, no_end_at_all, no_last_empty_line, usage_everywhere, nulls, bare_chunks,
    parts, whole_answer, named_events, no_empty_lines, data_over_lines, byte_by_byte,
)  # fmt: skip
