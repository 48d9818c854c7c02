"""Talks to the localllm that runs on this computer, over HTTP like everybody else."""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.error
import urllib.request
from typing import Any

from localllm import errors, facts
from localllm.config import load_config
from localllm.desktop import instance
from localllm.paths import user_paths

ANSWER_TIMEOUT_S = 2.0
WORK_TIMEOUT_S = 30.0
LOOPBACK = "127.0.0.1"
UNKNOWN_VERSION = "of another key"
HEALTH_OF_STRANGERS = {"status": "ok", "server": facts.PRODUCT}
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def url_of(port: int | None = None) -> str:
    """Where this person's server is: where it runs, else where the settings would put it."""
    config = load_config(user_paths())
    port = port or port_here()
    host = _WILDCARDS.get(config.host, config.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port or config.port}"


def port_here() -> int | None:
    """The port that the running instance wrote down; it may not be the settings', where that one was taken."""
    running = instance.find(user_paths().data)
    return running.port if running is not None else None


def ask(path: str, body: dict[str, Any] | None = None, *, port: int | None = None) -> Any:
    """GET (or POST the body) and give the JSON answer. Raises NotReady where nobody runs, and the server's errors."""
    base = url_of(port)
    headers = {"Content-Type": "application/json"}
    if key := known_key():
        headers["Authorization"] = f"Bearer {key}"
    data = None if body is None else json.dumps(body).encode()
    try:
        return _send(urllib.request.Request(base + path, data=data, headers=headers), WORK_TIMEOUT_S)
    except urllib.error.HTTPError as e:
        raise errors.LocalllmError(_message(e)) from e
    except (OSError, ValueError, http.client.HTTPException) as e:
        raise errors.NotReady(f"No localllm answers at {base}. Start it with `{facts.SERVE}`.") from e


def known_key() -> str | None:
    """The API key: the settings' own, or the one that `serve` made for listening beyond this computer."""
    paths = user_paths()
    try:
        return load_config(paths).api_key or paths.api_key.read_text(encoding="utf-8").strip() or None
    except OSError:
        return None


def running_version(port: int, host: str = LOOPBACK) -> str | None:
    """The version of the localllm that answers at the address, or None where something else does, or nobody.

    One that has another key than is known here tells nobody its version: UNKNOWN_VERSION. Nor does one at another
    address than loopback, because the key is not sent there: whose address that is, is not known yet.
    """
    address = f"[{host}]" if ":" in host else host
    request = urllib.request.Request(f"http://{address}:{port}{facts.HEALTH}")
    with contextlib.suppress(errors.ConfigError):  # settings that cannot be read hold no key
        if host == LOOPBACK and (key := known_key()):
            request.add_header("Authorization", f"Bearer {key}")
    try:
        body = _send(request, ANSWER_TIMEOUT_S)
    except (OSError, ValueError, http.client.HTTPException):  # the last: what answers is no HTTP server
        return None
    if body == HEALTH_OF_STRANGERS:
        return UNKNOWN_VERSION
    return str(body["version"]) if isinstance(body, dict) and {"version", "models"} <= body.keys() else None


def _send(request: urllib.request.Request, timeout_s: float) -> Any:
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({})
    )  # a proxy does not know this computer
    with opener.open(request, timeout=timeout_s) as response:
        return json.load(response)


def _message(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"The server answered with HTTP {error.code}."
