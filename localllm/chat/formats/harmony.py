"""gpt-oss: an answer of several messages, each with a channel and perhaps a recipient in its header."""

from __future__ import annotations

import json
import re
from typing import Any

from localllm.chat.formats import json_calls
from localllm.chat.formats.base import Format, Parameters
from localllm.chat.lark import Lark
from localllm.chat.reader import Broken, Reader, Reading, Sink
from localllm.sampling_params import ThinkingMarks

_START, _CHANNEL, _MESSAGE, _CONSTRAIN = "<|start|>", "<|channel|>", "<|message|>", "<|constrain|>"
_ANALYSIS = "<|channel|>analysis<|message|>"
_ENDS = ("<|end|>", "<|return|>", "<|call|>")
_RECIPIENT = re.compile(r"to=([\w.\-]+)")
MAX_HEADER_CHARS = 300


class Harmony(Format):
    """Channel `analysis` is the thinking; `commentary` and `final` are content; a recipient makes a message a call."""

    name = "harmony"
    openers = ("<|channel|>commentary to=functions.", "<|start|>assistant to=functions.")
    between = "<|call|><|start|>assistant<|channel|>commentary to=functions."
    marks = (_START, _CHANNEL, _MESSAGE, _CONSTRAIN, *_ENDS)
    reasoning = (_ANALYSIS, "<|end|>")

    def starts_in_reasoning(self, prompt: str, continued: str = "") -> bool:
        return prompt.endswith(_ANALYSIS)

    @property
    def thinking_end(self) -> str:
        return "<|end|><|start|>assistant"

    def thinking_marks(self, prompt: str, continued: str = "", *, has_tools: bool) -> ThinkingMarks | None:
        """The next channel is the model's own choice, once; where it thinks again, it is the final one."""
        end, is_open = self.thinking_end, self.starts_in_reasoning(prompt, continued)
        again = f"{end}{_CHANNEL}final{_MESSAGE}"
        return ThinkingMarks(_ANALYSIS, _ENDS, end, again, is_open=is_open, is_anywhere=True)

    def read(self, r: Reader, in_reasoning: bool) -> Reading[None]:
        sink: Sink = r.reasoning if in_reasoning else r.content
        if (yield from r.peek_at(" to=")):
            sink = yield from self._read_header(r, "", sink)
        while True:
            r.commit()
            found = yield from r.until((_START, _CHANNEL, *_ENDS), sink)
            if found is None:
                r.flush_space()
                return
            if found in _ENDS:
                r.boundary()
                sink = r.content
            else:
                sink = yield from self._read_header(r, found, sink)

    def _read_header(self, r: Reader, opener: str, sink: Sink) -> Reading[Sink]:
        """Where the text after the header goes. A call is read to its end here."""
        before = r.num_calls
        try:
            header = opener + (yield from r.collect(_MESSAGE, limit=MAX_HEADER_CHARS))
            recipient = _RECIPIENT.search(header)
            if not header.isascii() or (recipient is None and _CHANNEL not in header):
                raise Broken
            if recipient and self.function_of(recipient[1], r):
                yield from self._read_call(r, self.function_of(recipient[1], r))
                return r.content
        except Broken:
            r.rewind()
            if r.num_calls == before:
                r.skip(opener)
                sink(opener)
            return sink
        return self._open_channel(r, is_thinking="analysis" in header and r.parse_reasoning)

    @staticmethod
    def function_of(recipient: str, r: Reader) -> str:
        """The function a recipient names; empty where it names none."""
        name = recipient.removeprefix("functions.")
        return name if name in r.tools or (r.tools and name != recipient) else ""

    @staticmethod
    def _open_channel(r: Reader, *, is_thinking: bool) -> Sink:
        had_content = r.has_content
        r.boundary()
        if had_content and not is_thinking:
            r.separate()
        return r.reasoning if is_thinking else r.content

    @staticmethod
    def _read_call(r: Reader, name: str) -> Reading[None]:
        yield from r.space()
        if (yield from r.peek()) != "{":
            raise Broken
        r.start(name)
        yield from json_calls.read_arguments(r)
        r.boundary()
        r.commit()

    def write_call(self, name: str, arguments: Any, index: int) -> str:
        return f"{name} {_CONSTRAIN}json{_MESSAGE}{json.dumps(arguments, ensure_ascii=False)}"

    def grammar_call(self, lark: Lark, before: str, name: str, parameters: Parameters) -> str:
        channel = f"({lark.text(_CHANNEL + 'commentary')})?"
        kind = f"({lark.text(' ' + _CONSTRAIN + 'json')} | {lark.text(' json')})?"
        return " ".join(
            [lark.text(before + name), channel, kind, lark.text(_MESSAGE), lark.arguments(parameters)]
        )

    def triggers(self) -> tuple[str, ...]:
        return self.openers

    def _grammar_reasoning(self, lark: Lark, in_reasoning: bool) -> str:
        thinking = f"{lark.upto('<|end|>')} {lark.text('<|start|>assistant')}"
        return thinking if in_reasoning else f"({lark.text(_ANALYSIS)} {thinking})?"
