"""Writes grammars in llguidance's Lark dialect: the pieces the output formats are put together from.

Markers like `<tool_call>` are one special token in some vocabularies and plain text in others, and a grammar must say
which. This room knows no vocabulary, so each marker is a rule of its own, always written in one of two ways:

    mark_0: "<tool_call>"
    upto_1[suffix="</think>"]: /(?s:.*)/

The engine replaces the marker by its token id where it is a token of its own: `mark_0: <[151657]>` and
`upto_1: /(?s:.*)/ <[151668]>`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from localllm.chat import schema as schemas

ANY_TEXT = "/(?s:.*)/"
_COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": ", "lenient": True}


class Lark:
    """A grammar being written. Every method returns an expression to use in others.

    marks: the markers that may be tokens of their own.
    """

    def __init__(self, marks: tuple[str, ...]) -> None:
        self._split = re.compile(
            "|".join(re.escape(m) for m in sorted(marks, key=len, reverse=True)) or "(?!)"
        )
        self._rules: dict[str, str] = {}  # body → name: the same rule is written once

    def text(self, literal: str) -> str:
        """Exactly this text."""
        parts, place = [], 0
        for match in self._split.finditer(literal):
            parts += [quoted(literal[place : match.start()]), self._rule("mark", "", quoted(match.group()))]
            place = match.end()
        parts.append(quoted(literal[place:]))
        return " ".join(part for part in parts if part != '""') or '""'

    def upto(self, closer: str, pattern: str = ANY_TEXT) -> str:
        """Any text, or what the pattern allows, and the closer after it."""
        return self._rule("upto", f"[suffix={quoted(closer)}]", pattern)

    def without(self, marker: str) -> str:
        """Any text in which the marker, which is no token, does not stand."""
        return self._rule("TEXT", "", f"{ANY_TEXT} & ~/(?s:.*{escaped(marker)}.*)/")

    def json(self, schema: Any) -> str:
        """A JSON value of this schema, spaced as models write it."""
        shaped = dict(schema) if isinstance(schema, Mapping) else {}
        return self._rule("json", "", f"%json {json.dumps({**shaped, 'x-guidance': _COMPACT})}")

    def arguments(self, parameters: Any) -> str:
        """The JSON object a function takes."""
        return self.json(schemas.closed(parameters))

    def rule(self, body: str) -> str:
        return self._rule("rule", "", body)

    def _rule(self, kind: str, options: str, body: str) -> str:
        key = f"{kind}{options}: {body}"
        if key not in self._rules:
            self._rules[key] = f"{kind}_{len(self._rules)}{options}: {body}"
        return self._rules[key].split(":", 1)[0].split("[", 1)[0]

    def build(self, start: str) -> str:
        """The whole grammar, whose text is `start`."""
        return "\n".join([f"start: {start}", *self._rules.values()]) + "\n"


def escaped(text: str) -> str:
    """The text as a regular expression, both Lark's and Python's."""
    return re.sub(r"[^\w\x80-\U0010ffff]", lambda match: f"\\x{ord(match[0]):02x}", text)


def quoted(text: str) -> str:
    return json.dumps(text)


def one_of(options: list[str]) -> str:
    return "(" + " | ".join(options) + ")"
