"""The families that write a function's name in markers of its own, and then the arguments as JSON."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from localllm.chat.formats import json_calls
from localllm.chat.formats.base import Format, Parameters
from localllm.chat.lark import Lark
from localllm.chat.reader import Broken, Reader, Reading

MAX_NAME_CHARS = 200


class NamedJson(Format):
    """name_open NAME name_close ARGUMENTS call_close, all of it text of the table.

    name_opens, name_closes: other spellings that are read as well.
    """

    name_open: ClassVar[str] = ""
    name_close: ClassVar[str]
    call_close: ClassVar[str] = ""
    name_opens: ClassVar[tuple[str, ...]] = ()
    name_closes: ClassVar[tuple[str, ...]] = ()

    def read_calls(self, r: Reader, opener: str) -> Reading[None]:
        yield from r.space()
        yield from r.at(self.head.strip())
        while True:
            yield from r.space()
            yield from self._read_call(r)
            yield from r.space()
            if not (yield from self._read_between(r)):
                break

    def _read_call(self, r: Reader) -> Reading[None]:
        yield from r.at(*filter(None, (self.name_open.strip(), *self.name_opens)))
        name = yield from r.collect(self.name_close, *self.name_closes, limit=MAX_NAME_CHARS)
        yield from r.space()
        if (yield from r.peek()) not in ("{", '"'):
            raise Broken
        r.start(self.clean_name(name))
        yield from json_calls.read_arguments(r)
        r.commit()
        yield from r.space()
        yield from r.at(self.call_close.strip())
        r.commit()

    def clean_name(self, name: str) -> str:
        """The function's name in what stands where the name does."""
        return name.strip()

    def _read_between(self, r: Reader) -> Reading[bool]:
        """Whether another call follows; takes the tail where none does."""
        found = yield from r.at(*filter(None, (self.between.strip(), self.tail.strip())))
        return found is not None and found == self.between.strip()

    def write_call(self, name: str, arguments: Any, index: int) -> str:
        text = json.dumps(arguments, ensure_ascii=False)
        return f"{self.name_open}{name}{self.name_close}{text}{self.call_close}"

    def grammar_call(self, lark: Lark, before: str, name: str, parameters: Parameters) -> str:
        head = f"{before}{self.name_open}{name}{self.name_close}"
        return f"{lark.text(head)} {lark.arguments(parameters)} {lark.text(self.call_close)}"
