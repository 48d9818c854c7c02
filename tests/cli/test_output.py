"""Sizes as people read them."""

from __future__ import annotations

import pytest

from localllm.cli.output import size


@pytest.mark.parametrize(
    ("num_bytes", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (4_437_000_000, "4.4 GB"),
        (99_960_000, "100 MB"),
        (999_600, "1.0 MB"),
    ],
)
def test_sizes_are_decimal_and_short(num_bytes: int, words: str):
    """Three digits at most, in the unit that fits."""
    assert size(num_bytes) == words
