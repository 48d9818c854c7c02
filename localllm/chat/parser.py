"""A model's text, as it comes → content, reasoning and tool calls.

Same shape as httpx's decoders: feed, then flush. Whatever the split, the answer is the same; whatever the text, nothing
raises and nothing is lost. Knows no HTTP and no tokens.
"""

from __future__ import annotations

from typing import Any

from localllm.chat.deltas import Content, Delta, Reasoning, ToolCallArguments, ToolCallStart, fold
from localllm.chat.formats.base import Format
from localllm.chat.reader import Reader
from localllm.chat.tools import parameters_by_name

__all__ = [
    "ChatParser", "Content", "Delta", "Reasoning", "ToolCallArguments", "ToolCallStart", "fold", "parse",
]  # fmt: skip


class ChatParser:
    """Parses one answer.

    tools: as in the request; without any, call syntax is content. parse_reasoning False: thinking is content too.
    prompt: the rendered prompt, or its end: shows whether the answer begins inside the model's thinking.
    continued: the text of the last message, where the answer continues it.
    """

    def __init__(
        self,
        format: Format,  # noqa: A002 -- the project's word for it
        *,
        tools: list[dict[str, Any]] | None = None,
        parse_reasoning: bool = True,
        prompt: str = "",
        continued: str = "",
    ) -> None:
        self._reader = Reader(parameters_by_name(tools or []), parse_reasoning=parse_reasoning)
        self._reader.short_ids = format.short_ids
        in_reasoning = parse_reasoning and format.starts_in_reasoning(prompt, continued)
        self._reading = format.read(self._reader, in_reasoning)
        self._is_done = False

    @property
    def num_tool_calls(self) -> int:
        """How many calls have begun; more than none makes the finish_reason "tool_calls"."""
        return self._reader.num_calls

    def feed(self, text: str) -> list[Delta]:
        """The deltas that this text makes certain."""
        self._reader.append(text)
        return self._advance()

    def flush(self) -> list[Delta]:
        """The text has ended: everything that was held back."""
        self._reader.ended = True
        return self._advance()

    def _advance(self) -> list[Delta]:
        if not self._is_done:
            self._is_done = next(self._reading, True) is True
        deltas, self._reader.deltas = self._reader.deltas, []
        return _joined(deltas)


def _joined(deltas: list[Delta]) -> list[Delta]:
    """Neighbours of one kind become one delta: fewer chunks on the wire."""
    joined: list[Delta] = []
    for delta in deltas:
        last = joined[-1] if joined else None
        if isinstance(delta, Content) and isinstance(last, Content):
            joined[-1] = Content(last.text + delta.text)
        elif isinstance(delta, Reasoning) and isinstance(last, Reasoning):
            joined[-1] = Reasoning(last.text + delta.text)
        elif (
            isinstance(delta, ToolCallArguments)
            and isinstance(last, ToolCallArguments)
            and last.index == delta.index
        ):
            joined[-1] = ToolCallArguments(delta.index, last.text + delta.text)
        else:
            joined.append(delta)
    return joined


def parse(
    format: Format,  # noqa: A002
    text: str,
    *,
    tools: list[dict[str, Any]] | None = None,
    parse_reasoning: bool = True,
    prompt: str = "",
) -> dict[str, Any]:
    """A whole answer at once, as OpenAI's message."""
    parser = ChatParser(format, tools=tools, parse_reasoning=parse_reasoning, prompt=prompt)
    return fold([*parser.feed(text), *parser.flush()])
