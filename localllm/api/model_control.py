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
from localllm.api.envelope import json_response
from localllm.api.job import Admission, Services
from localllm.models.pool import Pool

LOOK_EVERY_S = 0.2
MAX_WATCHERS = 8  # each holds one of the threads that are kept for what never generates


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("model_control", __name__)
    watchers = Admission(MAX_WATCHERS)

    @routes.post("/models/load")
    def load() -> Response:
        start_load(services.pool, _model_id(services))
        return json_response({"success": True})

    @routes.post("/models/unload")
    def unload() -> Response:
        model_id = _model_id(services)
        if not services.pool.unload(model_id):
            raise errors.InvalidRequest(f'The model "{model_id}" is not loaded.', param="model")
        return json_response({"success": True})

    @routes.get("/models/sse")
    def watch() -> Response:
        watchers.enter()
        interval_s = services.config.ping_interval_s
        return sse.respond(changes(services.pool), watchers.leave, ping_interval_s=interval_s)

    return routes


def _model_id(services: Services) -> str:
    """The id of the model that the body names. Raises ModelNotFound."""
    name = fields.json_body().text("model")
    if not name:
        raise errors.InvalidRequest("`model` is missing; it is the id of a model.", param="model")
    return services.pool.catalog.find(name).id


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


def changes(pool: Pool) -> sse.Source:
    """Endless: first every model that is not unloaded, then each change of a state and of the list."""
    seen: dict[str, dict[str, Any]] = {}
    while True:
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
