"""Mistral: `[TOOL_CALLS]` and a JSON list, and since 2025 `[TOOL_CALLS]name[ARGS]{…}`."""

from __future__ import annotations

from localllm.chat.formats import json_calls
from localllm.chat.formats.json_object import JsonObject
from localllm.chat.formats.named_json import NamedJson
from localllm.chat.reader import Broken, Reader, Reading

THINKING = ("[THINK]", "[/THINK]")


class MistralList(JsonObject):
    """Nemo, Small 3.1, Large 2: a list of objects."""

    name = "mistral"
    openers = ("[TOOL_CALLS]",)
    head = "["
    between = ", "
    tail = "]"
    marks = ("[TOOL_CALLS]",)
    reasoning = THINKING
    short_ids = True


class MistralNamed(NamedJson):
    """Small 3.2, Magistral, Devstral, Ministral 3: the name, perhaps an id, and the arguments."""

    name = "mistral-args"
    openers = ("[TOOL_CALLS]",)
    between = "[TOOL_CALLS]"
    name_close = "[ARGS]"
    marks = ("[TOOL_CALLS]", "[ARGS]", "[CALL_ID]")
    reasoning = THINKING
    short_ids = True

    def read_calls(self, r: Reader, opener: str) -> Reading[None]:
        yield from r.space()
        if (yield from r.peek()) == "[":  # the older list, from a model between the two
            yield from json_calls.read_list(r)
        else:
            yield from super().read_calls(r, opener)

    def clean_name(self, name: str) -> str:
        name, _, call_id = name.partition("[CALL_ID]")
        if not call_id.isascii():
            raise Broken
        return name.strip()
