"""Hermes, Qwen 2.5, Qwen 3 and their followers: `<tool_call>{"name": …, "arguments": {…}}</tool_call>`."""

from __future__ import annotations

from localllm.chat.formats import json_calls
from localllm.chat.formats.base import Format
from localllm.chat.reader import Reader, Reading


class Hermes(Format):
    name = "hermes"
    openers = ("<tool_call>",)

    def read_calls(self, r: Reader, opener: str) -> Reading[None]:
        yield from r.space()
        yield from json_calls.read_list(r)
        yield from r.space()
        yield from r.at("</tool_call>")
