"""Calls written as tags: the function's name, then one pair of tags per argument with its bare text between them.

The text becomes JSON of the type that the tool's schema names. Text arguments stream; others wait for their end.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from localllm.chat import schema as schemas
from localllm.chat.formats.base import Format, Parameters
from localllm.chat.formats.named_json import MAX_NAME_CHARS
from localllm.chat.json_scan import dumps
from localllm.chat.lark import Lark, one_of
from localllm.chat.reader import Broken, Reader, Reading

Key = tuple[str, schemas.Schema | None]  # with what the text itself says about the value's type


class XmlCalls(Format):
    """call_open NAME name_close (key_open KEY key_close VALUE value_close)* call_close, all of it text of the table.

    margin: space the model writes around a value, which is not part of it.
    """

    call_open: ClassVar[str]
    name_close: ClassVar[str]
    key_open: ClassVar[str]
    key_close: ClassVar[str]
    value_close: ClassVar[str]
    call_close: ClassVar[str]
    margin: ClassVar[str] = ""

    def read_calls(self, r: Reader, opener: str) -> Reading[None]:
        if opener == self.call_open.strip():
            r.back(opener)
        while True:
            yield from r.space()
            yield from r.expect(self.call_open.strip())
            yield from self._read_call(r)
            yield from r.space()
            if not (yield from self._read_between(r)):
                break

    def _read_call(self, r: Reader) -> Reading[None]:
        name = yield from self._read_name(r)
        yield from r.space()
        if not (yield from r.peek_at(self.key_open, self.call_close.strip())):
            raise Broken
        r.start(name)
        yield from self._read_pairs(r)

    def _read_pairs(self, r: Reader) -> Reading[None]:
        declared = schemas.properties(r.tools.get(r.call_name, {}))
        separator = "{"
        while (yield from self._at_key(r)):
            key, schema = yield from self._read_key(r)
            r.arguments(separator + dumps(key) + ": ")
            r.commit()
            separator = ", "
            yield from self._read_value(r, declared.get(key, {}) if schema is None else schema)
        r.arguments("{}" if separator == "{" else "}")
        r.commit()

    def _read_name(self, r: Reader) -> Reading[str]:
        return (yield from r.collect(self.name_close.strip(), limit=MAX_NAME_CHARS))

    def _at_key(self, r: Reader) -> Reading[bool]:
        """Whether another argument follows; takes its opener, or the end of the call."""
        yield from r.space()
        return (yield from r.expect(self.key_open, self.call_close.strip())) == self.key_open

    def _read_key(self, r: Reader) -> Reading[Key]:
        return (yield from r.collect(self.key_close.strip(), limit=MAX_NAME_CHARS)).strip(), None

    def _closers(self, r: Reader) -> Reading[tuple[str, ...]]:
        """What may end the value that begins here; takes the margin before it."""
        if not self.margin:
            return (self.value_close,)
        yield from r.at(self.margin)
        return self.margin + self.value_close, self.value_close

    def _read_value(self, r: Reader, schema: schemas.Schema) -> Reading[None]:
        closers = yield from self._closers(r)
        if not schemas.is_text(schema):
            r.arguments(schemas.to_json((yield from r.collect(*closers)), schema))
            r.commit()
            return
        r.arguments('"')
        if (yield from r.until(closers, lambda text: r.arguments(dumps(text)[1:-1]))) is None:
            raise Broken
        r.arguments('"')
        r.commit()

    def _read_between(self, r: Reader) -> Reading[bool]:
        """Whether another call follows. Takes the tail."""
        if (yield from r.peek_at(self.call_open.strip())):
            return True
        yield from r.at(*filter(None, (self.tail.strip(),)))
        return False

    # --- writing ------------------------------------------------------------------------------------------

    def write_call(self, name: str, arguments: Any, index: int) -> str:
        pairs = arguments.items() if isinstance(arguments, dict) else [("arguments", arguments)]
        written = "".join(self._write_pair(key, value) for key, value in pairs)
        return f"{self.call_open}{name}{self.name_close}{written}{self.call_close}"

    def _write_pair(self, key: str, value: Any) -> str:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        head = f"{self.key_open}{key}{self._key_closer(value, {})}"
        return f"{head}{self.margin}{text}{self.margin}{self.value_close}\n"

    def _key_closer(self, value: Any, schema: schemas.Schema) -> str:
        """What stands after a key, for this value, or where value is None for one of this schema."""
        return self.key_close

    # --- grammar ------------------------------------------------------------------------------------------

    def grammar_call(self, lark: Lark, before: str, name: str, parameters: Parameters) -> str:
        required = parameters.get("required") or []
        parts = [lark.text(f"{before}{self.call_open}{name}{self.name_close}")]
        for key, schema in schemas.properties(parameters).items():
            head = lark.text(f"{self.key_open}{key}{self._key_closer(None, schema)}{self.margin}")
            pair = f"{head} {self._grammar_value(lark, schema, parameters)} {lark.text(chr(10))}"
            parts.append(pair if key in required else f"({pair})?")
        return " ".join([*parts, lark.text(self.call_close)])

    def _grammar_value(self, lark: Lark, schema: schemas.Schema, root: Parameters) -> str:
        """A value and its closing tag."""
        closer = self.margin + self.value_close
        texts = [value for value in schema.get("enum", []) if isinstance(value, str)]
        if schemas.is_text(schema) and texts:
            return f"{one_of([lark.text(text) for text in texts])} {lark.text(closer)}"
        if "string" in schemas.types(schema) or not schemas.types(schema):
            return lark.upto(closer, text_pattern(schema))
        definitions = {key: root[key] for key in ("$defs", "definitions") if key in root}
        return f"{lark.json({**definitions, **schemas.closed(schema, is_root=False)})} {lark.text(closer)}"


def text_pattern(schema: schemas.Schema) -> str:
    """A regular expression for text of the lengths the schema allows."""
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    if not isinstance(low, int) or not isinstance(high, int | None) or (low == 0 and high is None):
        return "/(?s:.*)/"
    return f"/(?s:.{{{low},{'' if high is None else high}}})/"
