"""Families that differ from Hermes only in the markers around the JSON."""

from __future__ import annotations

from localllm.chat.formats.json_object import JsonObject


class Granite3(JsonObject):
    """IBM Granite 3: a list after one token."""

    name = "granite3"
    openers = ("<|tool_call|>", "<tool_call>")
    head = "["
    between = ", "
    tail = "]"
    closers = ("</tool_call>",)
    marks = ("<|tool_call|>",)
    wrappers = (("<response>", "</response>"),)


class Phi4(JsonObject):
    """Microsoft Phi-4 mini: a list between two tokens."""

    name = "phi4"
    openers = ("<|tool_call|>",)
    head = "["
    between = ", "
    tail = "]<|/tool_call|>"
    closers = ("<|/tool_call|>",)
    marks = ("<|tool_call|>", "<|/tool_call|>")


class Functools(JsonObject):
    """Firefunction, and Phi-4 in some hands: `functools[…]`."""

    name = "functools"
    openers = ("functools",)
    head = "["
    between = ", "
    tail = "]"


class Nemotron(JsonObject):
    """NVIDIA Nemotron Nano v2."""

    name = "nemotron"
    openers = ("<TOOLCALL>",)
    head = "["
    between = ", "
    tail = "]</TOOLCALL>"
    closers = ("</TOOLCALL>",)
    marks = ("<TOOLCALL>", "</TOOLCALL>")


class ToolCallsList(JsonObject):
    """Apriel and others: a list in `<tool_calls>`."""

    name = "tool-calls-list"
    openers = ("<tool_calls>",)
    head = "["
    between = ", "
    tail = "]</tool_calls>"
    closers = ("</tool_calls>",)
    marks = ("<tool_calls>", "</tool_calls>")


class MiniMaxM1(JsonObject):
    """MiniMax M1: one object per line in `<tool_calls>`."""

    name = "minimax-m1"
    openers = ("<tool_calls>",)
    head = "\n"
    between = "\n"
    tail = "\n</tool_calls>"
    closers = ("</tool_calls>",)
    marks = ("<tool_calls>", "</tool_calls>")


class GigaChat(JsonObject):
    """GigaChat 3: one object after a role or a token."""

    name = "gigachat"
    openers = ("<|function_call|>", "function call<|role_sep|>\n")
    marks = ("<|function_call|>", "<|role_sep|>")
    reasoning = None
