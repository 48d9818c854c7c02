"""The rules of a /v1/responses stream, checked on its raw bytes: framing, order, numbers, and OpenAI's schema."""

from __future__ import annotations

import json
from typing import Any

from tests.api import schema_lint
from tests.api.http import Answer

Event = dict[str, Any]
ENDS = ("response.completed", "response.incomplete", "response.failed")
PARTS = {
    "message": ("content_part", "output_text", "content"),
    "reasoning": ("content_part", "reasoning_text", "content"),
    "summary": ("reasoning_summary_part", "reasoning_summary_text", "summary"),
}
USAGE_KEYS = {
    "input_tokens",
    "input_tokens_details",
    "output_tokens",
    "output_tokens_details",
    "total_tokens",
}


def named_events(body: bytes) -> list[Event]:
    """The objects of a stream in which every frame is a comment, or an event with its name and one line of data."""
    events = []
    assert body.endswith(b"\n\n")
    for frame in body.decode().split("\n\n")[:-1]:
        lines = frame.split("\n")
        if all(line.startswith(":") for line in lines):
            continue
        assert len(lines) == 2, frame
        assert lines[0].startswith("event: "), frame
        assert lines[1].startswith("data: "), frame
        event = json.loads(lines[1][6:])
        assert event["type"] == lines[0][7:]
        events.append(event)
    return events


def events_of(answer: Answer) -> list[Event]:
    """The events of a stream, after every rule was checked on it."""
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    events = named_events(answer.body)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"] for event in events[:2]] == ["response.created", "response.in_progress"]
    assert [event["type"] for event in events].count("response.created") == 1
    assert events[-1]["type"] in ENDS
    assert not any(event["type"] in ENDS for event in events[:-1])
    for event in events:
        schema_lint.check(event, "ResponseStreamEvent")
        if event["type"] != "error":
            assert (
                event.get("response", {"id": events[0]["response"]["id"]})["id"]
                == events[0]["response"]["id"]
            )
    _check_items(events)
    return events


def items_of(events: list[Event]) -> list[Event]:
    """The output of the last response object."""
    items: list[Event] = events[-1]["response"]["output"]
    return items


def _check_items(events: list[Event]) -> None:
    """One item at a time; added before its parts, parts before deltas, all closed, and the same in the end."""
    done: list[Event] = []
    inner = [e for e in events if "output_index" in e]
    while inner:
        index = len(done)
        mine = [e for e in inner if e["output_index"] == index]
        assert mine == inner[: len(mine)], "two items at the same time"
        assert mine, f"nothing for output_index {index}"
        inner = inner[len(mine) :]
        done.append(_check_item(mine))
    final = events[-1]
    if final["type"] != "response.failed":
        assert done == final["response"]["output"]
        assert final["response"]["usage"].keys() == USAGE_KEYS


def _check_item(events: list[Event]) -> Event:
    added, *between, last = events
    assert added["type"] == "response.output_item.added"
    assert last["type"] == "response.output_item.done"
    item: Event = last["item"]
    assert {event["item_id"] for event in between} == {added["item"]["id"]} == {item["id"]}
    assert added["item"]["status"] == "in_progress"
    if item["type"] == "function_call":
        _check_text(between, "function_call_arguments", "arguments", item["arguments"])
        return item
    part, text, place = PARTS["summary" if item.get("summary") else item["type"]]
    first, *deltas, part_done = between
    assert first["type"] == f"response.{part}.added"
    assert part_done["type"] == f"response.{part}.done"
    assert [part_done["part"]] == item[place]
    _check_text(deltas, text, "text", item[place][0]["text"])
    return item


def _check_text(events: list[Event], name: str, key: str, whole: str) -> None:
    *deltas, done = events
    assert all(event["type"] == f"response.{name}.delta" for event in deltas)
    assert done["type"] == f"response.{name}.done"
    assert done[key] == "".join(event["delta"] for event in deltas) == whole
