"""Qwen3-Coder, Qwen 3.5, Nemotron 3, Step 3.5, and Seed-OSS with tags of its own around the same call."""

from __future__ import annotations

from localllm.chat.formats.xml_calls import XmlCalls


class Qwen3Coder(XmlCalls):
    """`<function=name>` with `<parameter=key>` inside `<tool_call>`; models forget the outer tag at times."""

    name = "qwen3-coder"
    openers = ("<tool_call>", "<function=")
    head = "\n"
    call_open = "<function="
    name_close = ">\n"
    key_open = "<parameter="
    key_close = ">"
    margin = "\n"
    value_close = "</parameter>"
    call_close = "</function>"
    between = "\n</tool_call>\n<tool_call>\n"
    tail = "\n</tool_call>"
    marks = ("<tool_call>", "</tool_call>")


class SeedOss(XmlCalls):
    name = "seed-oss"
    openers = ("<seed:tool_call>", "<function=")
    head = "\n"
    call_open = "<function="
    name_close = ">\n"
    key_open = "<parameter="
    key_close = ">"
    value_close = "</parameter>"
    call_close = "</function>"
    between = "\n</seed:tool_call>\n<seed:tool_call>\n"
    tail = "\n</seed:tool_call>"
    marks = ("<seed:tool_call>", "</seed:tool_call>")
    reasoning = ("<seed:think>", "</seed:think>")
