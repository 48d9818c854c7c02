"""DeepSeek V3, R1 and V3.1: calls between `<｜tool▁calls▁begin｜>` markers. V3.2 and V4 write XML: see xml.py."""

from __future__ import annotations

from localllm.chat.formats.named_json import NamedJson

_OPENERS = (
    "<｜tool▁calls▁begin｜>",
    "<｜tool_calls_begin｜>",  # spelled so by distilled models whose vocabulary lacks the tokens
    "<｜tool calls begin｜>",
)


class DeepSeekV3(NamedJson):
    """`function<｜tool▁sep｜>name` and the arguments in a block of JSON."""

    name = "deepseek-v3"
    openers = _OPENERS
    head = "<｜tool▁call▁begin｜>"
    name_open = "function<｜tool▁sep｜>"
    name_close = "\n```json\n"
    call_close = "\n```<｜tool▁call▁end｜>"
    between = "\n<｜tool▁call▁begin｜>"
    tail = "<｜tool▁calls▁end｜>"
    marks = (
        *_OPENERS, "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>",
    )  # fmt: skip


class DeepSeekV31(NamedJson):
    """`name<｜tool▁sep｜>` and the arguments as they are."""

    name = "deepseek-v3.1"
    openers = _OPENERS
    head = "<｜tool▁call▁begin｜>"
    name_close = "<｜tool▁sep｜>"
    call_close = "<｜tool▁call▁end｜>"
    between = "<｜tool▁call▁begin｜>"
    tail = "<｜tool▁calls▁end｜>"
    marks = DeepSeekV3.marks
