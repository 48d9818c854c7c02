"""What a parser gives: the pieces of an answer, in the order the model wrote them, and the answer they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec


class Content(msgspec.Struct, frozen=True):
    text: str


class Reasoning(msgspec.Struct, frozen=True):
    text: str


class ToolCallStart(msgspec.Struct, frozen=True):
    """A call opens; index counts calls from 0. Its arguments follow as ToolCallArguments of the same index."""

    index: int
    id: str
    name: str


class ToolCallArguments(msgspec.Struct, frozen=True):
    """More of the call's arguments. All texts of one index together are JSON, unless the model was cut short."""

    index: int
    text: str


Delta = Content | Reasoning | ToolCallStart | ToolCallArguments


def fold(deltas: Iterable[Delta]) -> dict[str, Any]:
    """The whole message in OpenAI's shape: role, content, and where there are any reasoning_content and tool_calls."""
    content, reasoning = "", ""
    calls: list[dict[str, Any]] = []
    for delta in deltas:
        if isinstance(delta, Content):
            content += delta.text
        elif isinstance(delta, Reasoning):
            reasoning += delta.text
        elif isinstance(delta, ToolCallStart):
            function = {"name": delta.name, "arguments": ""}
            calls.append({"id": delta.id, "type": "function", "function": function})
        else:
            calls[delta.index]["function"]["arguments"] += delta.text
    message: dict[str, Any] = {"role": "assistant", "content": content or (None if calls else "")}
    if reasoning:
        message["reasoning_content"] = reasoning
    if calls:
        message["tool_calls"] = calls
    return message
