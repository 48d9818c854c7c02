"""A JSON body, read field by field: tolerant of what clients really send, exact about what is wrong.

`null` means "not given"; unknown fields are never looked at; a wrong type is an InvalidRequest whose `param` names
the field. Knows no endpoint.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from flask import request

from localllm.errors import InvalidRequest

_NAMES = {
    str: "text", bool: "true or false", int: "a whole number", float: "a number", dict: "an object", list: "a list",
    type(None): "null",
}  # fmt: skip


def json_body() -> Fields:
    """The request's body as an object. Raises InvalidRequest where it is no JSON object."""
    data = request.get_data(cache=False)
    if not data.strip():
        raise InvalidRequest("The request has no body; send a JSON object.")
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise InvalidRequest(f"The request body is not valid JSON: {e}.", code="invalid_json") from e
    if not isinstance(body, dict):
        raise InvalidRequest(f"The request body must be a JSON object, not {_kind(body)}.")
    return Fields(body)


class Fields:
    """Typed access to an object. `prefix` is how its own fields are named in errors."""

    def __init__(self, values: Mapping[str, Any], prefix: str = "") -> None:
        self.values = values
        self.prefix = prefix

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def raw(self, name: str) -> Any:
        """The value as it came; None where it is missing or null."""
        return self.values.get(name)

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise self.wrong(name, "text")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def number(self, name: str, low: float = -math.inf, high: float = math.inf) -> float | None:
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(name, "a number")
        if not low <= value <= high:
            raise self._outside(name, low, high)
        return float(value)

    def integer(self, name: str, low: int | None = None, high: int | None = None) -> int | None:
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # JavaScript and Lua write 1.0
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.wrong(name, "a whole number")
        if (low is not None and value < low) or (high is not None and value > high):
            raise self._outside(name, low, high)
        return value

    def items(self, name: str) -> list[Any]:
        """A list; missing, null and [] are the same."""
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(name, "a list")
        return value

    def texts(self, name: str) -> list[str]:
        """A text or a list of texts, as `stop` may be; empty ones are dropped."""
        value = self.values.get(name)
        if isinstance(value, str):
            value = [value]
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise self.wrong(name, "text or a list of texts")
        return [v for v in value if v]

    def object(self, name: str) -> Fields | None:
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(name, "an object")
        return Fields(value, f"{self.prefix}{name}.")

    def choice(self, name: str, allowed: Sequence[str]) -> str | None:
        value = self.text(name)
        if value is not None and value not in allowed:
            raise InvalidRequest(
                f"`{self.prefix}{name}` must be one of {', '.join(allowed)}, not {_shown(value)}.",
                param=self.prefix + name,
            )
        return value

    def wrong(self, name: str, wanted: str) -> InvalidRequest:
        found = _kind(self.values.get(name))
        return InvalidRequest(
            f"`{self.prefix}{name}` must be {wanted}, not {found}.",
            param=self.prefix + name,
            code="invalid_type",
        )

    def _outside(self, name: str, low: float | None, high: float | None) -> InvalidRequest:
        has_low, has_high = low is not None and low > -math.inf, high is not None and high < math.inf
        if has_low and has_high:
            wanted = f"from {low} to {high}"
        else:
            wanted = f"at least {low}" if has_low else f"at most {high}"
        return InvalidRequest(
            f"`{self.prefix}{name}` must be {wanted}, not {_shown(self.values.get(name))}.",
            param=self.prefix + name,
            code="invalid_value",
        )


def _kind(value: Any) -> str:
    return _NAMES.get(type(value), "something else")


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else text[:60] + "…"
