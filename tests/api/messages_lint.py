"""The rules of a /v1/messages stream, checked on its raw bytes: names, order, indices, what a block may stream."""

from __future__ import annotations

import json
from typing import Any

from tests.api.http import Answer
from tests.api.responses_lint import named_events

Event = dict[str, Any]
DELTAS = {
    "text": {"text_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
}
FIELDS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
USAGE_KEYS = {"input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens"}


def events_of(answer: Answer) -> list[Event]:
    """The events of a stream, pings left out, after every rule was checked on it."""
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert b"[DONE]" not in answer.body
    events = [event for event in named_events(answer.body) if event["type"] != "ping"]
    message = events[0]["message"]
    assert events[0]["type"] == "message_start"
    assert (message["content"], message["stop_reason"], message["stop_sequence"]) == ([], None, None)
    assert message["usage"].keys() >= USAGE_KEYS
    assert [event["type"] for event in events[-2:]] == ["message_delta", "message_stop"]
    assert events[-2]["usage"].keys() >= USAGE_KEYS
    blocks_of(events)
    return events


def blocks_of(events: list[Event]) -> list[Event]:
    """The blocks that a client builds of the events: one at a time, indices in a row."""
    blocks: list[Event] = []
    texts: list[str] = []
    is_open = False
    for event in events[1:-2]:
        kind = event["type"].removeprefix("content_block_")
        if kind == "start":
            assert not is_open
            assert event["index"] == len(blocks)
            blocks.append(dict(event["content_block"]))
            texts.append("")
        assert event["index"] == len(blocks) - 1
        is_open = kind != "stop"
        if kind == "delta":
            delta = event["delta"]
            assert delta["type"] in DELTAS[blocks[-1]["type"]]
            texts[-1] += delta.get(FIELDS.get(delta["type"], ""), "")
    assert not is_open
    return [_with_text(block, text) for block, text in zip(blocks, texts, strict=True)]


def _with_text(block: Event, text: str) -> Event:
    if block["type"] == "tool_use":
        assert block["input"] == {}
        return block | {"input": json.loads(text or "{}")}
    return block | {block["type"]: text}


def error_of(answer: Answer) -> Event:
    """The error object of Anthropic's envelope."""
    assert answer.headers["content-type"] == "application/json", answer.headers
    assert answer.json.keys() == {"type", "error"}
    assert answer.json["type"] == "error"
    error: Event = answer.json["error"]
    assert error.keys() == {"type", "message"}
    assert error["message"]
    return error
