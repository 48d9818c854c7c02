"""Functionary: `<function=name>{…}</function>` in 3.1, recipients after `>>>` in 3.2."""

from __future__ import annotations

from localllm.chat.formats import json_calls
from localllm.chat.formats.base import Parameters
from localllm.chat.formats.named_json import MAX_NAME_CHARS, NamedJson
from localllm.chat.lark import Lark, quoted
from localllm.chat.reader import Broken, Reader, Reading
from localllm.sampling_params import Grammar


class FunctionaryV31(NamedJson):
    name = "functionary-v3.1"
    openers = ("<function=",)
    between = "</function><function="
    tail = "</function>"
    name_close = ">"
    reasoning = None


class FunctionaryV32(NamedJson):
    """Each part names who it is for: `>>>all` the user, else a function. The prompt ends with the first `>>>`."""

    name = "functionary-v3.2"
    openers = (">>>",)
    between = "\n>>>"
    name_close = "\n"
    reasoning = None

    def read(self, r: Reader, in_reasoning: bool) -> Reading[None]:
        opener: str | None = ""
        while opener is not None:
            r.commit()
            try:
                yield from self._read_part(r)
            except Broken:
                r.rewind()
                r.content(opener)
            r.commit()
            opener = yield from r.until(self.openers, r.content)
        r.flush_space()

    def _read_part(self, r: Reader) -> Reading[None]:
        """A recipient and, where it is a function, its arguments; what follows is text."""
        recipient = yield from r.collect("\n", limit=MAX_NAME_CHARS)
        if recipient.strip() == "all":
            r.boundary()
        elif recipient.strip() in r.tools:
            yield from r.space()
            if (yield from r.peek()) != "{":
                raise Broken
            r.start(recipient)
            yield from json_calls.read_arguments(r)
            r.boundary()
        else:
            raise Broken

    def starts_in_reasoning(self, prompt: str, continued: str = "") -> bool:
        return False

    def grammar_opened(
        self, lark: Lark, tools: dict[str, Parameters], calls: str, parallel: bool, prompt: str
    ) -> Grammar:
        """Every part is text for the user or a call; where the prompt opened the first, from the start."""
        (opener,), to_user = self.openers, quoted("all\n")
        text = lark.build(f"({to_user} {lark.upto(opener)})* ({calls} | {to_user} {lark.without(opener)})")
        is_opened = prompt.endswith(opener)
        return Grammar(kind="lark", text=text, triggers=() if is_opened else self.triggers())
