"""Llama 3.1 to 3.3: the answer is a JSON object with `name` and `parameters`, or a call after `<|python_tag|>`."""

from __future__ import annotations

from localllm.chat.formats import python_calls
from localllm.chat.formats.base import Parameters
from localllm.chat.formats.json_object import JsonObject
from localllm.chat.lark import Lark, escaped, one_of
from localllm.chat.reader import Reader, Reading
from localllm.sampling_params import Grammar

_SPACE = r"\s{0,8}"
_TYPE = rf'("type"{_SPACE}:{_SPACE}"function"{_SPACE},{_SPACE})?'
_HEAD = rf'{_SPACE}\{{{_SPACE}{_TYPE}"(name|function)"{_SPACE}:{_SPACE}"'
_ARGUMENTS = rf'"{_SPACE},{_SPACE}"(parameters|arguments)"{_SPACE}:{_SPACE}'


class Llama3Json(JsonObject):
    """Nothing but its place at the start marks the object, so only the names of tools count."""

    name = "llama3-json"
    openers = ("<|python_tag|>",)
    bare = ("{",)
    between = "; "
    arguments_key = "parameters"
    known_only = True
    marks = ("<|python_tag|>",)
    reasoning = None

    def read_calls(self, r: Reader, opener: str) -> Reading[None]:
        yield from r.space()
        if opener in self.bare or (yield from r.peek()) == "{":
            yield from super().read_calls(r, opener)
        else:  # the built-in tools of Llama 3.1: brave_search.call(query="…")
            yield from python_calls.read_call(r, known_only=True)

    def grammar_opened(
        self, lark: Lark, tools: dict[str, Parameters], calls: str, parallel: bool, prompt: str
    ) -> Grammar:
        """A call is certain once the answer began with an object that has a tool's name."""
        first = one_of([self._grammar_first(lark, name, parameters) for name, parameters in tools.items()])
        text = lark.build(self._grammar_calls(lark, tools, parallel, lark.rule(first)))
        start = f'{_HEAD}({"|".join(map(escaped, tools))})"'
        return Grammar(kind="lark", text=text, triggers=self.triggers(), start=start)

    @staticmethod
    def _grammar_first(lark: Lark, name: str, parameters: Parameters) -> str:
        """A call spaced as the model likes it."""
        return f"/{_HEAD}{escaped(name)}{_ARGUMENTS}/ {lark.arguments(parameters)} /{_SPACE}\\}}/"
