"""The families that write calls as JSON objects between markers; each is one row of a table."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from localllm.chat.formats import json_calls
from localllm.chat.formats.base import Format, Parameters
from localllm.chat.lark import Lark
from localllm.chat.reader import Reader, Reading


class JsonObject(Format):
    """`{"name": …, "arguments": …}`, one or a list of them, until the closers.

    closers: what may follow the calls. known_only: nothing else marks a call, so its name must be a tool's.
    """

    name_key: ClassVar[str] = "name"
    arguments_key: ClassVar[str] = "arguments"
    closers: ClassVar[tuple[str, ...]] = ()
    known_only: ClassVar[bool] = False

    def read_calls(self, r: Reader, opener: str) -> Reading[None]:
        if opener in self.bare:
            r.back(opener)
        known_only = self.known_only or opener in self.bare
        yield from r.space()
        yield from json_calls.read_list(r, known_only=known_only)
        while True:  # some models write object after object
            yield from r.space()
            separator = yield from r.at(";", ",")
            yield from r.space()
            if (yield from r.peek()) not in ("{", "["):
                break
            yield from json_calls.read_list(r, known_only=known_only)
        if separator is None:
            yield from r.at(*self.closers)
        else:
            r.rewind()

    def write_call(self, name: str, arguments: Any, index: int) -> str:
        return json.dumps({self.name_key: name, self.arguments_key: arguments}, ensure_ascii=False)

    def grammar_call(self, lark: Lark, before: str, name: str, parameters: Parameters) -> str:
        head = (
            f"{before}{{{json.dumps(self.name_key)}: {json.dumps(name)}, {json.dumps(self.arguments_key)}: "
        )
        return f"{lark.text(head)} {lark.arguments(parameters)} {lark.text('}')}"
