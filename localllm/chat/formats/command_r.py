"""Cohere's Command R: a list of actions with `tool_name` and `parameters`."""

from __future__ import annotations

import json
from typing import Any

from localllm.chat.formats.base import Parameters
from localllm.chat.formats.json_object import JsonObject
from localllm.chat.lark import Lark


class CommandRPlus(JsonObject):
    """Command R and R+ of 2024: a block of JSON after `Action:`."""

    name = "command-r"
    openers = ("Action: ```json", "Action:```json", "Action:\n```json")
    head = "\n["
    between = ", "
    tail = "]\n```"
    name_key = "tool_name"
    arguments_key = "parameters"
    closers = ("```",)
    reasoning = None


class CommandR7B(JsonObject):
    """Command R7B, A and their reasoning variants: actions, thinking and the response in markers of their own."""

    name = "command-r7b"
    openers = ("<|START_ACTION|>",)
    head = "["
    between = ", "
    tail = "]<|END_ACTION|>"
    name_key = "tool_name"
    arguments_key = "parameters"
    closers = ("<|END_ACTION|>",)
    reasoning = ("<|START_THINKING|>", "<|END_THINKING|>")
    marks = ("<|START_ACTION|>", "<|END_ACTION|>")
    wrappers = (("<|START_RESPONSE|>", "<|END_RESPONSE|>"), ("<|START_TEXT|>", "<|END_TEXT|>"))

    def write_call(self, name: str, arguments: Any, index: int) -> str:
        call = {"tool_call_id": str(index), "tool_name": name, "parameters": arguments}
        return json.dumps(call, ensure_ascii=False)

    def grammar_call(self, lark: Lark, before: str, name: str, parameters: Parameters) -> str:
        opening = lark.text(before + '{"tool_call_id": "')
        head = lark.text(f'", "tool_name": {json.dumps(name)}, "parameters": ')
        return f"{opening} /[0-9]{{1,3}}/ {head} {lark.arguments(parameters)} {lark.text('}')}"
