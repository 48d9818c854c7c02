"""POST /models/load and /models/unload, GET /models/sse, in llama.cpp's shapes: Open WebUI's model management.

States are looked at a few times a second, because engines change them from processes of their own. Knows no engine.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response

from localllm import errors
from localllm.api import fields, sse
from localllm.api.downloads import download_events
from localllm.api.envelope import json_response
from localllm.api.job import Admission, Services
from localllm.models.pool import Pool
from localllm.models.pull import Progress
from localllm.models.pulls import Pulls

LOOK_EVERY_S = 0.2
MAX_WATCHERS = 8  # each holds one of the threads that are kept for what never generates


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("model_control", __name__)
    watchers = Admission(MAX_WATCHERS)

    @routes.post("/models/load")
    def load() -> Response:
        start_load(services.pool, services.pool.catalog.find(_model_name()).id)
        return json_response({"success": True})

    @routes.post("/models/unload")
    def unload() -> Response:
        name = _model_name()
        if services.pulls is not None and services.pulls.cancel(name):
            return json_response({"success": True})
        model_id = services.pool.catalog.find(name).id
        if not services.pool.unload(model_id):
            raise errors.InvalidRequest(f'The model "{model_id}" is not loaded.', param="model")
        return json_response({"success": True})

    @routes.get("/models/sse")
    def watch() -> Response:
        watchers.enter()
        interval_s = services.config.ping_interval_s
        return sse.respond(changes(services.pool, services.pulls), watchers.leave, ping_interval_s=interval_s)

    return routes


def _model_name() -> str:
    """What the body calls the model. Raises InvalidRequest."""
    name = fields.json_body().text("model")
    if not name:
        raise errors.InvalidRequest("`model` is missing; it is the id of a model.", param="model")
    return name


class _HasBegun(Exception):
    """The load is under way; nobody needs to wait for it."""


def start_load(pool: Pool, model_id: str) -> None:
    """Begin to load, and return. Raises what can be said at once: no file, too big for this machine."""

    def do_not_wait() -> None:
        raise _HasBegun

    try:
        pool.get(model_id, poll=do_not_wait)
    except _HasBegun:
        return


def changes(pool: Pool, pulls: Pulls | None = None) -> sse.Source:
    """Endless: first every model that is not unloaded, then each change of a state, of the list and of a download."""
    seen: dict[str, dict[str, Any]] = {}
    downloads: dict[str, Progress] = {}
    while True:
        if pulls is not None:
            known = pulls.all()
            progress = {model_id: pull.progress for model_id, pull in known.items()}
            yield from download_events(downloads, progress, known)
            downloads = progress
        now = {entry.id: _data(pool, entry.id, status) for entry, status in pool.statuses()}
        if seen and now.keys() != seen.keys():
            yield {"model": "*", "event": "models_reload"}
        yield from _events(seen, now)
        seen = now
        yield None
        time.sleep(LOOK_EVERY_S)


def _events(seen: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for model_id, data in now.items():
        if data != seen.get(model_id, {"status": "unloaded"}):
            yield {"model": model_id, "event": "model_status", "data": data}


def _data(pool: Pool, model_id: str, status: str) -> dict[str, Any]:
    if status == "loading":
        progress = {
            "stages": ["text_model"],
            "current": "text_model",
            "value": round(pool.progress(model_id), 2),
        }
        return {"status": "loading", "progress": progress}
    if status == "failed":
        return {"status": "unloaded", "failed": True}
    return {"status": status}
