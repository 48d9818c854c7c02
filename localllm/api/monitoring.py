"""GET /metrics for Prometheus, and what the request log's records become there."""

from __future__ import annotations

import contextlib
import re

import psutil
from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST

from localllm import errors
from localllm.api.job import Services
from localllm.api.request_log import Record
from localllm.engine.engine import Engine
from localllm.metrics import EngineFigures, Metrics, ReplicaFigures, RequestFigures

ROUTES = frozenset(
    {
        "/chat/completions", "/completions", "/responses", "/messages", "/messages/count_tokens", "/embeddings",
        "/rerank", "/models", "/models/load", "/models/unload", "/models/sse", "/models/downloads",
        "/models/downloads/pause", "/models/downloads/resume", "/tokenize",
        "/detokenize", "/apply-template", "/health", "/instance", "/metrics", "/",
    }
)  # fmt: skip


def blueprint(services: Services, metrics: Metrics) -> Blueprint:
    routes = Blueprint("monitoring", __name__)

    @routes.get("/metrics")
    def show() -> Response:
        engines = [engine_figures(name, engine) for name, engine in services.pool.engines().items()]
        body = metrics.exposition(services.admission.num_inside, engines, replica_figures(services))
        return Response(body, content_type=CONTENT_TYPE_LATEST)

    return routes


def replica_figures(services: Services) -> list[ReplicaFigures]:
    """The servers of forwarded models that were asked since the app came up."""
    figures = []
    for entry in services.pool.catalog.entries:
        upstream = services.pool.upstreams.known(entry.upstream) if entry.upstream is not None else None
        for replica in upstream.replicas.all if upstream is not None else ():
            server = replica.address.authority
            figures.append(ReplicaFigures(entry.id, server, replica.num_active, replica.is_well))
    return figures


def request_figures(record: Record) -> RequestFigures:
    """A record of the log as figures. Paths become one of a few routes, so that nobody can invent labels."""
    usage = record.usage
    return RequestFigures(
        route=route_of(record.path),
        status=record.status,
        duration_s=record.duration_s,
        model=record.model,
        num_prompt_tokens=usage.num_prompt_tokens if usage else 0,
        num_cached_tokens=usage.num_cached_tokens if usage else 0,
        num_completion_tokens=usage.num_completion_tokens if usage else 0,
        first_token_s=record.first_token_s,
        longest_gap_s=record.longest_gap_s,
    )


def route_of(path: str) -> str:
    short = re.sub(r"^/v1(?=/)", "", path.rstrip("/")) or "/"
    if short.startswith("/page/"):
        return "/page"
    if short in ROUTES:
        return short
    return "/models/{id}" if short.startswith("/models/") else "other"


def engine_figures(name: str, engine: Engine) -> EngineFigures:
    """What an engine says of itself; one that is not loaded, or does not answer, has zeros."""
    if engine.state != "ready":
        return EngineFigures(name, num_starts=engine.num_starts)
    figures = EngineFigures(
        name, num_starts=engine.num_starts, memory_bytes=resident_bytes(engine.pid), is_loaded=True
    )
    try:
        stats = engine.stats()
    except errors.LocalllmError:
        return figures
    return EngineFigures(
        model=name,
        num_running=stats.num_running,
        num_waiting=stats.num_waiting,
        kv_cells_used=stats.kv_cells_used,
        kv_cells=stats.kv_cells,
        num_starts=figures.num_starts,
        memory_bytes=figures.memory_bytes,
        is_loaded=True,
    )


def resident_bytes(pid: int | None) -> int:
    """What a process has in memory; 0 where it has ended."""
    with contextlib.suppress(psutil.Error):
        if pid is not None:
            return int(psutil.Process(pid).memory_info().rss)
    return 0
