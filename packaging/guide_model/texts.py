"""Lists of words and of sentence variants, written as one string each so that they stay readable."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """What stands between spaces."""
    return tuple(text.split())


def variants(text: str) -> tuple[str, ...]:
    """What stands between `|`."""
    return tuple(part.strip() for part in text.split("|"))
