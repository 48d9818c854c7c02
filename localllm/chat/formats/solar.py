"""Solar Open: thinking, content and calls are messages of their own, each opened by a token."""

from __future__ import annotations

import json
from typing import Any

from localllm.chat.formats.base import Parameters
from localllm.chat.formats.named_json import NamedJson
from localllm.chat.lark import Lark
from localllm.chat.reader import Broken
from localllm.sampling_params import ThinkingMarks

_THINK, _END, _NEXT = "<|think|>", "<|end|>", "<|begin|>assistant"
_BEGIN, _NAME, _ARGS, _DONE = (
    "<|tool_call:begin|>",
    "<|tool_call:name|>",
    "<|tool_call:args|>",
    "<|tool_call:end|>",
)


class SolarOpen(NamedJson):
    """`<|tool_call:begin|>id<|tool_call:name|>name<|tool_call:args|>{…}`; the id is the model's own."""

    name = "solar-open"
    openers = ("<|tool_calls|>",)
    head = _BEGIN
    name_close = _ARGS
    call_close = _DONE
    between = _BEGIN
    tail = "<|calls|>"
    marks = ("<|tool_calls|>", _BEGIN, _NAME, _ARGS, _DONE, "<|calls|>",
             _THINK, _END, "<|begin|>", "<|content|>")  # fmt: skip
    reasoning = (_THINK, _END + _NEXT)
    wrappers = (("<|content|>", _END),)

    def clean_name(self, name: str) -> str:
        call_id, found, name = name.rpartition(_NAME)
        if not found or not call_id.isascii():
            raise Broken
        return name.strip()

    def write_call(self, name: str, arguments: Any, index: int) -> str:
        return f"call{index:06}{_NAME}{name}{_ARGS}{json.dumps(arguments, ensure_ascii=False)}{_DONE}"

    def grammar_call(self, lark: Lark, before: str, name: str, parameters: Parameters) -> str:
        head = f"{lark.text(before)} /[a-z0-9]{{10}}/ {lark.text(f'{_NAME}{name}{_ARGS}')}"
        return f"{head} {lark.arguments(parameters)} {lark.text(_DONE)}"

    def thinking_marks(self, prompt: str, continued: str = "", *, has_tools: bool) -> ThinkingMarks:
        """Its end is a token: what follows it is written for the model."""
        end = _END + _NEXT
        return ThinkingMarks(_THINK, (_END,), end, f"{end}<|content|>", is_anywhere=True)

    def _grammar_reasoning(self, lark: Lark, in_reasoning: bool) -> str:
        return f"({lark.text(_THINK)} {lark.upto(_END)} {lark.text(_NEXT)})?"
