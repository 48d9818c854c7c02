"""Chat deltas → the content blocks of a message, and the events that build the same blocks up at a client.

    writer = BlockWriter()
    for delta in …: events = writer.take(delta)
    events = writer.close()
    writer.blocks                             # the `content` of the message

One block is open at a time: thinking, text, or tool_use. Knows no engine and no framing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from localllm.chat.deltas import Content, Delta, Reasoning, ToolCallArguments, ToolCallStart

Event = dict[str, Any]
Json = dict[str, Any]

SIGNATURE = "localllm"  # nobody checks it here; clients send back only thinking that has one


class BlockWriter:
    """Builds the content of one message."""

    def __init__(self) -> None:
        self.blocks: list[Json] = []
        self._open: Json | None = None
        self._text = ""

    def take(self, delta: Delta) -> Iterator[Event]:
        """The events of one more piece."""
        if isinstance(delta, ToolCallStart):
            yield from self._begin({"type": "tool_use", "id": delta.id, "name": delta.name, "input": {}})
            return
        if isinstance(delta, Content) and not self._is_open("text"):
            yield from self._begin({"type": "text", "text": ""})
        if isinstance(delta, Reasoning) and not self._is_open("thinking"):
            yield from self._begin({"type": "thinking", "thinking": "", "signature": ""})
        self._text += delta.text
        yield self._delta(_delta_body(delta))

    def close(self) -> Iterator[Event]:
        """End the open block."""
        block, self._open = self._open, None
        if block is None:
            return
        index = len(self.blocks)
        if block["type"] == "thinking":
            yield self._delta({"type": "signature_delta", "signature": SIGNATURE})
        self.blocks.append({**block, **_final(block["type"], self._text)})
        yield {"type": "content_block_stop", "index": index}

    def _begin(self, block: Json) -> Iterator[Event]:
        yield from self.close()
        self._open, self._text = block, ""
        yield {"type": "content_block_start", "index": len(self.blocks), "content_block": block}

    def _is_open(self, kind: str) -> bool:
        return self._open is not None and self._open["type"] == kind

    def _delta(self, body: Json) -> Event:
        return {"type": "content_block_delta", "index": len(self.blocks), "delta": body}


def _delta_body(delta: Content | Reasoning | ToolCallArguments) -> Json:
    if isinstance(delta, Content):
        return {"type": "text_delta", "text": delta.text}
    if isinstance(delta, Reasoning):
        return {"type": "thinking_delta", "thinking": delta.text}
    return {"type": "input_json_delta", "partial_json": delta.text}


def _final(kind: str, text: str) -> Json:
    """The fields of a whole block."""
    if kind == "text":
        return {"text": text}
    if kind == "thinking":
        return {"thinking": text, "signature": SIGNATURE}
    return {"input": _object(text)}


def _object(arguments: str) -> Json:
    """The arguments; empty where the call was cut short (stop_reason says so) and they are no object yet."""
    try:
        value = json.loads(arguments or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
