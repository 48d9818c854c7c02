"""GET /debug/prefixes: why prompts were computed instead of taken from the prefix cache. For people who tune clients.

    curl 'localhost:5757/debug/prefixes?model=guide'

The rows hold a few tokens of prompts, so the endpoint needs the key like every other, and nothing of it is logged.
"""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request

from localllm.api import reply
from localllm.api.envelope import json_response
from localllm.api.job import Services


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("debug", __name__)

    @routes.get("/debug/prefixes")
    def prefixes() -> Response:
        name = reply.model_name(request.args.get("model"), services)
        entry = services.pool.catalog.find(name)
        engine = services.pool.engines().get(entry.id)
        reports = engine.prefix_report() if engine is not None and engine.state == "ready" else []
        return json_response({"model": entry.id, "requests": msgspec.to_builtins(reports)})

    return routes
