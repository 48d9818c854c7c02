"""POST /models and DELETE /models in llama.cpp's shapes: download a model in the background, delete a download.

The progress is told by GET /models/sse (model_control.py) and by GET /models/downloads. Knows no hub.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, request

from localllm import errors
from localllm.api import fields
from localllm.api.envelope import json_response
from localllm.api.job import Services
from localllm.models.pull import Progress, Pull
from localllm.models.pulls import Pulls
from localllm.models.removal import delete, downloaded_files, unfinished_files

ENDED = {"done": "download_finished", "failed": "download_failed", "cancelled": "download_failed"}


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("downloads", __name__)

    @routes.post("/models")
    def download() -> Response:
        name = fields.json_body().text("model")
        if not name:
            raise errors.InvalidRequest(
                "`model` is missing; it is a model's id, or owner/repo:Q4_K_M on the hub.", param="model"
            )
        try:
            entry = _pulls(services).start(name)
        except errors.CatalogError as e:  # it is the request that says something impossible, not the catalog
            raise errors.InvalidRequest(e.message, param="model", code=e.code) from e
        return json_response({"success": True, "model": entry.id})

    @routes.delete("/models")
    def remove() -> Response:
        entry = services.pool.catalog.find(request.args.get("model", ""))
        if services.pulls is not None:
            services.pulls.cancel(entry.id)
        where = (entry, services.pool.catalog, services.pool.paths)
        files = [*downloaded_files(*where), *unfinished_files(*where)]
        if not files:
            raise errors.InvalidRequest(
                f'There is no download of the model "{entry.id}" to delete.', param="model"
            )
        services.pool.unload(entry.id)
        return json_response({"success": True, "bytes": delete(files)})

    @routes.post("/models/downloads/pause")
    def pause() -> Response:
        return _changed(_pulls(services).pause, "running")

    @routes.post("/models/downloads/resume")
    def resume() -> Response:
        return _changed(_pulls(services).resume, "paused")

    @routes.get("/models/downloads")
    def list_downloads() -> Response:
        pulls = _pulls(services).all()
        return json_response(
            {"downloads": [progress_body(model_id, pull) for model_id, pull in pulls.items()]}
        )

    return routes


def _changed(change: Callable[[str], bool], state: str) -> Response:
    """Pause or resume the download that the body names. Raises InvalidRequest where there is none in this state."""
    name = fields.json_body().text("model") or ""
    if not change(name):
        raise errors.InvalidRequest(f'No download of the model "{name}" is {state}.', param="model")
    return json_response({"success": True})


def progress_body(model_id: str, pull: Pull) -> dict[str, Any]:
    """How far a download is, in bytes and seconds; `error` says why it ended, where it failed."""
    progress = pull.progress
    return {"model": model_id, **vars(progress)}


def download_events(
    seen: Mapping[str, Progress], now: Mapping[str, Progress], pulls: Mapping[str, Pull]
) -> Iterator[dict[str, Any]]:
    """What has changed from `seen` to `now`, as llama.cpp tells it on /models/sse."""
    for model_id, progress in now.items():
        before = seen.get(model_id)
        if before is not None and (before.state, before.done_bytes) == (progress.state, progress.done_bytes):
            continue
        files = {pulls[model_id].source.uri: {"done": progress.done_bytes, "total": progress.total_bytes}}
        yield {"model": model_id, "event": "download_progress", "data": files}
        if progress.state in ENDED:
            error = {"error": progress.error or "It was cancelled."} if progress.state != "done" else {}
            yield {"model": model_id, "event": ENDED[progress.state], "data": error}


def _pulls(services: Services) -> Pulls:
    if services.pulls is None:
        raise errors.NotFound("This server downloads nothing.")
    return services.pulls
