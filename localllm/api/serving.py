"""A pool on the air: bind, serve, and end so that every request gets its answer or an error.

    with serving(pool, config, is_port_fixed=False) as server: …

Knows no signal and no terminal: those are the command's.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

from localllm import errors
from localllm.api.app import create_app
from localllm.api.page import QuitCallback
from localllm.api.request_log import WsgiApp
from localllm.api.server import Server, is_port_taken
from localllm.config import Config
from localllm.models.pool import Pool

PORTS_TRIED = 20
DRAIN_S = 10.0
SWITCH_S = (
    0.001  # a request needs the interpreter several times, and a thread that computes keeps it for so long
)
LAST_WORDS_S = 2.0  # for error events to reach the clients whose requests did not finish in time


@contextlib.contextmanager
def serving(
    pool: Pool,
    config: Config,
    *,
    is_port_fixed: bool,
    drain_s: float = DRAIN_S,
    on_quit: QuitCallback | None = None,
    instance_token: str = "",
) -> Iterator[Server]:
    """A running server. At the end running requests get `drain_s`, then an error; the pool is closed.

    is_port_fixed: a taken port is an error; otherwise the next free one is taken. on_quit: what the page's button for
    ending the program does; it has none without. instance_token: see create_app. Raises ConfigError.
    """
    app = create_app(pool, config, on_quit, instance_token)
    sys.setswitchinterval(SWITCH_S)
    server = bound_server(app, config, is_port_fixed=is_port_fixed)
    server.start()
    try:
        yield server
        server.drain(drain_s)
    finally:
        pool.close()
        server.drain(LAST_WORDS_S)
        server.stop()


def bound_server(app: WsgiApp, config: Config, *, is_port_fixed: bool) -> Server:
    """A server on the configured port, or on the next free one. Raises ConfigError."""
    num_tries = 1 if is_port_fixed or config.port == 0 else PORTS_TRIED
    for port in range(config.port, min(config.port + num_tries, 65536)):
        try:
            return Server(
                app,
                host=config.host,
                port=port,
                num_threads=config.num_http_threads,
                max_body_bytes=config.max_body_bytes,
            )
        except OSError as e:
            if not is_port_taken(e):
                raise errors.ConfigError(
                    f'"{config.host}" is no address to listen on here: {e.strerror or e}.'
                ) from e
    tried = (
        f"Port {config.port} is"
        if num_tries == 1
        else f"Ports {config.port} to {config.port + num_tries - 1} are"
    )
    raise errors.ConfigError(
        f"{tried} taken by another program, perhaps by another localllm. Choose one with --port, or 0 for any."
    )
