"""GET / and /page/…: the built-in page and its files, under a strict Content-Security-Policy; POST /quit.

The page holds nothing private (it asks the API for everything, with the key where one is needed), so its files are
public. What it must know before it can ask anything stands in one `<meta>` tag. Knows no model.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape

import msgspec
from flask import Blueprint, Response, request, send_from_directory

from localllm import __version__, errors, facts
from localllm.api.envelope import json_response
from localllm.api.job import Services
from localllm.paths import PACKAGE_DIR

WEB_DIR = PACKAGE_DIR / "web"
MIME_TYPES = {  # said here, because Windows' registry may call a script text/plain
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # asked again each time, so that an update of localllm is one of the page too
}
QuitCallback = Callable[[], None]


def blueprint(services: Services, on_quit: QuitCallback | None = None) -> Blueprint:
    """on_quit: ends the program; without one the page shows no button for it."""
    routes = Blueprint("page", __name__)
    before_anything = {
        "version": __version__,
        "needs_key": bool(services.config.api_key),
        "can_quit": on_quit is not None,
        "guide": facts.GUIDE,
    }

    @routes.get("/")
    def page() -> Response:
        html = (WEB_DIR / "index.html").read_text(encoding="utf-8")
        told = escape(msgspec.json.encode(before_anything).decode())
        html = html.replace("{{told}}", told).replace("{{origin}}", escape(request.host_url.rstrip("/")))
        return Response(html, headers=HEADERS, mimetype="text/html")

    @routes.get("/page/<path:name>")
    def file(name: str) -> Response:
        suffix = name[name.rfind(".") :]
        if suffix not in MIME_TYPES or not (WEB_DIR / name).is_file():
            raise errors.NotFound(f"The page has no file {name}.", code="unknown_route")
        response = send_from_directory(WEB_DIR, name, mimetype=MIME_TYPES[suffix])
        response.headers.update(HEADERS)
        return response

    @routes.post("/quit")
    def quit_program() -> Response:
        if on_quit is None:
            raise errors.Forbidden(
                "This server was not started to be ended from the page. End it where it was started.",
                code="cannot_quit",
            )
        on_quit()
        return json_response({"success": True})

    return routes
