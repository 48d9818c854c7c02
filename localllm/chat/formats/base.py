"""What every output format has: its markers, how it reads calls, how it writes them, and its grammar."""

from __future__ import annotations

from typing import Any, ClassVar

from localllm.chat.deltas import Content, Reasoning
from localllm.chat.formats import json_calls
from localllm.chat.reader import Broken, Reader, Reading

Call = tuple[str, Any]  # name, arguments


class Format:
    """One output syntax. Subclasses fill in the table; most need nothing but `openers` and `read_calls`.

    openers: what begins one or more calls. reasoning: the markers around the model's thinking.
    """

    name: ClassVar[str]
    openers: ClassVar[tuple[str, ...]] = ()
    reasoning: tuple[str, str] | None = ("<think>", "</think>")
    short_ids: ClassVar[bool] = False

    def starts_in_reasoning(self, prompt: str, continued: str = "") -> bool:
        """Whether the answer begins inside the thinking: the template opened it, or a message is continued there."""
        if self.reasoning is None:
            return False
        opener, closer = self.reasoning
        return prompt.rstrip().endswith(opener.strip()) or continued.rfind(opener) > continued.rfind(closer)

    def read(self, r: Reader, in_reasoning: bool) -> Reading[None]:
        """The whole answer: content, reasoning and calls, until the text ends."""
        openers = self.openers if r.tools else ()
        opener, closer = self.reasoning if self.reasoning and r.parse_reasoning else ("", "")
        while True:
            r.commit()
            sink = r.reasoning if in_reasoning else r.content
            markers = (closer if in_reasoning else opener, *openers)
            found = yield from r.until(tuple(filter(None, markers)), sink)
            if found is None:
                r.flush_space(Reasoning if in_reasoning else Content)
                return
            if found in openers:
                is_call = yield from self._try_calls(r, found, sink)
                in_reasoning = in_reasoning and not is_call
            elif in_reasoning or r.is_blank:
                in_reasoning = not in_reasoning
                r.boundary()
            else:
                sink(found)

    def _try_calls(self, r: Reader, opener: str, sink: Any) -> Reading[bool]:
        """Reads what the opener promised. What is no call is passed on as the text it is."""
        before = r.num_calls
        try:
            yield from self.read_calls(r, opener)
            r.boundary()
        except Broken:
            r.rewind()
            if r.num_calls == before:
                r.skip(opener)
                sink(opener)
        return r.num_calls > before

    def read_calls(self, r: Reader, opener: str) -> Reading[None]:
        """The calls after an opener, and the closer. Raises Broken where it is something else."""
        raise Broken
        yield

    def write_calls(self, calls: list[Call]) -> str:
        """The calls as the model would write them."""
        return "\n".join(f"<tool_call>\n{json_calls.write_object(*call)}\n</tool_call>" for call in calls)
