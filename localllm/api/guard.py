"""Who may come in: Host, cross-site requests, API key, content type, body size. Runs before every route.

    guard.install(app, config)

The order matters: the Host first (nothing is told to a rebound name), the preflight before the key (browsers send
none with it), the key before the body. Knows no model and no route.
"""

from __future__ import annotations

import hmac
import re

from flask import Flask, Response, request
from flask_cors import CORS

from localllm import errors
from localllm.api import origins
from localllm.config import Config

STATE_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
EXPOSED_HEADERS = ["x-request-id", "retry-after", "x-should-retry", "x-localllm-truncated"]
PUBLIC_PATHS = frozenset({"/health", "/v1/health", "/instance", "/"})
PUBLIC_FOLDERS = (
    "/page/js/",
    "/page/css/",
    "/page/i18n/",
    "/page/icons/",
)  # the page's files, the same for everybody
PREFLIGHT_S = 600


def install(app: Flask, config: Config) -> None:
    """Put every check before the app's routes."""
    patterns = origins.origin_patterns(config.cors_origins)
    app.config["MAX_CONTENT_LENGTH"] = config.max_body_bytes

    @app.before_request
    def guard() -> Response | None:
        check_host(config.allowed_hosts)
        if request.method == "OPTIONS":
            return Response(status=204)  # flask-cors adds what the origin may do
        check_origin(patterns)
        if not is_public(request.path):
            check_key(config.api_key)
        check_body(config.max_body_bytes)
        return None

    CORS(
        app,
        origins=patterns,
        expose_headers=EXPOSED_HEADERS,
        max_age=PREFLIGHT_S,
        always_send=False,
    )


def is_public(path: str) -> bool:
    """True for what needs no key: it tells nothing of this computer."""
    return path in PUBLIC_PATHS or path.startswith(PUBLIC_FOLDERS)


def check_host(allowed: tuple[str, ...]) -> None:
    """Refuse names that are not this machine's: a web page may have pointed its own name here."""
    host = request.environ.get("HTTP_HOST")
    if host is None or origins.is_own_host(host, allowed):
        return
    raise errors.Forbidden(
        f'This server does not answer to the host name "{host}". Use localhost or an IP address, or add the name to '
        "allowed_hosts in settings.toml.",
        code="host_not_allowed",
    )


def check_origin(patterns: list[re.Pattern[str]]) -> None:
    """Refuse state changes that a foreign web page asks for."""
    if request.method not in STATE_CHANGING:
        return
    origin = request.headers.get("Origin")
    if origin is not None:
        if _is_same_origin(origin) or origins.is_allowed_origin(origin, patterns):
            return
    elif request.headers.get("Sec-Fetch-Site", "none") != "cross-site":
        return
    raise errors.Forbidden(
        f"A web page from {origin or 'another site'} may not use this server. If you trust it, add its origin to "
        "cors_origins in settings.toml.",
        code="origin_not_allowed",
    )


def _is_same_origin(origin: str) -> bool:
    """The page was served by this very address (the Host was checked before)."""
    return origin.lower() == f"{request.scheme}://{request.headers.get('Host', '')}".lower()


def check_key(api_key: str | None) -> None:
    """With a configured key, it must come as `Authorization: Bearer` or `x-api-key`; without one, anything passes."""
    if has_key(api_key):
        return
    problem = "The API key is wrong" if _given_key() else "An API key is needed"
    raise errors.Unauthorized(
        f"{problem}. Send it as `Authorization: Bearer KEY`; `localllm paths` shows the file it is kept in."
    )


def has_key(api_key: str | None) -> bool:
    """True where the request may be told everything: it has the key, or none is configured."""
    if not api_key:
        return True
    given = _given_key()
    return given is not None and hmac.compare_digest(given.encode(), api_key.encode())


def _given_key() -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.headers.get("x-api-key")


def check_body(max_body_bytes: int) -> None:
    """JSON only: forms and plain text are what other sites can send without asking."""
    if request.method not in STATE_CHANGING:
        return
    length = request.content_length
    if length is not None and length > max_body_bytes:
        raise errors.BodyTooLarge(
            f"The request body has {length:,} bytes; at most {max_body_bytes:,} are taken. Send less, or raise "
            "max_body_bytes in settings.toml."
        )
    if length == 0 or (length is None and not request.headers.get("Transfer-Encoding")):
        return
    if not request.is_json:
        sent = request.mimetype or "none"
        raise errors.UnsupportedMediaType(
            f'The content type must be application/json, not {sent}. Add the header "Content-Type: application/json".'
        )
