"""GET /health and the plain page at `/`: what is loaded, and how to connect. Never waits for an engine."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Any

from flask import Blueprint, Response, request

from localllm import __version__, facts
from localllm.api.envelope import json_response
from localllm.api.job import Services
from localllm.models.place import Loaded

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .8rem .3rem 0}"
    "pre{overflow-x:auto;padding:.8rem;border:1px solid;border-radius:.4rem}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
PAGE_HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>localllm</title><style>{style}</style></head><body>
<h1>localllm {version}</h1>
<p>The server runs. Connect any OpenAI client with the base URL <code>{base_url}</code>; {key}</p>
{error}<h2>Models</h2><table><tr><th>Id</th><th>Name</th><th>State</th></tr>{rows}</table>
<h2>Try it</h2>
<pre>curl -N {base_url}/chat/completions -H "Content-Type: application/json" \\
  -d '{{"model":"{model}","messages":[{{"role":"user","content":"Hello"}}],"stream":true}}'</pre>
</body></html>
"""


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("status", __name__)

    @routes.get("/health")
    def health() -> Response:
        return json_response(health_body(services))

    return routes


def page_blueprint(services: Services) -> Blueprint:
    routes = Blueprint("page", __name__)

    @routes.get("/")
    def page() -> Response:
        return Response(page_html(services, request.host_url), headers=PAGE_HEADERS, mimetype="text/html")

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


def page_html(services: Services, host_url: str) -> str:
    statuses = services.pool.statuses()
    rows = "".join(
        f"<tr><td><code>{escape(entry.id)}</code></td><td>{escape(entry.display_name)}</td><td>{status}</td></tr>"
        for entry, status in statuses
    )
    error = services.pool.catalog.error
    return PAGE.format(
        style=STYLE,
        version=__version__,
        base_url=escape(host_url.rstrip("/") + "/v1"),
        key="it needs the API key." if services.config.api_key else "any API key will do.",
        error=f"<p><strong>{escape(error)}</strong></p>" if error else "",
        rows=rows,
        model=escape(statuses[0][0].id if statuses else facts.GUIDE),
    )
