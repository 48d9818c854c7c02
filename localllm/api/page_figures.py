"""GET /page/figures: what the engines do now, and did in the last minutes. Knows no element of the page.

The engines only count. Whoever asks takes a sample of the counters; between two samples lies an honest average, also
where nobody looked for a while, and no thread has to sample while nobody does.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response

from localllm import errors
from localllm.api.envelope import json_response
from localllm.api.job import Services
from localllm.api.monitoring import resident_bytes
from localllm.api.page_errors import RecentErrors, with_models
from localllm.engine.engine import Engine
from localllm.engine.messages import EngineStats

SAMPLES = 400
APART_S = 1.0
SHOWN_S = 300.0


@dataclass(frozen=True)
class Sample:
    """Rates since the sample before; `at` in seconds of a monotonic clock. Prompt tokens: the computed ones."""

    at: float
    tokens_per_s: float
    prompt_tokens_per_s: float
    num_running: int
    num_waiting: int


class History:
    """The last minutes. For any thread: several pages may ask at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._samples: deque[Sample] = deque(maxlen=SAMPLES)
        self._last: dict[str, EngineStats] = {}
        self._last_at = clock()

    def take(self, stats: Mapping[str, EngineStats]) -> None:
        """A sample, unless the last one is less than a second old."""
        with self._lock:
            now = self._clock()
            passed_s = now - self._last_at
            if passed_s < APART_S:
                return
            written = sum(_gained(s, self._last.get(i), "num_completion_tokens") for i, s in stats.items())
            read = sum(
                _gained(s, self._last.get(i), "num_prompt_tokens")
                - _gained(s, self._last.get(i), "num_cached_tokens")
                for i, s in stats.items()
            )
            self._samples.append(
                Sample(
                    now,
                    written / passed_s,
                    max(0, read) / passed_s,
                    sum(s.num_running for s in stats.values()),
                    sum(s.num_waiting for s in stats.values()),
                )
            )
            self._last, self._last_at = dict(stats), now

    def shown(self) -> list[dict[str, float]]:
        """The samples of the last minutes, oldest first, with their age in seconds."""
        with self._lock:
            now = self._clock()
            recent = [s for s in self._samples if now - s.at <= SHOWN_S]
        return [
            {
                "age_s": round(now - s.at, 1),
                "tokens_per_s": round(s.tokens_per_s, 2),
                "prompt_tokens_per_s": round(s.prompt_tokens_per_s, 2),
                "running": s.num_running,
                "waiting": s.num_waiting,
            }
            for s in recent
        ]


def _gained(now: EngineStats, before: EngineStats | None, name: str) -> int:
    """How much a counter has grown; an engine that was started again counts from nothing."""
    value: int = getattr(now, name)
    last: int = getattr(before, name) if before is not None else 0
    return value - last if value >= last else value


def blueprint(services: Services, recent: RecentErrors) -> Blueprint:
    routes = Blueprint("page_figures", __name__)
    history = History()

    @routes.get("/page/figures")
    def show() -> Response:
        engines = services.pool.engines()
        stats = {name: found for name, engine in engines.items() if (found := _stats(engine)) is not None}
        history.take(stats)
        body = {
            "engines": [_engine_body(name, engine, stats.get(name)) for name, engine in engines.items()],
            "num_requests": services.admission.num_inside,
            "history": history.shown(),
            "errors": with_models(recent.shown(), services),
        }
        return json_response(body)

    return routes


def _stats(engine: Engine) -> EngineStats | None:
    """None where the engine is not loaded, or too busy to answer: looking must never start it."""
    if engine.state != "ready":
        return None
    try:
        return engine.stats()
    except errors.LocalllmError:
        return None


def _engine_body(name: str, engine: Engine, stats: EngineStats | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": name,
        "state": engine.state,
        "num_starts": engine.num_starts,
        "memory_bytes": resident_bytes(engine.pid),
    }
    if stats is None:
        return body
    info = engine.info
    return body | {
        "description": info.description,
        "devices": list(info.devices),
        "n_threads": info.n_threads,
        "num_running": stats.num_running,
        "num_waiting": stats.num_waiting,
        "num_requests": stats.num_requests,
        "num_prompt_tokens": stats.num_prompt_tokens,
        "num_cached_tokens": stats.num_cached_tokens,
        "num_completion_tokens": stats.num_completion_tokens,
        "kv_cells_used": stats.kv_cells_used,
        "kv_cells": stats.kv_cells,
    }
