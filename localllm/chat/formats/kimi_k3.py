"""Kimi K3: everything stands in tags of three tokens, `<|open|>argument key="…" type="…"<|sep|>`."""

from __future__ import annotations

from typing import Any

from localllm.chat import schema as schemas
from localllm.chat.formats import json_calls
from localllm.chat.formats.base import Parameters
from localllm.chat.formats.named_json import MAX_NAME_CHARS
from localllm.chat.formats.xml_calls import FREE_NAME, Key, XmlCalls
from localllm.chat.lark import Lark, one_of
from localllm.chat.patterns import text_terminal
from localllm.chat.reader import Broken, Reader, Reading

_OPEN, _CLOSE, _SEP = "<|open|>", "<|close|>", "<|sep|>"
_JSON = f'{_OPEN}json type="object"{_SEP}'


def _closing(tag: str) -> str:
    return f"{_CLOSE}{tag}{_SEP}"


def _kind(json_type: str) -> str:
    """The name of a type in these tags."""
    return "number" if json_type == "integer" else json_type


def _typed(lark: Lark, kind: str) -> str:
    """The end of an argument's opening tag."""
    return lark.text(f'" type="{kind}"{_SEP}')


class KimiK3(XmlCalls):
    """The type of a value stands in its tag; arguments may also be one block of JSON."""

    name = "kimi-k3"
    openers = (f"{_OPEN}tools{_SEP}",)
    call_open = f'{_OPEN}call tool="'
    name_close = '"'
    key_open = f'{_OPEN}argument key="'
    key_close = '"'
    value_close = _closing("argument")
    call_close = _closing("call")
    between = ""
    tail = _closing("tools")
    marks = (_OPEN, _CLOSE, _SEP)
    reasoning = (f"{_OPEN}think{_SEP}", _closing("think"))
    wrappers = ((f"{_OPEN}response{_SEP}", _closing("response")),)
    ends = (_closing("response"), _closing("message"))

    def _read_name(self, r: Reader) -> Reading[str]:
        name = yield from r.collect('"', limit=MAX_NAME_CHARS)
        yield from self._read_attributes(r)
        return name

    @staticmethod
    def _read_attributes(r: Reader) -> Reading[str]:
        """The rest of a tag."""
        rest = yield from r.collect(_SEP, limit=MAX_NAME_CHARS)
        if not rest.isascii():
            raise Broken
        return rest.strip()

    def _read_call(self, r: Reader) -> Reading[None]:
        name = yield from self._read_name(r)
        yield from r.space()
        is_json = yield from r.at(_JSON)
        r.start(name)
        if is_json is None:
            yield from self._read_pairs(r)
            return
        yield from json_calls.read_arguments(r)
        r.commit()
        for closer in (_closing("json"), self.call_close):
            yield from r.space()
            yield from r.at(closer)
        r.commit()

    def _read_key(self, r: Reader) -> Reading[Key]:
        key = yield from r.collect('"', limit=MAX_NAME_CHARS)
        kind = yield from self._read_attributes(r)
        is_text = kind == 'type="string"'
        return key, {"type": "string"} if is_text else ({} if kind else None)

    # --- writing and grammar ----------------------------------------------------------------------------------

    def write_call(self, name: str, arguments: Any, index: int) -> str:
        pairs = arguments.items() if isinstance(arguments, dict) else [("arguments", arguments)]
        written = "".join(self._write_argument(key, value) for key, value in pairs)
        return f'{self.call_open}{name}" index="{index + 1}"{_SEP}{written}{self.call_close}'

    def _write_argument(self, key: str, value: Any) -> str:
        kind, text = _kind(schemas.type_of(value)), schemas.bare(value)
        return f'{self.key_open}{key}" type="{kind}"{_SEP}{text}{self.value_close}'

    def grammar_call(self, lark: Lark, before: str, name: str, parameters: Parameters) -> str:
        required = parameters.get("required") or []
        parts = [lark.text(f'{before}{self.call_open}{name}" index="'), "/[0-9]{1,3}/", lark.text(f'"{_SEP}')]
        declared, other = schemas.properties(parameters), schemas.further(parameters)
        for key, schema in declared.items():
            pair = f"{lark.text(f'{self.key_open}{key}')} {self._grammar_typed(lark, schema, parameters)}"
            parts.append(pair if key in required else f"({pair})?")
        if other is not None:
            head = lark.name(self.key_open, "", declared, FREE_NAME)
            parts.append(f"({head} {self._grammar_typed(lark, other, parameters)})*")
        return " ".join([*parts, lark.text(self.call_close)])

    def _grammar_typed(self, lark: Lark, schema: schemas.Schema, root: Parameters) -> str:
        """The type, the value and the closing tag, for each type that the value may have."""
        closer, kinds = lark.text(self.value_close), schemas.types(schema) or schemas.KINDS
        if (allowed := schemas.values(schema)) and "string" in kinds:
            written = [(_kind(schemas.type_of(value)), schemas.bare(value)) for value in allowed]
            return f"{one_of([f'{_typed(lark, kind)} {lark.text(text)}' for kind, text in written])} {closer}"
        options = []
        if "string" in kinds:
            rest = lark.text(f"argument{_SEP}")  # `upto` ends at one token
            text = text_terminal(schemas.narrowed(schema, {"string"}))
            options.append(f"{_typed(lark, 'string')} {lark.upto(_CLOSE, text)} {rest}")
        for kind in sorted({_kind(kind) for kind in kinds - {"string"}}):
            same = {"integer", "number"} & kinds if kind == "number" else {kind}
            value = lark.json(schemas.standalone(schemas.narrowed(schema, same), root))
            options.append(f"{_typed(lark, kind)} {value} {closer}")
        return one_of(options)

    def grammar_opener(self, lark: Lark) -> str:
        """The response stands before the calls, empty or not there; the prompt may have opened it."""
        ((opener, closer),) = self.wrappers
        return f"(({lark.text(opener)})? {lark.text(closer)})? {lark.text(self.openers[0])}"

    def _grammar_reasoning(self, lark: Lark, in_reasoning: bool) -> str:
        thinking = f"{lark.upto(_CLOSE)} {lark.text(f'think{_SEP}')}"
        return thinking if in_reasoning else f"({lark.text(f'{_OPEN}think{_SEP}')} {thinking})?"
