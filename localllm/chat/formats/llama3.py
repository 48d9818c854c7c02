"""Llama 3.1 to 3.3: the answer is a JSON object with `name` and `parameters`, or a call after `<|python_tag|>`."""

from __future__ import annotations

from localllm.chat.formats import python_calls
from localllm.chat.formats.json_object import JsonObject
from localllm.chat.reader import Reader, Reading


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
