"""Calls written as tags: the function's name, then one pair of tags per argument with its bare text between them.

The text becomes JSON of the type that the tool's schema names. Text arguments stream; others wait for their end.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from localllm.chat import schema as schemas
from localllm.chat.formats.base import Format, Parameters
from localllm.chat.formats.named_json import MAX_NAME_CHARS
from localllm.chat.json_scan import dumps
from localllm.chat.lark import Lark, one_of
from localllm.chat.patterns import text_terminal
from localllm.chat.reader import Broken, Reader, Reading

# A parameter that the schema does not name. Without spaces at its ends, which the reader takes for indentation.
FREE_NAME = r"[^\x00-\x20<>\x22|｜](?:[^\x00-\x1f<>\x22|｜]{0,62}[^\x00-\x20<>\x22|｜])?"
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
        parameters = r.tools.get(r.call_name, {})
        declared, other = schemas.properties(parameters), schemas.further(parameters) or {}
        separator = "{"
        while (yield from self._at_key(r)):
            key, schema = yield from self._read_key(r)
            r.arguments(separator + dumps(key) + ": ")
            r.commit()
            separator = ", "
            yield from self._read_value(r, declared.get(key, other) if schema is None else schema)
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
        text = schemas.bare(value)
        head = f"{self.key_open}{key}{self._key_closer(value)}"
        return f"{head}{self.margin}{text}{self.margin}{self.value_close}\n"

    def _key_closer(self, value: Any) -> str:
        """What stands after a key, for this value."""
        return self.key_close

    # --- grammar ------------------------------------------------------------------------------------------

    def grammar_call(self, lark: Lark, before: str, name: str, parameters: Parameters) -> str:
        required = parameters.get("required") or []
        declared, other = schemas.properties(parameters), schemas.further(parameters)
        parts = [lark.text(f"{before}{self.call_open}{name}{self.name_close}")]
        for key, schema in declared.items():
            pair = self._grammar_pair(lark, key, schema, parameters, declared)
            parts.append(pair if key in required else f"({pair})?")
        if other is not None:
            parts.append(f"({self._grammar_pair(lark, None, other, parameters, declared)})*")
        return " ".join([*parts, lark.text(self.call_close)])

    def _grammar_pair(
        self, lark: Lark, key: str | None, schema: schemas.Schema, root: Parameters, declared: Collection[str]
    ) -> str:
        """An argument in its tags. key: None for any that is not declared."""
        forms = []
        for key_close, form in self._forms(schema):
            after = key_close + self.margin
            head = (
                lark.name(self.key_open, after, declared, FREE_NAME)
                if key is None
                else lark.text(f"{self.key_open}{key}{after}")
            )
            forms.append(f"{head} {self._grammar_value(lark, form, root)}")
        return f"{one_of(forms)} {lark.text(chr(10))}"

    def _forms(self, schema: schemas.Schema) -> list[tuple[str, schemas.Schema]]:
        """What may stand after a key, each with the schema of the value that follows it."""
        return [(self.key_close, schema)]

    def _grammar_value(self, lark: Lark, schema: schemas.Schema, root: Parameters) -> str:
        """A value and its closing tag."""
        closer, kinds = self.margin + self.value_close, schemas.types(schema)
        if kinds and "string" not in kinds:
            return f"{lark.json(schemas.standalone(schema, root))} {lark.text(closer)}"
        if allowed := schemas.values(schema):
            return f"{one_of([lark.text(schemas.bare(value)) for value in allowed])} {lark.text(closer)}"
        return lark.upto(closer, text_terminal(schema), without=self.value_close if self.margin else "")
