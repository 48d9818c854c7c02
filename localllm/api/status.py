"""GET /health: what is there and what is loaded. Never waits for an engine.

Everybody may ask whether the server answers; what is on this computer is told to those who have the key.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from localllm import __version__, facts
from localllm.api import guard
from localllm.api.envelope import json_response
from localllm.api.job import Services
from localllm.models.place import Loaded


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("status", __name__)

    @routes.get("/health")
    def health() -> Response:
        is_known = guard.has_key(services.config.api_key)
        return json_response(health_body(services) if is_known else {"status": "ok", "server": facts.PRODUCT})

    return routes


def health_body(services: Services) -> dict[str, Any]:
    """`status` stays "ok" as long as requests are answered; a broken catalog or engine is told beside it."""
    return {
        "status": "ok",
        "version": __version__,
        "catalog_error": services.pool.catalog.error,
        "models": [{"id": entry.id, "status": status} for entry, status in services.pool.statuses()],
        "loaded": [_loaded_body(loaded) for loaded in services.pool.loaded()],
    }


def _loaded_body(loaded: Loaded) -> dict[str, Any]:
    """What `localllm ps` shows of a model in memory; the entry is left out, because it may name private paths."""
    fields = {name: value for name, value in vars(loaded).items() if name != "entry"}
    return {"id": loaded.entry.id, "name": loaded.entry.display_name, "pinned": loaded.entry.pinned, **fields}
