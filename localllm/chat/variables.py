"""The variables a template is given: the ones it knows by other names too.

Nearly all templates read `enable_thinking`, `reasoning_effort` and `tools`; a few have other names for the same things.
Only what a template reads, and what was not given, is filled in.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Mapping
from typing import Any

Variables = Mapping[str, Any]


def _is_thinking(given: Variables) -> Any:
    return given.get("enable_thinking")


def _thinking_mode(given: Variables) -> Any:
    is_on = given.get("enable_thinking")
    return None if is_on is None else ("enabled" if is_on else "disabled")


def _functions(given: Variables) -> Any:
    return json.dumps([tool["function"] for tool in given["tools"] or []], ensure_ascii=False, indent=4)


def _now(given: Variables) -> Any:
    return datetime.datetime.now().strftime("%Y-%m-%d %H:%M")


# The name → its value from what was given (None: not to be said), and the usual name that makes it needless.
OTHER_NAMES: dict[str, tuple[Callable[[Variables], Any], str]] = {
    "thinking": (_is_thinking, "enable_thinking"),  # DeepSeek, Kimi K3
    "reasoning": (_is_thinking, "enable_thinking"),  # Command A
    "thinking_mode": (_thinking_mode, "enable_thinking"),  # MiniMax M3
    "thinking_effort": (lambda given: given.get("reasoning_effort"), "reasoning_effort"),  # Kimi K3
    "functions": (_functions, "tools"),  # Firefunction
    "datetime": (_now, ""),  # Firefunction
}


def filled_in(given: Variables, reads: frozenset[str]) -> dict[str, Any]:
    """Values for the names the template reads and nobody gave. reads: the template's free variables."""
    values = {
        name: value_of(given)
        for name, (value_of, usual) in OTHER_NAMES.items()
        if name in reads and name not in given and usual not in reads
    }
    return {name: value for name, value in values.items() if value is not None}
