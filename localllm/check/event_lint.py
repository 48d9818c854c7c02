"""The order of named events in a stream of /v1/responses or /v1/messages. Pure: raw bytes → what is wrong."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from localllm.check.reading import as_dict, decoded, shown

Event = dict[str, Any]
RESPONSE_ENDS = ("response.completed", "response.incomplete")
FAILURES = ("error", "response.failed")
FIELDS: dict[str, tuple[str, type]] = {  # what clients read of an event without looking at its type
    "response.created": ("response", dict),
    "response.output_item.added": ("item", dict),
    "response.output_text.delta": ("delta", str),
    "response.completed": ("response", dict),
    "message_start": ("message", dict),
    "content_block_start": ("content_block", dict),
    "content_block_delta": ("delta", dict),
    "message_delta": ("delta", dict),
}


def named_events(raw: bytes) -> tuple[list[tuple[str, Event]], list[str]]:
    """(name of the `event:` line, decoded data) of every frame that has data; and what is wrong with their types."""
    events: list[tuple[str, Event]] = []
    problems: list[str] = []
    for frame in raw.decode("utf-8", "replace").replace("\r\n", "\n").split("\n\n"):
        lines = frame.split("\n")
        name = next((line[6:].strip() for line in lines if line.startswith("event:")), "")
        data = "\n".join(line[5:].strip() for line in lines if line.startswith("data:"))
        if not data or data == "[DONE]":
            continue
        try:
            value = decoded(data)
        except ValueError:
            value = None
        if isinstance(value, dict):
            events.append((name, value))
            problems += _wrong_types(value)
        else:
            problems.append(f"an event's data is no JSON object: {shown(data)}")
    return events, problems


def _wrong_types(event: Event) -> Iterator[str]:
    type_ = event.get("type")
    if not isinstance(type_, str):
        yield f"an event's type is no text: {shown(event)}"
        return
    field, wanted = FIELDS.get(type_, ("type", str))
    if not isinstance(event.get(field), wanted):
        yield f"`{field}` of {shown(type_)} is {shown(event.get(field))}"
    for name in ("index", "output_index", "content_index"):
        if name in event and type(event[name]) is not int:
            yield f"`{name}` of {shown(type_)} is no whole number: {shown(event[name])}"


def lint_responses(raw: bytes) -> list[str]:
    """What breaks the order that Codex, the SDKs and Open WebUI need; empty for a clean stream."""
    named, problems = named_events(raw)
    events = [event for _, event in named]
    problems += [*_numbering(events), *_response_frame(events), *_response_items(events)]
    return [shown(problem) for problem in problems]


def _numbering(events: list[Event]) -> Iterator[str]:
    numbers = [event.get("sequence_number") for event in events]
    if any(type(number) is not int for number in numbers):
        yield "an event has no whole-number sequence_number"
    elif any(b <= a for a, b in itertools.pairwise(numbers)):  # type: ignore[operator]
        yield "sequence_number does not grow"


def _response_frame(events: list[Event]) -> Iterator[str]:
    types = [event.get("type") for event in events]
    if not types or types[0] != "response.created":
        yield f"the first event is {shown(types[0]) if types else 'missing'}, not response.created"
        return
    if failure := next((event for event in events if event.get("type") in FAILURES), None):
        yield f"the response failed: {shown(failure)}"
        return
    if types[-1] not in RESPONSE_ENDS:
        yield f"the last event is {shown(types[-1])}, not response.completed"
        return
    usage = as_dict(as_dict(events[-1].get("response")).get("usage"))
    wanted = ("input_tokens", "output_tokens", "total_tokens")
    if not all(type(usage.get(key)) is int for key in wanted):
        yield "the last event's response has no complete usage"


def _response_items(events: list[Event]) -> Iterator[str]:
    """An item is added before its parts, a part before its deltas."""
    items: list[Any] = []  # no sets: what should be a number may be anything
    parts: list[tuple[Any, Any]] = []
    for event in events:
        type_ = event["type"] if isinstance(event.get("type"), str) else ""
        item, part = event.get("output_index"), event.get("content_index")
        if type_ == "response.output_item.added":
            items.append(item)
            added = as_dict(event.get("item"))
            if added.get("type") == "function_call" and not added.get("id"):
                yield "a function_call item has no id"
        elif type_ == "response.content_part.added":
            parts.append((item, part))
        if "output_index" in event and item not in items:
            yield f"{type_} comes before its response.output_item.added"
            return
        if type_.startswith("response.output_text.") and (item, part) not in parts:
            yield f"{type_} comes before its response.content_part.added"
            return


def lint_messages(raw: bytes) -> list[str]:
    """What breaks the order that Claude Code and Anthropic's SDKs need; empty for a clean stream."""
    read, problems = named_events(raw)
    named = [(name, event) for name, event in read if event.get("type") != "ping"]
    events = [event for _, event in named]
    if any(name != event.get("type") for name, event in named):
        problems.append("an event's `event:` line is missing or differs from its type")
    return [shown(problem) for problem in [*problems, *_message_frame(events), *_blocks(events)]]


def _message_frame(events: list[Event]) -> Iterator[str]:
    types = [event.get("type") for event in events]
    if not types or types[0] != "message_start":
        yield f"the first event is {shown(types[0]) if types else 'missing'}, not message_start"
        return
    if not isinstance(as_dict(events[0].get("message")).get("usage"), dict):
        yield "message_start has no usage"
    if types[-1] != "message_stop" or types.count("message_stop") != 1:
        yield f"the last event is {shown(events[-1])}, not message_stop"
    deltas = [event for event in events if event.get("type") == "message_delta"]
    if len(deltas) != 1 or not _has_output_tokens(deltas[0]):
        yield "there is not exactly one message_delta with usage.output_tokens"


def _has_output_tokens(event: Event) -> bool:
    return type(as_dict(event.get("usage")).get("output_tokens")) is int


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
