"""What every output format has: its markers, how it reads calls, how it writes them, and its grammar.

The text of calls is the same everywhere: opener, head, the calls with `between` between them, tail. A format fills
in this table and says how one call is written; from that, `write_calls` and `grammar` follow.
"""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from localllm.chat.deltas import Content, Reasoning
from localllm.chat.lark import Lark, one_of
from localllm.chat.reader import Broken, Reader, Reading, Sink
from localllm.chat.tools import function_name, parameters_by_name, read_tool_choice
from localllm.sampling_params import Grammar, ThinkingMarks

Call = tuple[str, Any]  # name, arguments
Parameters = dict[str, Any]


class Format:
    """One output syntax.

    openers: what begins calls, the one to write first. bare: characters that begin a call only where an answer begins.
    reasoning: the markers around the model's thinking. wrappers: markers around the whole answer, left out of it.
    ends: closers that are no text even where the prompt has opened what they close.
    marks: all markers that may be tokens of their own.
    """

    name: ClassVar[str]
    openers: ClassVar[tuple[str, ...]] = ()
    bare: ClassVar[tuple[str, ...]] = ()
    head: ClassVar[str] = ""
    between: ClassVar[str] = "\n"
    tail: ClassVar[str] = ""
    marks: tuple[str, ...] = ()
    wrappers: ClassVar[tuple[tuple[str, str], ...]] = ()
    ends: ClassVar[tuple[str, ...]] = ()
    reasoning: tuple[str, str] | None = ("<think>", "</think>")
    short_ids: ClassVar[bool] = False
    is_thinker: bool = True  # False where the template knows no thinking: then a forced call comes at once

    @property
    def has_calls(self) -> bool:
        """False for a model that only writes text: tools are not shown to it."""
        return bool(self.openers)

    def without_thinking(self) -> Format:
        """The same, for a model that was not made to think. What it thinks all the same is still read as such."""
        other = copy.copy(self)
        other.is_thinker = False
        return other

    def with_reasoning(self, markers: tuple[str, str] | None) -> Format:
        """The same calls, with other markers around the thinking."""
        other = copy.copy(self)
        other.reasoning = markers
        return other

    # --- reading ------------------------------------------------------------------------------------------

    def starts_in_reasoning(self, prompt: str, continued: str = "") -> bool:
        """Whether the answer begins inside the thinking: the template opened it, or a message is continued there."""
        if self.reasoning is None:
            return False
        opener, closer = self.reasoning
        is_continued = continued.rfind(opener) > continued.rfind(closer)
        return prompt.rstrip().endswith(opener.strip()) or (
            is_continued and not prompt.endswith(self.thinking_end)
        )

    @property
    def thinking_end(self) -> str:
        """What is written for the model to end its thinking: a tag on a line of its own, a token as it is."""
        closer = self.reasoning[1] if self.reasoning else ""
        is_token = closer in self.marks or "|" in closer or closer.startswith("[/")
        return closer if is_token or not closer else f"\n{closer}\n\n"

    def without_thought(self, prompt: str, continued: str = "") -> str:
        """The prompt with its thinking ended, where it has begun one."""
        return prompt + self.thinking_end if self.starts_in_reasoning(prompt, continued) else prompt

    def thinking_marks(self, prompt: str, continued: str = "", *, has_tools: bool) -> ThinkingMarks | None:
        """What a budget for the thinking goes by. With tools a call ends the thinking too, as the parser has it."""
        if self.reasoning is None:
            return None
        opener, closer = self.reasoning
        closers = (closer, *self.openers) if has_tools else (closer,)
        end, is_open = self.thinking_end, self.starts_in_reasoning(prompt, continued)
        return ThinkingMarks(opener, closers, end, end, is_open=is_open)

    def read(self, r: Reader, in_reasoning: bool) -> Reading[None]:
        """The whole answer: content, reasoning and calls, until the text ends."""
        wrapper_close = ""
        while True:
            r.commit()
            sink = r.reasoning if in_reasoning else r.content
            found = yield from r.until(self._markers(r, in_reasoning, wrapper_close), sink)
            if found is None:
                r.flush_space(Reasoning if in_reasoning else Content)
                return
            if found in self.openers or found in self.bare:
                is_call = yield from self._try_calls(r, found, sink, in_reasoning)
                in_reasoning = in_reasoning and not is_call
            elif self.reasoning and found in self.reasoning and (in_reasoning or r.is_blank):
                in_reasoning = not in_reasoning
                r.boundary()
            elif found == wrapper_close or (found in dict(self.wrappers) and r.is_blank):
                wrapper_close = dict(self.wrappers).get(found, "")
                r.boundary()
            elif found in self.ends:
                r.boundary()
            else:
                sink(found)

    def _markers(self, r: Reader, in_reasoning: bool, wrapper_close: str) -> tuple[str, ...]:
        """What may end the text here."""
        markers = [*self.openers, *self.bare] if r.tools else []
        if self.reasoning and r.parse_reasoning:
            markers.append(self.reasoning[1 if in_reasoning else 0])
        if not in_reasoning:
            markers += [wrapper_close, *dict(self.wrappers), *self.ends]
        return tuple(filter(None, markers))

    def _try_calls(self, r: Reader, opener: str, sink: Sink, in_reasoning: bool) -> Reading[bool]:
        """Reads what the opener promised. What is no call is passed on as the text it is."""
        before = r.num_calls
        try:
            if opener in self.bare and (in_reasoning or not r.is_blank):
                raise Broken
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
        raise NotImplementedError

    @property
    def written_opener(self) -> str:
        """What is written before calls; nothing in a format whose calls stand bare."""
        return "" if self.bare else self.openers[0]

    # --- writing ------------------------------------------------------------------------------------------

    def write_call(self, name: str, arguments: Any, index: int) -> str:
        """One call, without what stands around the calls."""
        raise NotImplementedError

    def write_calls(self, calls: list[Call]) -> str:
        """The calls as the model would write them."""
        written = [self.write_call(name, arguments, index) for index, (name, arguments) in enumerate(calls)]
        return self.written_opener + self.head + self.between.join(written) + self.tail

    # --- grammar ------------------------------------------------------------------------------------------

    def grammar_call(self, lark: Lark, before: str, name: str, parameters: Parameters) -> str:
        """One call of this function, and the text before it, as a Lark expression; the twin of write_call.

        The text before is given along because a lexer reads the longest text it knows: a separator of its own would
        be swallowed by a tail that begins in the same way.
        """
        raise NotImplementedError

    def grammar(
        self,
        tools: list[dict[str, Any]],
        *,
        tool_choice: Any = "auto",
        parallel: bool = True,
        prompt: str = "",
        continued: str = "",
        answer_schema: Any = None,
    ) -> Grammar | None:
        """What the model may write; None where it may write anything: no tools, `none`, or a format without calls.

        Forced (`required`, or a function's name): the answer is calls, after the thinking if there is any. `auto`: the
        grammar sleeps until one of its triggers was written, and describes what follows it. With an answer_schema
        (response_format beside tools) the answer is calls or JSON of that schema, from the first character on.
        prompt, continued: as for the parser; they show whether the answer begins inside the thinking.
        """
        choice = read_tool_choice(tool_choice, tools)
        functions = parameters_by_name([tool for tool in tools if function_name(tool) in choice.names])
        if not self.has_calls or not functions or choice.mode == "none":
            return None
        lark = Lark(tuple(dict.fromkeys((*self.marks, *self.openers, *(self.reasoning or ())))))
        calls = self._grammar_calls(lark, functions, parallel)
        is_forced = choice.mode == "required"
        if not is_forced and answer_schema is None:
            return self.grammar_opened(lark, functions, calls, parallel, prompt)
        is_opened = bool(self.written_opener) and prompt.endswith(self.written_opener)
        answer = calls if is_opened else f"{self.grammar_opener(lark)} {calls}"
        if not is_forced:
            answer = f"({answer} | {lark.json(answer_schema, is_strict=True)})"
        reasoning = self._grammar_reasoning(lark, self.starts_in_reasoning(prompt, continued))
        return Grammar(kind="lark", text=lark.build(f"{reasoning} {answer}"))

    def grammar_opener(self, lark: Lark) -> str:
        """What stands before forced calls."""
        return lark.text(self.written_opener)

    def grammar_opened(
        self, lark: Lark, tools: dict[str, Parameters], calls: str, parallel: bool, prompt: str
    ) -> Grammar:
        """The grammar that holds once the model has opened a call by itself. calls: what then follows."""
        return Grammar(kind="lark", text=lark.build(calls), triggers=self.triggers())

    def triggers(self) -> tuple[str, ...]:
        """The texts after which the grammar begins with `auto`."""
        return self.openers[:1]

    def _grammar_calls(
        self, lark: Lark, tools: dict[str, Parameters], parallel: bool, first: str | None = None
    ) -> str:
        """The calls after the opener. first: the first of them, where it is written otherwise."""
        space = self.between[: len(self.between) - len(self.between.lstrip())]
        space = space if self.tail.startswith(space) else ""

        def call(before: str) -> str:
            return lark.rule(one_of([self.grammar_call(lark, before, *tool) for tool in tools.items()]))

        first = first or call(self.head)
        more = call(self.between.removeprefix(space))
        again = f"({lark.text(space)} {more})* " if parallel else ""
        return f"{first} {again}{lark.text(space)} {lark.text(self.tail.removeprefix(space))}"

    def _grammar_reasoning(self, lark: Lark, in_reasoning: bool) -> str:
        """The thinking before a forced call: it may be there or not, unless the prompt has begun it."""
        if self.reasoning is None or not (self.is_thinker or in_reasoning):
            return '""'
        opener, closer = self.reasoning
        space = lark.rule("/[ \\n]{0,2}/")
        if in_reasoning:
            return f"{lark.upto(closer)} {space}"
        return f"({lark.text(opener)} {lark.upto(closer)} {space})?"
