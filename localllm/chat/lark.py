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
from collections.abc import Callable, Collection, Mapping
from typing import Any

from localllm.chat import schema as schemas

ANY_TEXT = "/(?s:.*)/"
_COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}

_PLAIN = re.compile(r"\\[^bBk1-9]")
_BEYOND = re.compile(r"\(\?(?:[=!]|<[=!])|\\[bBk1-9]")  # look-around, word boundaries, back references


class Lark:
    """A grammar being written. Every method returns an expression to use in others.

    marks: the markers that may be tokens of their own.
    """

    def __init__(self, marks: tuple[str, ...]) -> None:
        self._split = re.compile(
            "|".join(re.escape(m) for m in sorted(marks, key=len, reverse=True)) or "(?!)"
        )
        self._shared: dict[str, str] = {}
        self._rules: dict[str, str] = {}  # body → name: the same rule is written once

    def text(self, literal: str) -> str:
        """Exactly this text."""
        parts, place = [], 0
        for match in self._split.finditer(literal):
            parts += [quoted(literal[place : match.start()]), self._rule("mark", "", quoted(match.group()))]
            place = match.end()
        parts.append(quoted(literal[place:]))
        return " ".join(part for part in parts if part != '""') or '""'

    def upto(self, closer: str, pattern: str = ANY_TEXT, without: str = "") -> str:
        """Any text, or what the pattern (a terminal) allows, and the closer after it.

        without: what may not stand in the text, where that is not just the closer.
        """
        if pattern != ANY_TEXT or without:
            excluded = f"/(?s:.*{escaped(without or closer)}.*)/"
            pattern = self._rule("TEXT", "", f"({pattern}) & ~{excluded}")
        return self._rule("upto", f"[suffix={quoted(closer)}]", pattern)

    def name(self, before: str, after: str, others: Collection[str], chars: str) -> str:
        """A name between two texts that is none of the others. chars: a regular expression for it.

        It is one lexeme with the text around it, as the others are: a lexer does not go back.
        """
        marks = list(self._split.finditer(before))
        start = marks[-1].end() if marks else 0
        mark = self._split.search(after)
        end = mark.start() if mark else len(after)
        head, tail = escaped(before[start:]), escaped(after[:end])
        taken = f" & ~/{head}({'|'.join(map(escaped, others))}){tail}/" if others else ""
        name = self._rule("NAME", "", f"/{head}{chars}{tail}/{taken}")
        return f"{self.text(before[:start])} {name} {self.text(after[end:])}"

    def without(self, marker: str) -> str:
        """Any text in which the marker, which is no token, does not stand."""
        return self._rule("TEXT", "", f"{ANY_TEXT} & ~/(?s:.*{escaped(marker)}.*)/")

    def json(self, schema: Any, *, is_strict: bool = False) -> str:
        """A JSON value of this schema, spaced as models write it.

        is_strict: what cannot be enforced is an error of the grammar; otherwise it is left out.
        """
        shaped = dict(schema) if isinstance(schema, Mapping) else {}
        shaped = shaped if is_strict else _enforceable(shaped)
        options = {**_COMPACT, "lenient": not is_strict}
        return self._rule("json", "", f"%json {json.dumps({**shaped, 'x-guidance': options})}")

    def arguments(self, parameters: Any) -> str:
        """The JSON object a function takes."""
        return self.json(schemas.closed(parameters))

    def rule(self, body: str) -> str:
        return self._rule("rule", "", body)

    def shared(self, what: str, body: Callable[[], str]) -> str:
        """A rule written once for what it stands for, which may contain itself."""
        if what not in self._shared:
            self._shared[what] = f"shared_{len(self._shared)}"
            self._rules[f"shared {what}"] = f"{self._shared[what]}: {body()}"
        return self._shared[what]

    def _rule(self, kind: str, options: str, body: str) -> str:
        key = f"{kind}{options}: {body}"
        if key not in self._rules:
            self._rules[key] = f"{kind}_{len(self._rules)}{options}: {body}"
        return self._rules[key].split(":", 1)[0].split("[", 1)[0]

    def build(self, start: str) -> str:
        """The whole grammar, whose text is `start`."""
        return "\n".join([f"start: {start}", *self._rules.values()]) + "\n"


def _enforceable(schema: Any) -> Any:
    """The schema without patterns that no grammar can keep."""
    if isinstance(schema, list):
        return [_enforceable(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        key: _enforceable(value)
        for key, value in schema.items()
        if key != "pattern" or not isinstance(value, str) or not _BEYOND.search(_PLAIN.sub("", value))
    }


def escaped(text: str) -> str:
    """The text as a regular expression, both Lark's and Python's."""
    return re.sub(r"[^\w\x80-\U0010ffff]", lambda match: f"\\x{ord(match[0]):02x}", text)


def quoted(text: str) -> str:
    return json.dumps(text)


def one_of(options: list[str]) -> str:
    return "(" + " | ".join(options) + ")"
