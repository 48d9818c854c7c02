"""Calls written as Python: `[name(key=value, …), …]`."""

from __future__ import annotations

import ast
import json
import re
import warnings
from typing import Any

from localllm.chat import schema as schemas
from localllm.chat.formats.base import Format, Parameters
from localllm.chat.json_scan import dumps
from localllm.chat.lark import Lark, escaped, one_of, quoted
from localllm.chat.reader import Broken, Reader, Reading
from localllm.sampling_params import Grammar

MAX_NAME_CHARS = 200
_SPACE = r"\s{0,8}"
FREE_NAME = r"[A-Za-z_][A-Za-z0-9_.\-]{0,63}"  # a parameter that the schema does not name
_NAME = re.compile(r"[\w.\-]+")


class PythonCalls(Format):
    """A list of calls between markers, or bare where the answer begins; then only the names of tools count."""

    between = ", "
    head = "["
    tail = "]"
    closers: tuple[str, ...] = ()

    def read_calls(self, r: Reader, opener: str) -> Reading[None]:
        is_bare = opener in self.bare
        if is_bare:
            r.back(opener)
        yield from r.space()
        yield from r.expect("[")
        while True:
            yield from r.space()
            yield from read_call(r, known_only=is_bare)
            yield from r.space()
            if (yield from r.expect(",", "]")) == "]":
                break
        r.commit()
        yield from r.space()
        yield from r.at(*self.closers)

    def write_call(self, name: str, arguments: Any, index: int) -> str:
        pairs = arguments.items() if isinstance(arguments, dict) else [("arguments", arguments)]
        return f"{name}({', '.join(f'{key}={_write(value)}' for key, value in pairs)})"

    def grammar_call(self, lark: Lark, before: str, name: str, parameters: Parameters) -> str:
        declared, other = schemas.properties(parameters), schemas.further(parameters)
        pairs = {
            key: f"{lark.text(key + '=')} {_grammar_value(lark, schema, parameters)}"
            for key, schema in declared.items()
        }
        more = ""
        if other is not None:
            more = f"{lark.name('', '=', declared, FREE_NAME)} {_grammar_value(lark, other, parameters)}"
        chain = grammar_chain(pairs, parameters.get("required") or [], ", ", more)
        return f"{lark.text(f'{before}{name}(')} {chain} {lark.text(')')}"


def _write(value: Any) -> str:
    return repr(value) if value is None or isinstance(value, bool) else json.dumps(value, ensure_ascii=False)


def read_call(r: Reader, *, known_only: bool) -> Reading[None]:
    """`name(key=value, …)`. Each argument is passed on when it is complete."""
    name = (yield from r.collect("(", limit=MAX_NAME_CHARS)).strip().removesuffix(".call")
    if not _NAME.fullmatch(name) or (known_only and name not in r.tools):
        raise Broken
    parameters = r.tools.get(name, {})
    arguments, other = schemas.properties(parameters), schemas.further(parameters) or {}
    r.start(name)
    is_first = True
    while True:
        yield from r.space()
        if (yield from r.at(")")):
            break
        key = (yield from r.collect("=", limit=MAX_NAME_CHARS)).strip()
        value = yield from _read_value(r)
        if not _NAME.fullmatch(key):
            raise Broken
        text = f"{dumps(key)}: {to_json(value, arguments.get(key, other))}"
        r.arguments(("{" if is_first else ", ") + text)
        is_first = False
        yield from r.at(",")
        r.commit()
    r.arguments("{}" if is_first else "}")
    r.commit()


def _read_value(r: Reader) -> Reading[str]:
    """The text of one value: up to the comma or bracket that ends it."""
    text, depth, quote, is_escaped = "", 0, "", False
    while (char := (yield from r.peek())) != "":
        if is_escaped:
            is_escaped = False
        elif quote:
            is_escaped = char == "\\"
            quote = "" if char == quote else quote
        elif char in "\"'":
            quote = char
        elif depth == 0 and char in ",)":
            return text
        else:
            depth += (char in "([{") - (char in ")]}")
        text += char
        r.take(char)
    raise Broken


def to_json(text: str, schema: schemas.Schema) -> str:
    """A value as JSON: it may be written as JSON, as a Python literal, or as a bare word."""
    value = schemas.loads(text)
    try:
        if value is schemas.NOT_JSON:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "invalid escape sequence"
                value = ast.literal_eval(text.strip())
        return dumps(value)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return schemas.to_json(text, schema)


def grammar_chain(pairs: dict[str, str], required: list[str], comma: str, more: str = "") -> str:
    """The pairs by key, in their order, with commas between those that are there. more: a pair of any other key."""
    separator, keys = quoted(comma), list(pairs)
    rest = f" ({separator} {more})*" if more else ""
    starts: list[str] = [f"{more}{rest}"] if more else []
    for key in reversed(keys):
        starts.insert(0, f"{pairs[key]}{rest}")
        rest = (
            f" {separator} {pairs[key]}{rest}" if key in required else f" ({separator} {pairs[key]})?{rest}"
        )
    is_optional = not any(key in required for key in keys)
    num_starts = next((index + 1 for index, key in enumerate(keys) if key in required), len(starts))
    starts = starts[:num_starts]
    return (one_of(starts) if starts else quoted("")) + ("?" if is_optional and starts else "")


def _grammar_value(lark: Lark, schema: schemas.Schema, root: Parameters) -> str:
    """Python's own words where they may stand alone, JSON otherwise."""
    kinds = schemas.types(schema) or schemas.KINDS
    words = ['"True"', '"False"'] * ("boolean" in kinds) + ['"None"'] * ("null" in kinds)
    if kinds <= {"boolean", "null"}:
        return one_of(words)
    return one_of([*words, lark.json(schemas.standalone(schema, root))])


class LlamaPythonic(PythonCalls):
    """Llama 3.2 and 4: a bare list, or one between `<|python_start|>` markers."""

    name = "llama-pythonic"
    openers = ("<|python_start|>",)
    bare = ("[",)
    closers = ("<|python_end|>",)
    marks = ("<|python_start|>", "<|python_end|>")
    reasoning = None

    def grammar_opened(
        self, lark: Lark, tools: dict[str, Parameters], calls: str, parallel: bool, prompt: str
    ) -> Grammar:
        """A call is certain once the answer began with a bracket and a tool's name."""
        text = lark.build(f"{lark.rule(f'/{_SPACE}/')} {calls}")
        start = rf"{_SPACE}\[({'|'.join(map(escaped, tools))})\("
        return Grammar(kind="lark", text=text, triggers=self.triggers(), start=start)


class Lfm2(PythonCalls):
    """Liquid LFM2."""

    name = "lfm2"
    openers = ("<|tool_call_start|>",)
    tail = "]<|tool_call_end|>"
    closers = ("<|tool_call_end|>",)
    marks = ("<|tool_call_start|>", "<|tool_call_end|>")
