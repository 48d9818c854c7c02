"""GET /v1/models and /v1/models/{id}: from the catalog, in milliseconds, whatever the engines do."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from localllm.api.envelope import json_response
from localllm.api.job import Services
from localllm.models.entry import Entry
from localllm.models.place import Status

CREATED = 1_700_000_000  # the list must not change by itself: clients compare entries


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("models", __name__)

    @routes.get("/models")
    def list_models() -> Response:
        data = [model_body(entry, entry.id, status) for entry, status in services.pool.statuses()]
        body: dict[str, Any] = {"object": "list", "data": data}
        if "client_version" in request.args:
            body["models"] = []  # Codex asks so, and wants the key
        return json_response(body)

    @routes.get("/models/<path:model_id>")
    def get_model(model_id: str) -> Response:
        model_id = model_id.rstrip("/")
        entry = services.pool.catalog.find(model_id)
        return json_response(model_body(entry, model_id, services.pool.status(entry.id)))

    return routes


def model_body(entry: Entry, model_id: str, status: Status) -> dict[str, Any]:
    """One model. No key that Open WebUI takes for its own (info, pipeline, preset, …); `status` as llama.cpp has it."""
    return {
        "id": model_id,
        "object": "model",
        "created": CREATED,
        "owned_by": "localllm",
        "name": entry.display_name,
        "status": status_body(status),
        "meta": {"description": entry.description, "kind": entry.kind, "aliases": list(entry.aliases)},
    }


def status_body(status: Status) -> dict[str, Any]:
    """`value` is one of loaded, loading, unloaded; a failed load is an unloaded model that says so."""
    if status == "failed":
        return {"value": "unloaded", "failed": True}
    return {"value": status}
