"""What went wrong lately, for the page, and GET /page/log: the last lines of an engine's log.

Listens to the program's own log, so whatever is logged as a warning or worse is shown. Requests' texts are never
logged, so they are not here either.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, request

from localllm.api.envelope import json_response
from localllm.api.job import Services
from localllm.log_tail import tail
from localllm.models.entry import file_name

KEPT = 50
LOG_BYTES = 64 * 1024


class RecentErrors(logging.Handler):
    """The last warnings and errors, newest first in `shown`."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._kept: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            message = f"{message}: {record.exc_info[1]!r}"
        self._kept.append({"time": record.created, "level": record.levelname.lower(), "message": message})

    def shown(self) -> list[dict[str, Any]]:
        return list(reversed(self._kept))


_recent = RecentErrors()


def recent_errors() -> RecentErrors:
    """The program's one listener: there is one log, however many apps."""
    logging.getLogger("localllm").addHandler(_recent)  # adding it twice is adding it once
    return _recent


def with_models(shown: Iterable[dict[str, Any]], services: Services) -> list[dict[str, Any]]:
    """The errors; those whose message names a model with a log have its id as `model`, for GET /page/log."""
    ids = [entry.id for entry in services.pool.catalog.entries]
    return [_with_model(error, ids, services) for error in shown]


def _with_model(error: dict[str, Any], ids: list[str], services: Services) -> dict[str, Any]:
    """Messages put a model's id in quotes, so that "a" is not found in "ab"."""
    message = error["message"]
    for model_id in ids:
        is_named = f'"{model_id}"' in message or f"'{model_id}'" in message
        if is_named and log_path(services, model_id).is_file():
            return error | {"model": model_id}
    return error


def log_path(services: Services, model_id: str) -> Path:
    """Where the engine of a model writes what llama.cpp says."""
    return services.pool.paths.logs / f"engine-{file_name(model_id)}.log"


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("page_errors", __name__)

    @routes.get("/page/log")
    def log() -> Response:
        entry = services.pool.catalog.find(request.args.get("model", ""))
        path = log_path(services, entry.id)
        return json_response({"model": entry.id, "path": str(path), "text": tail(path, LOG_BYTES)})

    return routes
