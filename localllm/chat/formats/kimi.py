"""Kimi K2: `functions.name:0` between `<|tool_call_begin|>` markers; the number counts the calls."""

from __future__ import annotations

import json
import re
from typing import Any

from localllm.chat.formats.base import Parameters
from localllm.chat.formats.named_json import NamedJson
from localllm.chat.lark import Lark


class KimiK2(NamedJson):
    name = "kimi-k2"
    openers = ("<|tool_calls_section_begin|>",)
    head = "<|tool_call_begin|>"
    name_close = "<|tool_call_argument_begin|>"
    call_close = "<|tool_call_end|>"
    between = "<|tool_call_begin|>"
    tail = "<|tool_calls_section_end|>"
    marks = (*openers, head, name_close, call_close, tail)

    def clean_name(self, name: str) -> str:
        return re.sub(r":[0-9]+$", "", name.strip()).removeprefix("functions.")

    def write_call(self, name: str, arguments: Any, index: int) -> str:
        text = json.dumps(arguments, ensure_ascii=False)
        return f"functions.{name}:{index}{self.name_close}{text}{self.call_close}"

    def grammar_call(self, lark: Lark, before: str, name: str, parameters: Parameters) -> str:
        parts = [lark.text(f"{before}functions.{name}:"), "/[0-9]{1,3}/", lark.text(self.name_close)]
        return " ".join([*parts, lark.arguments(parameters), lark.text(self.call_close)])
