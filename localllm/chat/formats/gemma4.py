"""Gemma 4 and FunctionGemma: `call:name{key:value}`, with text between quotation tokens of its own."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from localllm.chat import schema as schemas
from localllm.chat.formats.base import Format, Parameters
from localllm.chat.formats.python_calls import grammar_chain
from localllm.chat.json_scan import dumps
from localllm.chat.lark import Lark, one_of
from localllm.chat.patterns import text_terminal
from localllm.chat.reader import Broken, Reader, Reading

MAX_NAME_CHARS = 200
MAX_DEPTH = 50
FREE_NAME = r"[^\x00-\x20\x22<>|{}\[\]:,]{1,64}"  # a parameter that the schema does not name


class Gemma4(Format):
    name = "gemma4"
    quote: ClassVar[str] = '<|"|>'
    openers = ("<|tool_call>",)
    between = "<tool_call|><|tool_call>"
    tail = "<tool_call|>"
    marks: tuple[str, ...] = ("<|tool_call>", "<tool_call|>", '<|"|>', "<|channel>", "<channel|>")
    reasoning: tuple[str, str] | None = ("<|channel>thought\n", "<channel|>")

    def read_calls(self, r: Reader, opener: str) -> Reading[None]:
        yield from r.space()
        yield from r.expect("call:")
        name = yield from r.collect("{", limit=MAX_NAME_CHARS)
        r.start(name)
        yield from self._read_object(r, 0)
        yield from r.space()
        yield from r.at(self.tail)

    def _read_object(self, r: Reader, depth: int) -> Reading[None]:
        """The members after `{`, passed on as JSON."""
        separator = "{"
        while not (yield from self._at_end(r, "}")):
            key = yield from self._read_key(r)
            r.arguments(separator + dumps(key) + ": ")
            yield from self._read_value(r, depth)
            separator = ", "
        r.arguments("{}" if separator == "{" else "}")
        r.commit()

    def _read_list(self, r: Reader, depth: int) -> Reading[None]:
        separator = "["
        while not (yield from self._at_end(r, "]")):
            r.arguments(separator)
            yield from self._read_value(r, depth)
            separator = ", "
        r.arguments("[]" if separator == "[" else "]")
        r.commit()

    @staticmethod
    def _at_end(r: Reader, closer: str) -> Reading[bool]:
        yield from r.space()
        yield from r.at(",")
        yield from r.space()
        return (yield from r.at(closer)) is not None

    def _read_key(self, r: Reader) -> Reading[str]:
        if (yield from r.at(self.quote)):
            key = yield from r.collect(self.quote, limit=MAX_NAME_CHARS)
            yield from r.expect(":")
            return key
        return (yield from r.collect(":", limit=MAX_NAME_CHARS)).strip().strip('"')

    def _read_value(self, r: Reader, depth: int) -> Reading[None]:
        yield from r.space()
        r.commit()
        if depth > MAX_DEPTH:
            raise Broken
        if (yield from r.at(self.quote)):
            yield from self._read_text(r)
        elif (yield from r.at("{")):
            yield from self._read_object(r, depth + 1)
        elif (yield from r.at("[")):
            yield from self._read_list(r, depth + 1)
        elif (yield from r.peek()) == '"':
            yield from r.json(r.arguments)
        else:
            yield from self._read_bare(r)
        r.commit()

    def _read_text(self, r: Reader) -> Reading[None]:
        r.arguments('"')
        if (yield from r.until((self.quote,), lambda text: r.arguments(dumps(text)[1:-1]))) is None:
            raise Broken
        r.arguments('"')

    @staticmethod
    def _read_bare(r: Reader) -> Reading[None]:
        """A number, true, false, null, or a word that should have been quoted."""
        text = ""
        while (char := (yield from r.peek())) not in ("", ",", "}", "]"):
            text += char
            r.take(char)
        if char == "" or not text.strip():  # the end, or the bracket of something else
            raise Broken
        r.arguments(schemas.to_json(text.strip(), {}))

    # --- writing and grammar --------------------------------------------------------------------------------

    def write_call(self, name: str, arguments: Any, index: int) -> str:
        written = self._write(arguments if isinstance(arguments, dict) else {"arguments": arguments})
        return f"call:{name}{written}"

    def _write(self, value: Any) -> str:
        if isinstance(value, str):
            return f"{self.quote}{value}{self.quote}"
        if isinstance(value, dict):
            return "{" + ",".join(f"{key}:{self._write(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ",".join(map(self._write, value)) + "]"
        return json.dumps(value)

    def grammar_call(self, lark: Lark, before: str, name: str, parameters: Parameters) -> str:
        return f"{lark.text(f'{before}call:{name}')} {self._grammar_object(lark, parameters, parameters)}"

    def _grammar_object(self, lark: Lark, schema: schemas.Schema, root: Parameters) -> str:
        declared, other = schemas.properties(schema, root), schemas.further(schema, root)
        pairs = {
            key: f"{lark.text(key + ':')} {self._grammar_value(lark, value, root)}"
            for key, value in declared.items()
        }
        more = ""
        if other is not None:
            more = f"{lark.name('', ':', declared, FREE_NAME)} {self._grammar_value(lark, other, root)}"
        return f'"{{" {grammar_chain(pairs, schema.get("required") or [], ",", more)} "}}"'

    def _grammar_value(self, lark: Lark, schema: schemas.Schema, root: Parameters) -> str:
        """A value of any of its types."""
        if allowed := schemas.values(schema):
            return one_of([lark.text(self._write(value)) for value in allowed])
        options = schemas.alternatives(schema)
        if len(options) > 1:
            what = json.dumps(schema, sort_keys=True)
            return lark.shared(what, lambda: one_of([self._grammar_value(lark, o, root) for o in options]))
        return self._grammar_typed(lark, schemas.resolve(options[0], root), root)

    def _grammar_typed(self, lark: Lark, schema: schemas.Schema, root: Parameters) -> str:
        """A value of one type."""
        kinds, what = schemas.types(schema), json.dumps(schema, sort_keys=True)
        if kinds == {"object"}:
            return lark.shared(what, lambda: self._grammar_object(lark, schema, root))
        if kinds == {"array"}:
            return lark.shared(what, lambda: self._grammar_list(lark, schema, root))
        if kinds == {"string"}:
            return f"{lark.text(self.quote)} {lark.upto(self.quote, text_terminal(schema))}"
        return lark.json(schema) if len(kinds) == 1 else self._grammar_value(lark, schema, root)

    def _grammar_list(self, lark: Lark, schema: schemas.Schema, root: Parameters) -> str:
        item = lark.rule(self._grammar_value(lark, schemas.resolve(schema.get("items", {}), root), root))
        low, high = schema.get("minItems", 0), schema.get("maxItems")
        more = f'("," {item}){{{max(low - 1, 0)},{"" if high is None else max(high - 1, 0)}}}'
        return f'"[" {item} {more} "]"' if low else f'"[" ({item} {more})? "]"'


class FunctionGemma(Gemma4):
    """The same with other names for the tokens."""

    name = "function-gemma"
    quote = "<escape>"
    openers = ("<start_function_call>",)
    between = "<end_function_call><start_function_call>"
    tail = "<end_function_call>"
    marks = ("<start_function_call>", "<end_function_call>", "<escape>")
    reasoning = None
