"""Apertus: a list whose objects have the function's name as their only key."""

from __future__ import annotations

from localllm.chat.formats.named_json import NamedJson


class Apertus(NamedJson):
    name = "apertus"
    openers = ("<|tools_prefix|>",)
    head = "["
    name_open = '{"'
    name_close = '": '
    name_closes = ('":',)
    call_close = "}"
    between = ", "
    tail = "]<|tools_suffix|>"
    marks = ("<|tools_prefix|>", "<|tools_suffix|>")
    reasoning = ("<|inner_prefix|>", "<|inner_suffix|>")
