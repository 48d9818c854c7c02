"""Muse Glimmer: messages with a recipient in their header: itself (the thinking), a tool, or the user."""

from __future__ import annotations

from localllm.chat.formats.named_json import MAX_NAME_CHARS
from localllm.chat.formats.xml_calls import XmlCalls
from localllm.chat.lark import Lark
from localllm.chat.reader import Broken, Reader, Reading, Sink
from localllm.sampling_params import ThinkingMarks

_TO, _MESSAGE, _END, _NEXT = " to=", "<|message|>", "<|eom|>", "<|start|>assistant"
_SELF = f"{_TO}self{_MESSAGE}"


class MuseGlimmer(XmlCalls):
    name = "atem"
    openers = ("<atem:function_calls>",)
    head = "\n"
    call_open = '<atem:invoke name="'
    name_close = '">\n'
    key_open = '<atem:parameter name="'
    key_close = '">'
    value_close = "</atem:parameter>"
    call_close = "</atem:invoke>"
    between = "\n"
    tail = "\n</atem:function_calls>"
    marks = ("<|start|>", _MESSAGE, _END)
    reasoning = (_SELF, _END)

    def starts_in_reasoning(self, prompt: str, continued: str = "") -> bool:
        return prompt.endswith(_SELF)

    def read(self, r: Reader, in_reasoning: bool) -> Reading[None]:
        sink = r.reasoning if in_reasoning else (yield from self._read_header(r))
        stops = (_NEXT, _END, *(self.openers if r.tools else ()))
        while True:
            r.commit()
            found = yield from r.until(stops, sink)
            if found is None:
                r.flush_space()
                return
            if found in self.openers:
                yield from self._try_calls(r, found, sink, in_reasoning=False)
                continue
            r.boundary()
            sink = (yield from self._read_header(r)) if found == _NEXT else r.content

    @staticmethod
    def _read_header(r: Reader) -> Reading[Sink]:
        """Where the text after the header goes; what is no header stays text."""
        r.commit()
        try:
            yield from r.expect(_TO, _MESSAGE)
            r.rewind()
            header = yield from r.collect(_MESSAGE, limit=MAX_NAME_CHARS)
            if not header.isascii():
                raise Broken
        except Broken:
            r.rewind()
            return r.content
        r.boundary()
        return r.reasoning if header == f"{_TO}self" and r.parse_reasoning else r.content

    @property
    def thinking_end(self) -> str:
        return _END + _NEXT

    def thinking_marks(self, prompt: str, continued: str = "", *, has_tools: bool) -> ThinkingMarks:
        end, is_open = self.thinking_end, self.starts_in_reasoning(prompt)
        again = f"{end}{_TO}user{_MESSAGE}"
        return ThinkingMarks(_SELF, (_END,), end, again, is_open=is_open, is_anywhere=True)

    def grammar_opener(self, lark: Lark) -> str:
        """The header names the tool too; the prompt ends before it."""
        return f"(/ to=[\\w.:\\-]{{1,200}}/ {lark.text(_MESSAGE)})? {lark.text(self.openers[0])}"

    def _grammar_reasoning(self, lark: Lark, in_reasoning: bool) -> str:
        thinking = f"{lark.upto(_END)} {lark.text(_NEXT)}"
        return thinking if in_reasoning else f"({lark.text(_SELF)} {thinking})?"
