"""Where in a JSON schema the thing is that llguidance cannot do: its error names the keyword, people need the place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

MAPS = frozenset(
    {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
)  # names → schemas
DATA = frozenset({"enum", "const", "default", "examples", "example"})  # no schemas inside


def find_pointer(schema: Any, reason: str) -> str | None:
    """The JSON pointer of the first keyword or value that the reason names, or None where it names none.

    `Unimplemented keys: ["not"]` → `/properties/a/not`
    """
    keys = re.search(r'Unimplemented keys: (\[".*?"\])', reason)
    wanted = set(json.loads(keys[1])) if keys else set()
    value = re.search(r"(?:Unknown format: |Pointer ')(\S+?)'?(?: does not exist)?$", reason.split("\n")[0])
    for pointer, key, found in _keywords(schema, ""):
        if key in wanted or (value and key in ("format", "$ref") and str(found).lstrip("#") == value[1]):
            return pointer
        if key == "pattern" and reason.startswith("regex parse error") and str(found) in reason:
            return pointer
    return None


def _keywords(schema: Any, pointer: str) -> Iterator[tuple[str, str, Any]]:
    """Every keyword of every schema inside: its pointer, its name, its value."""
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from _keywords(item, f"{pointer}/{index}")
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        here = f"{pointer}/{_escaped(key)}"
        yield here, key, value
        if key in MAPS and isinstance(value, dict):
            for name, inner in value.items():
                yield from _keywords(inner, f"{here}/{_escaped(name)}")
        elif key not in DATA:
            yield from _keywords(value, here)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
