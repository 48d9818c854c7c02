"""What a finished job cost: exact token counts, and the durations that llama.cpp's server calls `timings`."""

from __future__ import annotations

from typing import Any

import msgspec

from localllm.api.job import Job


class Usage(msgspec.Struct, frozen=True):
    """Exact token counts of a request, all its completions together."""

    num_prompt_tokens: int
    num_cached_tokens: int
    num_completion_tokens: int
    num_reasoning_tokens: int = 0


def usage(job: Job, num_reasoning_tokens: int = 0) -> Usage:
    return Usage(
        job.num_prompt_tokens, job.num_cached_tokens, job.num_completion_tokens, num_reasoning_tokens
    )


def timings(job: Job) -> dict[str, Any]:
    """{"timings": {…}} in llama.cpp's shape: prompt_n counts what was computed, cache_n what was not.

    Empty before anything has ended. Durations are those of the completion that took longest.
    """
    if not job.finishes:
        return {}
    prompt_ms = max(finish.prompt_ms for finish in job.finishes.values())
    predicted_ms = max(finish.predicted_ms for finish in job.finishes.values())
    prompt_n, predicted_n = job.num_prompt_tokens - job.num_cached_tokens, job.num_completion_tokens
    figures = {
        "cache_n": job.num_cached_tokens,
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
