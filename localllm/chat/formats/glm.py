"""GLM 4.5 and later, Ling 3, Laguna, Spark: the name alone, then `<arg_key>` and `<arg_value>` pairs."""

from __future__ import annotations

from localllm.chat.formats.named_json import MAX_NAME_CHARS
from localllm.chat.formats.xml_calls import Key, XmlCalls
from localllm.chat.reader import Reader, Reading


class Glm45(XmlCalls):
    """The name has no closer of its own: it ends where the first key begins, at a new line, or with the call."""

    name = "glm"
    openers = ("<tool_call>",)
    call_open = ""
    name_close = "\n"
    key_open = "<arg_key>"
    key_close = "</arg_key>\n<arg_value>"
    value_close = "</arg_value>"
    call_close = "</tool_call>"
    between = "\n<tool_call>"
    marks: tuple[str, ...] = (
        "<tool_call>",
        "</tool_call>",
        "<arg_key>",
        "</arg_key>",
        "<arg_value>",
        "</arg_value>",
    )

    def _read_name(self, r: Reader) -> Reading[str]:
        ends = ("\n", self.key_open, self.call_close)
        return (yield from r.collect(*ends, limit=MAX_NAME_CHARS, take=False))

    def _read_key(self, r: Reader) -> Reading[Key]:
        key = yield from r.collect("</arg_key>", limit=MAX_NAME_CHARS)
        yield from r.space()
        yield from r.expect("<arg_value>")
        return key.strip(), None

    def _read_between(self, r: Reader) -> Reading[bool]:
        return (yield from r.at("<tool_call>")) is not None


class Hunyuan3(Glm45):
    """Tencent Hy3: the same tags with a suffix, all calls in an outer pair, and a separator after the name."""

    name = "hy3"
    openers = ("<tool_calls:opensource>",)
    head = "\n"
    call_open = "<tool_call:opensource>"
    name_close = "<tool_sep:opensource>\n"
    key_open = "<arg_key:opensource>"
    key_close = "</arg_key:opensource>\n<arg_value:opensource>"
    value_close = "</arg_value:opensource>"
    call_close = "</tool_call:opensource>"
    between = "\n"
    tail = "\n</tool_calls:opensource>"
    marks = (*openers, call_open, "<tool_sep:opensource>", key_open, "</arg_key:opensource>",
             "<arg_value:opensource>", value_close, call_close, "</tool_calls:opensource>")  # fmt: skip
    reasoning = ("<think:opensource>", "</think:opensource>")

    def _read_name(self, r: Reader) -> Reading[str]:
        return (yield from r.collect("<tool_sep:opensource>", limit=MAX_NAME_CHARS))

    def _read_key(self, r: Reader) -> Reading[Key]:
        key = yield from r.collect("</arg_key:opensource>", limit=MAX_NAME_CHARS)
        yield from r.space()
        yield from r.expect("<arg_value:opensource>")
        return key.strip(), None

    def _read_between(self, r: Reader) -> Reading[bool]:
        return (yield from XmlCalls._read_between(self, r))
