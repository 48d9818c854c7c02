"""The order of named events in a stream of /v1/responses or /v1/messages. Pure: raw bytes → what is wrong."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

Event = dict[str, Any]
RESPONSE_ENDS = ("response.completed", "response.incomplete", "response.failed")


def named_events(raw: bytes) -> list[tuple[str, Event]]:
    """(name of the `event:` line, decoded data) of every frame that has data."""
    events = []
    for frame in raw.decode("utf-8", "replace").replace("\r\n", "\n").split("\n\n"):
        lines = frame.split("\n")
        name = next((line[6:].strip() for line in lines if line.startswith("event:")), "")
        data = "\n".join(line[5:].strip() for line in lines if line.startswith("data:"))
        try:
            value = json.loads(data)
        except ValueError:
            continue
        if isinstance(value, dict):
            events.append((name, value))
    return events


def lint_responses(raw: bytes) -> list[str]:
    """What breaks the order that Codex, the SDKs and Open WebUI need; empty for a clean stream."""
    events = [event for _, event in named_events(raw)]
    return [*_numbering(events), *_response_frame(events), *_response_items(events)]


def _numbering(events: list[Event]) -> Iterator[str]:
    numbers = [event.get("sequence_number") for event in events]
    if any(type(number) is not int for number in numbers):
        yield "an event has no whole-number sequence_number"
    elif any(b <= a for a, b in itertools.pairwise(numbers)):  # type: ignore[operator]
        yield "sequence_number does not grow"


def _response_frame(events: list[Event]) -> Iterator[str]:
    types = [event.get("type") for event in events]
    if not types or types[0] != "response.created":
        yield f"the first event is {types[0] if types else 'missing'}, not response.created"
        return
    if types[-1] not in RESPONSE_ENDS:
        yield f"the last event is {types[-1]}, not response.completed"
        return
    response = events[-1].get("response")
    usage = response.get("usage") if isinstance(response, dict) else None
    if types[-1] == "response.failed":
        return
    wanted = ("input_tokens", "output_tokens", "total_tokens")
    if not isinstance(usage, dict) or not all(type(usage.get(key)) is int for key in wanted):
        yield "the last event's response has no complete usage"


def _response_items(events: list[Event]) -> Iterator[str]:
    """An item is added before its parts, a part before its deltas."""
    items: set[Any] = set()
    parts: set[tuple[Any, Any]] = set()
    for event in events:
        type_, item, part = str(event.get("type")), event.get("output_index"), event.get("content_index")
        if type_ == "response.output_item.added":
            items.add(item)
            if event.get("item", {}).get("type") == "function_call" and not event["item"].get("id"):
                yield "a function_call item has no id"
        elif type_ == "response.content_part.added":
            parts.add((item, part))
        if "output_index" in event and item not in items:
            yield f"{type_} comes before its response.output_item.added"
            return
        if type_.startswith("response.output_text.") and (item, part) not in parts:
            yield f"{type_} comes before its response.content_part.added"
            return


def lint_messages(raw: bytes) -> list[str]:
    """What breaks the order that Claude Code and Anthropic's SDKs need; empty for a clean stream."""
    named = [(name, event) for name, event in named_events(raw) if event.get("type") != "ping"]
    events = [event for _, event in named]
    problems = []
    if any(name != event.get("type") for name, event in named):
        problems.append("an event's `event:` line is missing or differs from its type")
    return [*problems, *_message_frame(events), *_blocks(events)]


def _message_frame(events: list[Event]) -> Iterator[str]:
    types = [event.get("type") for event in events]
    if not types or types[0] != "message_start":
        yield f"the first event is {types[0] if types else 'missing'}, not message_start"
        return
    if not isinstance(events[0].get("message", {}).get("usage"), dict):
        yield "message_start has no usage"
    if types[-1] != "message_stop" or types.count("message_stop") != 1:
        yield f"the last event is {types[-1]}, not message_stop"
    deltas = [event for event in events if event.get("type") == "message_delta"]
    if len(deltas) != 1 or type(deltas[0].get("usage", {}).get("output_tokens")) is not int:
        yield "there is not exactly one message_delta with usage.output_tokens"


def _blocks(events: list[Event]) -> Iterator[str]:
    """Blocks are numbered from 0, opened before their deltas, and closed before the next one opens."""
    current, count = None, 0
    for event in events:
        type_, index = event.get("type"), event.get("index")
        if type_ == "content_block_start":
            if index != count or current is not None:
                yield f"content block {index} opens out of order"
            current, count = index, count + 1
        elif type_ in ("content_block_delta", "content_block_stop"):
            if index != current:
                yield f"{type_} of block {index}, which is not open"
                return
            current = None if type_ == "content_block_stop" else current
    if current is not None:
        yield f"content block {current} is never closed"
