"""What a request cost: exact token counts, and the durations that llama.cpp's server calls `timings`."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

import msgspec

from localllm.engine.messages import Finish


class Usage(msgspec.Struct, frozen=True):
    """Token counts of a request, all its completions together. Exact once it has ended, so far until then."""

    num_prompt_tokens: int
    num_cached_tokens: int
    num_completion_tokens: int
    num_reasoning_tokens: int = 0


class Rhythm:
    """When tokens came, as the client's thread saw it: what a person feels of speed. Seconds."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._last: dict[int, float] = {}
        self.first_token_s: float | None = None
        self.longest_gap_s: float | None = None

    def beat(self, index: int) -> None:
        """Tokens of completion `index` have come."""
        now = time.monotonic()
        if self.first_token_s is None:
            self.first_token_s = now - self._started
        if index in self._last:
            self.longest_gap_s = max(self.longest_gap_s or 0.0, now - self._last[index])
        self._last[index] = now


def timings(usage: Usage, finishes: Collection[Finish]) -> dict[str, Any]:
    """{"timings": {…}} in llama.cpp's shape: prompt_n counts what was computed, cache_n what was not.

    Empty before anything has ended. Durations are those of the completion that took longest.
    """
    if not finishes:
        return {}
    prompt_ms = max(finish.prompt_ms for finish in finishes)
    predicted_ms = max(finish.predicted_ms for finish in finishes)
    prompt_n, predicted_n = usage.num_prompt_tokens - usage.num_cached_tokens, usage.num_completion_tokens
    figures = {
        "cache_n": usage.num_cached_tokens,
        "prompt_n": prompt_n,
        "prompt_ms": round(prompt_ms, 3),
        "prompt_per_token_ms": _ratio(prompt_ms, prompt_n),
        "prompt_per_second": _ratio(1000 * prompt_n, prompt_ms),
        "predicted_n": predicted_n,
        "predicted_ms": round(predicted_ms, 3),
        "predicted_per_token_ms": _ratio(predicted_ms, predicted_n),
        "predicted_per_second": _ratio(1000 * predicted_n, predicted_ms),
    }
    return {"timings": figures}


def _ratio(a: float, b: float) -> float:
    return round(a / b, 3) if b else 0.0
