"""Chat deltas → the output items of a response, and the events that build the same items up at a client.

    writer = OutputWriter()
    for delta in …: events = writer.take(delta)
    events = writer.close("completed")
    writer.items                              # the `output` of the response

One item is open at a time: reasoning, a message, or a call. Knows no engine and no framing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from localllm.api.openai import wire
from localllm.api.openai.namespaces import Names, call_names
from localllm.chat.deltas import Content, Delta, ToolCallArguments, ToolCallStart
from localllm.engine.messages import TokenLogprob

Event = dict[str, Any]
Json = dict[str, Any]


class _Item:
    """What all items have: an id, a place, a text that grows."""

    prefix: str

    def __init__(self, index: int) -> None:
        self.id = new_id(self.prefix)
        self.index = index
        self.text = ""

    def body(self, status: str) -> Json:
        """The item as it is now; `status`: in_progress, completed or incomplete."""
        raise NotImplementedError

    def opened(self) -> list[Event]:
        """What follows output_item.added."""
        return []

    def added(self, text: str, logprobs: Sequence[TokenLogprob]) -> Event:
        raise NotImplementedError

    def closed(self) -> list[Event]:
        """What precedes output_item.done."""
        raise NotImplementedError

    def event(self, kind: str, **values: Any) -> Event:
        return {"type": f"response.{kind}", "item_id": self.id, "output_index": self.index, **values}


class _Message(_Item):
    prefix = "msg"

    def __init__(self, index: int) -> None:
        super().__init__(index)
        self._logprobs: list[Json] = []

    def body(self, status: str) -> Json:
        content = [] if status == "in_progress" else [self._part()]
        return {"id": self.id, "type": "message", "status": status, "role": "assistant", "content": content}

    def opened(self) -> list[Event]:
        return [self.event("content_part.added", content_index=0, part=self._part())]

    def added(self, text: str, logprobs: Sequence[TokenLogprob]) -> Event:
        read = wire.chat_logprobs(logprobs)["content"]
        self.text += text
        self._logprobs += read
        return self.event("output_text.delta", content_index=0, delta=text, logprobs=read)

    def closed(self) -> list[Event]:
        done = self.event("output_text.done", content_index=0, text=self.text, logprobs=self._logprobs)
        return [done, self.event("content_part.done", content_index=0, part=self._part())]

    def _part(self) -> Json:
        return {
            "type": "output_text",
            "text": self.text,
            "annotations": [],
            "logprobs": list(self._logprobs),
        }


class _Reasoning(_Item):
    """Thinking as it is. Its part is announced, because openai-node's helper looks for it."""

    prefix = "rs"

    def body(self, status: str) -> Json:
        content = [] if status == "in_progress" else [self._part()]
        return {"id": self.id, "type": "reasoning", "summary": [], "content": content, "status": status}

    def opened(self) -> list[Event]:
        return [self.event("content_part.added", content_index=0, part=self._part())]

    def added(self, text: str, logprobs: Sequence[TokenLogprob]) -> Event:
        self.text += text
        return self.event("reasoning_text.delta", content_index=0, delta=text)

    def closed(self) -> list[Event]:
        done = self.event("reasoning_text.done", content_index=0, text=self.text)
        return [done, self.event("content_part.done", content_index=0, part=self._part())]

    def _part(self) -> Json:
        return {"type": "reasoning_text", "text": self.text}


class _Summary(_Item):
    """Thinking for clients that asked for a summary: Codex and the AI SDK show nothing else."""

    prefix = "rs"

    def body(self, status: str) -> Json:
        summary = [] if status == "in_progress" else [self._part()]
        return {"id": self.id, "type": "reasoning", "summary": summary, "content": [], "status": status}

    def opened(self) -> list[Event]:
        return [self.event("reasoning_summary_part.added", summary_index=0, part=self._part())]

    def added(self, text: str, logprobs: Sequence[TokenLogprob]) -> Event:
        self.text += text
        return self.event("reasoning_summary_text.delta", summary_index=0, delta=text)

    def closed(self) -> list[Event]:
        done = self.event("reasoning_summary_text.done", summary_index=0, text=self.text)
        return [done, self.event("reasoning_summary_part.done", summary_index=0, part=self._part())]

    def _part(self) -> Json:
        return {"type": "summary_text", "text": self.text}


class _Call(_Item):
    prefix = "fc"

    def __init__(self, index: int, start: ToolCallStart, names: Names) -> None:
        super().__init__(index)
        self._start = start
        self._names = call_names(start.name, names)

    def body(self, status: str) -> Json:
        return {
            "id": self.id,
            "type": "function_call",
            "status": status,
            "call_id": self._start.id,
            **self._names,
            "arguments": self.text,
        }

    def added(self, text: str, logprobs: Sequence[TokenLogprob]) -> Event:
        self.text += text
        return self.event("function_call_arguments.delta", delta=text)

    def closed(self) -> list[Event]:
        return [
            self.event("function_call_arguments.done", name=self._names["name"], arguments=self.text),
        ]


class OutputWriter:
    """Builds the output of one response. as_summary: thinking goes where summaries of it go.

    tool_names: functions of namespaces.
    """

    def __init__(self, *, as_summary: bool = False, tool_names: Names | None = None) -> None:
        self._tool_names = tool_names or {}
        self._reasoning = _Summary if as_summary else _Reasoning
        self.items: list[Json] = []
        self._open: _Item | None = None

    def take(self, delta: Delta, logprobs: Sequence[TokenLogprob] = ()) -> Iterator[Event]:
        """The events of one more piece."""
        if isinstance(delta, ToolCallStart):
            index = len(self.items) + (self._open is not None)
            yield from self._begin(_Call(index, delta, self._tool_names))
            return
        if not isinstance(delta, ToolCallArguments):
            kind = _Message if isinstance(delta, Content) else self._reasoning
            if not isinstance(self._open, kind):
                yield from self._begin(kind(len(self.items) + (self._open is not None)))
        assert self._open is not None
        yield self._open.added(delta.text, logprobs)

    def close(self, status: str) -> Iterator[Event]:
        """End the open item. status: completed, or incomplete where the answer was cut short."""
        item, self._open = self._open, None
        if item is None:
            return
        yield from item.closed()
        self.items.append(item.body(status))
        yield {
            "type": "response.output_item.done",
            "output_index": item.index,
            "item": self.items[-1],
        }

    def _begin(self, item: _Item) -> Iterator[Event]:
        yield from self.close("completed")
        self._open = item
        yield {
            "type": "response.output_item.added",
            "output_index": item.index,
            "item": item.body("in_progress"),
        }
        yield from item.opened()


def new_id(prefix: str) -> str:
    """As OpenAI's: a short prefix, an underscore, hexadecimal digits."""
    return wire.new_id(prefix).replace("-", "_", 1)
