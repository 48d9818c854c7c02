"""Hermes, Qwen 2.5, Qwen 3, Granite 4 and their followers: a JSON object in `<tool_call>` tags."""

from __future__ import annotations

from localllm.chat.formats.json_object import JsonObject


class Hermes(JsonObject):
    name = "hermes"
    openers = ("<tool_call>",)
    head = "\n"
    between = "\n</tool_call>\n<tool_call>\n"
    tail = "\n</tool_call>"
    closers = ("</tool_call>",)
    marks = ("<tool_call>", "</tool_call>")
