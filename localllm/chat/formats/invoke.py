"""`<invoke name="…">` with `<parameter name="…">`: MiniMax M2, DeepSeek V3.2 and V4, MiniCPM 5."""

from __future__ import annotations

import json
from typing import Any

from localllm.chat import schema as schemas
from localllm.chat.formats.named_json import MAX_NAME_CHARS
from localllm.chat.formats.xml_calls import Key, XmlCalls
from localllm.chat.reader import Reader, Reading


class MiniMaxM2(XmlCalls):
    name = "minimax-m2"
    openers = ("<minimax:tool_call>",)
    head = "\n"
    call_open = '<invoke name="'
    name_close = '">\n'
    key_open = '<parameter name="'
    key_close = '">'
    value_close = "</parameter>"
    call_close = "</invoke>"
    between = "\n"
    tail = "\n</minimax:tool_call>"
    marks = ("<minimax:tool_call>", "</minimax:tool_call>")


class MiniCpm5(XmlCalls):
    """Values with `<` or `&` stand in CDATA; it is part of the markers."""

    name = "minicpm"
    openers = ("<function",)
    call_open = ' name="'
    name_close = '">'
    key_open = '<param name="'
    key_close = '">'
    value_close = "</param>"
    call_close = "</function>"
    between = "<function"

    def _closers(self, r: Reader) -> Reading[tuple[str, ...]]:
        is_cdata = (yield from r.at("<![CDATA[")) is not None
        return ("]]>" + self.value_close,) if is_cdata else (self.value_close,)


class DeepSeekV32(XmlCalls):
    """Whether a value is text stands in an attribute of its tag, so it is no matter of the schema."""

    name = "deepseek-v3.2"
    openers = ("<｜DSML｜function_calls>", "<｜DSML｜tool_calls>")
    head = "\n"
    call_open = '<｜DSML｜invoke name="'
    name_close = '">\n'
    key_open = '<｜DSML｜parameter name="'
    key_close = '" string="true">'
    value_close = "</｜DSML｜parameter>"
    call_close = "</｜DSML｜invoke>"
    between = "\n"
    tail = "\n</｜DSML｜function_calls>"
    marks = ("｜DSML｜",)

    def _read_key(self, r: Reader) -> Reading[Key]:
        key = yield from r.collect('"', limit=MAX_NAME_CHARS)
        yield from r.space()
        kind = yield from r.expect('string="true">', 'string="false">', ">")
        return key, {"type": "string"} if "true" in kind else ({} if "false" in kind else None)

    def _read_between(self, r: Reader) -> Reading[bool]:
        if (yield from r.peek_at(self.call_open)):
            return True
        yield from r.at("</｜DSML｜function_calls>", "</｜DSML｜tool_calls>")
        return False

    def _key_closer(self, value: Any) -> str:
        return self._attribute(isinstance(value, str))

    def _forms(self, schema: schemas.Schema) -> list[tuple[str, schemas.Schema]]:
        kinds = schemas.types(schema) or schemas.KINDS
        text, others = kinds & {"string"}, kinds - {"string"}
        forms = [(self._attribute(True), schemas.narrowed(schema, text))] if text else []
        return forms + ([(self._attribute(False), schemas.narrowed(schema, others))] if others else [])

    @staticmethod
    def _attribute(is_text: bool) -> str:
        return f'" string="{json.dumps(is_text)}">'


class DeepSeekV4(DeepSeekV32):
    """The same with another name for the block."""

    name = "deepseek-v4"
    openers = ("<｜DSML｜tool_calls>", "<｜DSML｜function_calls>")
    tail = "\n</｜DSML｜tool_calls>"
