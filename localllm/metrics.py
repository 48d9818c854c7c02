"""What is counted for Prometheus: requests, tokens, waiting times, and what the engines say of themselves.

Names and labels are described in docs/api.md; a test fails when one is missing there. Knows no engine and no route:
it is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)


@dataclass(frozen=True)
class RequestFigures:
    """One request that has ended. Times in seconds; None where no token came, or only one."""

    route: str
    status: int
    duration_s: float
    model: str | None = None
    num_prompt_tokens: int = 0
    num_cached_tokens: int = 0
    num_completion_tokens: int = 0
    first_token_s: float | None = None
    longest_gap_s: float | None = None


@dataclass(frozen=True)
class EngineFigures:
    """One engine at this moment. num_starts counts every start since the app came up."""

    model: str
    num_running: int = 0
    num_waiting: int = 0
    kv_cells_used: int = 0
    kv_cells: int = 0
    num_starts: int = 0
    memory_bytes: int = 0
    is_loaded: bool = False


@dataclass(frozen=True)
class ReplicaFigures:
    """One server that a model is forwarded to, at this moment."""

    model: str
    server: str
    num_running: int = 0
    is_well: bool = True


@dataclass
class Metrics:
    """All figures of one app. Thread-safe."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        r = self.registry
        self.requests = Counter(
            "localllm_requests", "Requests that have ended.", ["route", "status"], registry=r
        )
        self.duration = Histogram(
            "localllm_request_seconds", "From the request to its end.", ["route"], registry=r, buckets=SECONDS
        )
        self.tokens = Counter("localllm_tokens", "Tokens by kind: prompt, cached (of the prompt), completion.",
                              ["model", "kind"], registry=r)  # fmt: skip
        self.first_token = Histogram("localllm_first_token_seconds", "From the request to its first token.",
                                     ["model"], registry=r, buckets=SECONDS)  # fmt: skip
        self.longest_gap = Histogram("localllm_longest_gap_seconds", "The longest pause between an answer's tokens.",
                                     ["model"], registry=r, buckets=SECONDS)  # fmt: skip
        self.running = Gauge("localllm_requests_running", "Requests that generate or wait to.", registry=r)
        self.engine = {
            name: Gauge(f"localllm_engine_{name}", text, ["model"], registry=r)
            for name, text in (
                ("loaded", "1 where the model is in memory."),
                ("sequences_running", "Completions that are being computed."),
                ("sequences_waiting", "Completions that wait for a slot."),
                ("kv_cells_used", "Cells of the KV cache that hold a token."),
                ("kv_cells", "Cells of the KV cache."),
                ("starts", "Times the engine was started; more than one means that it died or was unloaded."),
                ("memory_bytes", "Resident memory of the engine's process."),
            )
        }

        self.upstream = {
            "requests": Gauge("localllm_upstream_requests", "Requests that the server is answering.",
                              ["model", "server"], registry=r),
            "up": Gauge("localllm_upstream_up", "0 where the server's last request failed.",
                        ["model", "server"], registry=r),
        }  # fmt: skip

    def observe(self, request: RequestFigures) -> None:
        """Count a request that has ended."""
        self.requests.labels(request.route, str(request.status)).inc()
        self.duration.labels(request.route).observe(request.duration_s)
        if request.model is None:
            return
        counts = {
            "prompt": request.num_prompt_tokens,
            "cached": request.num_cached_tokens,
            "completion": request.num_completion_tokens,
        }
        for kind, count in counts.items():
            self.tokens.labels(request.model, kind).inc(count)
        if request.first_token_s is not None:
            self.first_token.labels(request.model).observe(request.first_token_s)
        if request.longest_gap_s is not None:
            self.longest_gap.labels(request.model).observe(request.longest_gap_s)

    def exposition(
        self, num_running: int, engines: list[EngineFigures], replicas: Sequence[ReplicaFigures] = ()
    ) -> bytes:
        """Everything in Prometheus' text format, with the engines and the other servers as they are now."""
        self.running.set(num_running)
        for gauge in self.engine.values():
            gauge.clear()  # of models that were unloaded since
        for figures in engines:
            values = {
                "loaded": int(figures.is_loaded),
                "sequences_running": figures.num_running,
                "sequences_waiting": figures.num_waiting,
                "kv_cells_used": figures.kv_cells_used,
                "kv_cells": figures.kv_cells,
                "starts": figures.num_starts,
                "memory_bytes": figures.memory_bytes,
            }
            for name, value in values.items():
                self.engine[name].labels(figures.model).set(value)
        for gauge in self.upstream.values():
            gauge.clear()
        for replica in replicas:
            self.upstream["requests"].labels(replica.model, replica.server).set(replica.num_running)
            self.upstream["up"].labels(replica.model, replica.server).set(int(replica.is_well))
        return generate_latest(self.registry)
