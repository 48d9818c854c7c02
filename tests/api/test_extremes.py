"""Extreme values on a real engine: everything the API lets through is computed without harm."""

from __future__ import annotations

import math

import pytest

from localllm.api.sampling import INTEGERS, NUMBERS

EDGES = [
    *({name: low} for name, (_, low, _) in NUMBERS.items() if low > -math.inf),
    *({name: high if high < math.inf else 1e308} for name, (_, _, high) in NUMBERS.items()),
    *({name: -1e308} for name, (_, low, _) in NUMBERS.items() if low == -math.inf),
    *({name: low} for name, (_, low, _) in INTEGERS.items()),
    *({name: high} for name, (_, _, high) in INTEGERS.items()),
    {"mirostat": 2, "mirostat_tau": 1e308}, {"mirostat": 1, "mirostat_eta": 1e308}, {"mirostat": 2, "mirostat_eta": 0},
    {"dynatemp_range": 1e308, "dynatemp_exponent": -1e308}, {"dry_multiplier": 1e308, "dry_base": 1e308},
    {"dry_multiplier": 1, "dry_penalty_last_n": 2**31 - 1}, {"repeat_penalty": 1e308, "repeat_last_n": 2**31 - 1},
    {"repeat_penalty": 0, "repeat_last_n": -1}, {"presence_penalty": 1e308, "repeat_last_n": 64},
    {"dry_multiplier": 1, "dry_sequence_breakers": [""]}, {"dry_multiplier": 1, "dry_sequence_breakers": ["x" * 5000]},
    {"xtc_probability": 1, "xtc_threshold": 0}, {"xtc_probability": 1, "xtc_threshold": 1},
    {"logit_bias": {"1": 1e308}},
    {"logit_bias": {str(i): -1e308 for i in range(512)}}, {"logit_bias": [[i, False] for i in range(512)]},
    {"seed": 2**63}, {"stop": ["x" * 100_000]}, {"stop": ["a"] * 256}, {"top_k": 1, "min_keep": 2**31 - 1},
]  # fmt: skip


@pytest.mark.parametrize("fields", EDGES, ids=lambda fields: str(fields)[:60])
def test_the_edges_of_every_range_are_safe(real, fields):
    """An answer, or a 400: the engine lives on."""
    answer = real.chat("Hi", **{"model": "tiny", "temperature": 1, "max_tokens": 3} | fields)
    assert answer.status in (200, 400), answer.body
    assert real.chat("Hi", model="tiny", max_tokens=1).status == 200
