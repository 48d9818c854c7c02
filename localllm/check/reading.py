"""JSON of any shape, read without ever raising: the servers that need a check are those that send anything.

Knows no rule: who reads says what a wrong type means.
"""

from __future__ import annotations

import json
from typing import Any

SHOWN_CHARACTERS = 300


def decoded(data: bytes | str) -> Any:
    """The JSON value. Raises ValueError for whatever is none, lists nested too deeply for Python among it."""
    try:
        return json.loads(data)
    except RecursionError as e:
        raise ValueError("nested too deeply") from e


def as_dict(value: Any) -> dict[str, Any]:
    """The object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """The list; an empty one for anything else."""
    return value if isinstance(value, list) else []


def first(value: Any) -> dict[str, Any]:
    """The first object of a list; an empty one where there is no list, or something else is in it."""
    return as_dict(next(iter(as_list(value)), None))


def shown(value: Any) -> str:
    """A value for people: text as it is, anything else as JSON; cut short, and safe to print on any terminal."""
    try:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    except (RecursionError, TypeError, ValueError):
        text = f"a value that cannot be shown ({type(value).__name__})"
    cut = text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in cut)
