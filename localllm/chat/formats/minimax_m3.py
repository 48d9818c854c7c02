"""MiniMax M3: each argument is a tag of its own name, objects and lists are tags inside; all behind one token."""

from __future__ import annotations

import json
from typing import Any

from localllm.chat import schema as schemas
from localllm.chat.formats.base import Format, Parameters
from localllm.chat.formats.named_json import MAX_NAME_CHARS
from localllm.chat.json_scan import dumps
from localllm.chat.lark import Lark, one_of
from localllm.chat.patterns import text_terminal
from localllm.chat.reader import Broken, Reader, Reading

NS = "]<]minimax[>["
ITEM = "item"
MAX_DEPTH = 50
GRAMMAR_DEPTH = 6  # of nested tags that the grammar knows; a schema may contain itself
FREE_NAME = r"[^\x00-\x20\x22<>\x2f|]{1,64}"  # a parameter that the schema does not name
_EMPTY = {frozenset({"object"}): "{}", frozenset({"array"}): "[]"}


class MiniMaxM3(Format):
    name = "minimax-m3"
    openers = (f"{NS}<tool_call>",)
    head = "\n"
    between = "\n"
    tail = f"\n{NS}</tool_call>"
    marks = (NS,)
    reasoning = ("<mm:think>", "</mm:think>")

    def read_calls(self, r: Reader, opener: str) -> Reading[None]:
        while True:
            yield from r.space()
            yield from r.expect(f'{NS}<invoke name="')
            name = yield from r.collect('">', limit=MAX_NAME_CHARS)
            r.start(name)
            parameters = r.tools.get(r.call_name, {})
            yield from self._read_object(r, "invoke", parameters, parameters, 0)
            yield from r.space()
            if not (yield from r.peek_at(f"{NS}<invoke")):
                break
        yield from r.at(self.tail.strip())

    def _read_object(self, r: Reader, tag: str, schema: Any, root: Parameters, depth: int) -> Reading[None]:
        """The members up to the closing tag, passed on as JSON."""
        declared, separator = schemas.properties(schema, root), "{"
        other = schemas.further(schema, root) or {}
        while not (yield from self._at_end(r, tag)):
            yield from r.expect(f"{NS}<")
            key = yield from r.collect(">", limit=MAX_NAME_CHARS)
            r.arguments(separator + dumps(key) + ": ")
            value_schema = declared.get(key, other)
            yield from self._read_value(r, key, value_schema, root, depth + 1)
            separator = ", "
        r.arguments("{}" if separator == "{" else "}")
        r.commit()

    def _read_list(self, r: Reader, tag: str, schema: Any, root: Parameters, depth: int) -> Reading[None]:
        items, separator = schemas.resolve(schema.get("items", {}), root), "["
        while not (yield from self._at_end(r, tag)):
            yield from r.expect(f"{NS}<{ITEM}>")
            r.arguments(separator)
            yield from self._read_value(r, ITEM, items, root, depth + 1)
            separator = ", "
        r.arguments("[]" if separator == "[" else "]")
        r.commit()

    @staticmethod
    def _at_end(r: Reader, tag: str) -> Reading[bool]:
        yield from r.space()
        return (yield from r.at(f"{NS}</{tag}>")) is not None

    def _read_value(
        self, r: Reader, tag: str, schema: schemas.Schema, root: Parameters, depth: int
    ) -> Reading[None]:
        closer = f"{NS}</{tag}>"
        r.commit()
        if depth > MAX_DEPTH:
            raise Broken
        if (yield from r.at(closer)):
            r.arguments(_EMPTY.get(schemas.types(schema), '""'))
        elif (yield from r.peek_at(f"{NS}<{ITEM}>")) and schemas.types(schema) != {"object"}:
            yield from self._read_list(r, tag, schema, root, depth)
        elif (yield from r.peek_at(f"{NS}<")):
            yield from self._read_object(r, tag, schema, root, depth)
        elif schemas.is_text(schema):
            yield from self._read_text(r, closer)
        else:
            r.arguments(schemas.to_json((yield from r.collect(closer)), schema))
        r.commit()

    @staticmethod
    def _read_text(r: Reader, closer: str) -> Reading[None]:
        r.arguments('"')
        if (yield from r.until((closer,), lambda text: r.arguments(dumps(text)[1:-1]))) is None:
            raise Broken
        r.arguments('"')

    # --- writing and grammar ----------------------------------------------------------------------------------

    def write_call(self, name: str, arguments: Any, index: int) -> str:
        given = arguments if isinstance(arguments, dict) else {"arguments": arguments}
        return f'{NS}<invoke name="{name}">{self._write(given)}{NS}</invoke>'

    def _write(self, value: Any) -> str:
        if isinstance(value, dict):
            return "".join(f"{NS}<{key}>{self._write(item)}{NS}</{key}>" for key, item in value.items())
        if isinstance(value, list):
            return "".join(f"{NS}<{ITEM}>{self._write(item)}{NS}</{ITEM}>" for item in value)
        return value if isinstance(value, str) else json.dumps(value)

    def grammar_call(self, lark: Lark, before: str, name: str, parameters: Parameters) -> str:
        head = lark.text(f'{before}{NS}<invoke name="{name}">')
        return f"{head} {self._grammar_object(lark, parameters, parameters, 0)} {lark.text(f'{NS}</invoke>')}"

    def _grammar_object(self, lark: Lark, schema: schemas.Schema, root: Parameters, depth: int) -> str:
        required, parts = schema.get("required") or [], ['""']
        declared = schemas.properties(schema, root)
        for key, value in declared.items():
            content = self._grammar_value(lark, key, value, root, depth + 1)
            pair = f"{lark.text(f'{NS}<{key}>')} {content}"
            parts.append(pair if key in required else f"({pair})?")
        if schemas.further(schema, root) is not None:
            parts.append(f"({lark.name(f'{NS}<', '>', declared, FREE_NAME)} {_grammar_free(lark)})*")
        return " ".join(parts)

    def _grammar_value(
        self, lark: Lark, tag: str, schema: schemas.Schema, root: Parameters, depth: int
    ) -> str:
        """The value and its closing tag."""
        kinds, closer = schemas.types(schema), lark.text(f"{NS}</{tag}>")
        if allowed := schemas.values(schema):
            return f"{one_of([lark.text(schemas.bare(value)) for value in allowed])} {closer}"
        if depth < GRAMMAR_DEPTH and kinds == {"object"} and schema.get("properties"):
            return f"{self._grammar_object(lark, schema, root, depth)} {closer}"
        if depth < GRAMMAR_DEPTH and kinds == {"array"} and isinstance(schema.get("items"), dict):
            return f"{self._grammar_list(lark, schema, root, depth)} {closer}"
        if kinds and not kinds & {"string", "object", "array"}:
            return f"{lark.json(schemas.standalone(schema, root))} {closer}"
        if kinds & {"object", "array"}:
            return _grammar_free(lark)
        return f"{lark.upto(NS, text_terminal(schema))} {lark.text(f'</{tag}>')}"

    def _grammar_list(self, lark: Lark, schema: schemas.Schema, root: Parameters, depth: int) -> str:
        items = schemas.resolve(schema["items"], root)
        item = f"{lark.text(f'{NS}<{ITEM}>')} {self._grammar_value(lark, ITEM, items, root, depth + 1)}"
        high = schema.get("maxItems")
        return f"({lark.rule(item)}){{{schema.get('minItems', 0)},{'' if high is None else high}}}"


def _grammar_free(lark: Lark) -> str:
    """Any value and its closing tag, which no grammar can hold to the name of the opening one."""
    text = f"{lark.upto(NS, '/(?s:.+)/')} {lark.name('</', '>', (), FREE_NAME)}"
    end = lark.name(f"{NS}</", ">", (), FREE_NAME)
    inner = lark.name(f"{NS}<", ">", (), FREE_NAME)
    return lark.shared("any value", lambda: f"{text} | ({inner} {_grammar_free(lark)})* {end}")
