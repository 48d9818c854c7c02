"""GET and POST /page/found: models that other programs have on this computer, and their way into the catalog."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Blueprint, Response

from localllm import errors
from localllm.api import fields
from localllm.api.envelope import json_response
from localllm.api.job import Services
from localllm.models.catalog import Catalog
from localllm.models.discover import Found, find_models
from localllm.models.own_file import entry_of_file


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("page_found", __name__)
    catalog = services.pool.catalog

    @routes.get("/page/found")
    def show() -> Response:
        known = {Path(entry.source) for entry in catalog.entries}
        rows = [
            {
                "program": found.program,
                "name": found.name,
                "path": str(found.path),
                "size_bytes": found.size_bytes,
                "is_known": found.path in known,
            }
            for found in find_models()
        ]
        return json_response({"found": rows})

    @routes.post("/page/found")
    def use() -> Response:
        path = fields.json_body().text("path")
        found = next((model for model in find_models() if str(model.path) == path), None)
        if found is None:
            raise errors.InvalidRequest(
                "This file is not among the models that were found. For any other file use `localllm add`.",
                param="path",
            )
        entry, _ = entry_of_file(found.path, free_id(found, catalog))
        catalog.add(entry)
        return json_response({"success": True, "model": entry.id})

    return routes


def free_id(found: Found, catalog: Catalog) -> str:
    """An id from what the other program calls it: "llama3.2-3b", or with a number where that is taken."""
    name = found.name.rsplit("/", 1)[-1].removesuffix(".gguf")
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._").lower()[:100] or "model"
    taken = {known for entry in catalog.entries for known in entry.names}
    numbered = (f"{stem}-{number}" for number in range(2, len(taken) + 3))
    return stem if stem not in taken else next(each for each in numbered if each not in taken)
