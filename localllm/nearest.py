"""The nearest match for a mistyped name, for errors that help."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like this one, or None where nothing is near."""
    matches = difflib.get_close_matches(name.lower(), {k.lower(): k for k in known}, n=1, cutoff=0.6)
    return next((k for k in known if matches and k.lower() == matches[0]), None)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """' Did you mean "temperature"?', or the empty string."""
    match = nearest(name, known := list(known))
    return f' Did you mean "{match}"?' if match else ""
