"""What a schema says about a text → a terminal of llguidance's Lark dialect, for formats that write text bare.

A JSON schema's `pattern` is ECMAScript and may be found anywhere in the text; the terminal matches all of the text and
is written as Rust's regular expressions are. What cannot be said there (look-around, back references, word
boundaries) is left out, as is `format`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from localllm.chat import schema as schemas
from localllm.chat.lark import ANY_TEXT, quoted

_ANY = "(?s:.*)"
_TOKEN = re.compile(
    r"\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[pP]\{\w+\}|\\.|\(\?.?|\{\d+(?:,\d*)?\}|.", re.DOTALL
)
_CLASS_ESCAPES = frozenset("dDwWsSnrtfv")
_LITERALS = {"/": r"\x2f", r"\/": r"\x2f", "\n": r"\n", "\r": r"\r", "{": r"\{", "}": r"\}"}
_SCALARS = {
    "integer": "/-?[0-9]+/",
    "number": r"/-?[0-9]+(\.[0-9]+)?([eE][+\-]?[0-9]+)?/",
    "boolean": '"true" | "false"',
    "null": '"null"',
}


class _Beyond(Exception):
    """The pattern says something that the grammar cannot."""


def text_terminal(schema: schemas.Schema) -> str:
    """What the bare text of a value may be; ANY_TEXT where nothing of it can be enforced."""
    options = schema.get("anyOf") or schema.get("oneOf") or [schema]
    parts = [_option(option) for option in options if isinstance(option, dict)]
    return ANY_TEXT if not parts or ANY_TEXT in parts else " | ".join(dict.fromkeys(parts))


def _option(schema: schemas.Schema) -> str:
    """One of the things the value may be."""
    if values := schemas.values(schema):
        return " | ".join(quoted(schemas.bare(value)) for value in values)
    kinds = schemas.types(schema)
    if not kinds or kinds & {"object", "array"}:
        return ANY_TEXT
    parts = [_SCALARS[kind] for kind in sorted(kinds) if kind in _SCALARS]
    if "string" in kinds:
        parts.append(_string(schema))
    return ANY_TEXT if ANY_TEXT in parts else " | ".join(parts) or ANY_TEXT


def _string(schema: schemas.Schema) -> str:
    """A text of the lengths and the pattern the schema asks for."""
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    parts = []
    if isinstance(low, int) and isinstance(high, int | None) and (low or high is not None):
        parts.append(f"/(?s:.{{{low},{'' if high is None else high}}})/")
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and (found := whole(pattern)) is not None:
        parts.append(f"/{found}/")
    return f"({' & '.join(parts)})" if len(parts) > 1 else "".join(parts) or ANY_TEXT


def whole(pattern: str) -> str | None:
    """A regular expression for all of a text in which the pattern is found; None where there is none."""
    try:
        return "|".join(_branch(tokens) for tokens in _branches(pattern))
    except _Beyond:
        return None


def _branches(pattern: str) -> list[list[str]]:
    """The alternatives of the pattern, each as its translated tokens."""
    branches: list[list[str]] = [[]]
    depth = 0
    for token in _tokens(pattern):
        depth += (token[0] == "(") - (token == ")")
        if depth < 0:
            raise _Beyond
        if token == "|" and depth == 0:
            branches.append([])
        else:
            branches[-1].append(token)
    if depth:
        raise _Beyond
    return branches


def _branch(tokens: list[str]) -> str:
    before = "" if tokens[:1] == ["^"] else _ANY
    after = "" if tokens[-1:] == ["$"] else _ANY
    inner = tokens[not before : len(tokens) - (not after)]
    if "^" in inner or "$" in inner:
        raise _Beyond
    return f"{before}(?:{''.join(inner)}){after}"


def _tokens(pattern: str) -> Iterator[str]:
    """What the pattern is made of, a character class as one, in the words of Rust's regular expressions."""
    characters = ""  # of the class that is open
    for match in _TOKEN.finditer(pattern):
        token = _translated(match.group(), in_class=bool(characters))
        if characters:
            characters += token
            if token == "]":
                yield characters
                characters = ""
        elif token == "[":
            characters = token
        else:
            yield token
    if characters:
        raise _Beyond


def _translated(token: str, *, in_class: bool) -> str:
    if len(token) == 2 and token[0] == "\\" and token[1].isalnum() and token[1] not in _CLASS_ESCAPES:
        raise _Beyond
    if token == "\\" or (token.startswith("(?") and token != "(?:" and not in_class):
        raise _Beyond
    if in_class and len(token) > 1 and token[0] in "({":
        return "".join(_translated(char, in_class=True) for char in token)
    if in_class and token in ("[", "&", "~"):
        return f"\\{token}"
    return _LITERALS.get(token, token)
