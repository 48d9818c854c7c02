"""`localllm serve`: run the server until Ctrl-C, SIGTERM or the page's Quit.

The first signal lets running requests finish, the second one ends at once. `run` is what the double-click
(launch.py) does as well. Knows no HTTP.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import click

from localllm import __version__, errors, facts
from localllm.api.key import with_key
from localllm.api.server import Server
from localllm.api.serving import serving
from localllm.config import Config, load_config
from localllm.desktop.instance import Claim, claimed
from localllm.engine.engine import Engine
from localllm.models.catalog import Catalog
from localllm.models.pool import Pool
from localllm.paths import Paths, user_paths

log = logging.getLogger(__name__)

M_ARENA_MAX = -8  # in malloc.h


@click.command()
@click.option("--host", help=f"Address to listen on; {facts.DEFAULT_HOST} is this machine only.")
@click.option(
    "--port", type=int, help=f"Port to listen on; {facts.DEFAULT_PORT}, or the next free one. 0: any."
)
@click.option("--model", help="The model that answers requests which name none; it is loaded at once.")
@click.option("--api-key", help="Clients must send this key. Needed, and made up, beyond this machine.")
@click.option(
    "--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="How much to say."
)
@click.option("--json", "as_json", is_flag=True, help="Print the address as one line of JSON.")
def command(as_json: bool, **options: Any) -> None:
    """Serve the models to OpenAI clients."""
    serve(options, as_json=as_json)


def serve(options: dict[str, Any], *, as_json: bool = False) -> None:
    """Serve until a signal comes. Raises LocalllmError where it cannot start."""
    paths = user_paths()
    config = with_key(load_config(paths, options), paths)
    _log_to_stderr(config)

    def on_ready(server: Server, pool: Pool) -> None:
        say_where(server, config, pool, paths, as_json=as_json)

    with claimed(paths.data) as claim:
        is_port_fixed = options.get("port") is not None
        run(paths, config, claim, on_ready, is_port_fixed=is_port_fixed, is_quiet=as_json)


def run(
    paths: Paths,
    config: Config,
    claim: Claim | None,
    on_ready: Callable[[Server, Pool], None],
    *,
    is_port_fixed: bool = False,
    is_quiet: bool = False,
) -> None:
    """Serve until a signal comes or the page says Quit. claim: where a second start shall find this one.

    on_ready is called once it listens, and may take its time. Raises LocalllmError where it cannot start.
    """
    _share_one_heap()
    pool = Pool(
        Catalog(paths.catalog),
        paths,
        partial(Engine, silence_limit_s=config.engine_timeout_s),
        keep_alive=config.keep_alive,
        memory_limit_bytes=config.memory_limit_bytes or None,
    )
    if config.model is not None:
        _preload(pool, config.model)
    stopped = _signals()
    with serving(
        pool,
        config,
        is_port_fixed=is_port_fixed,
        drain_s=config.drain_s,
        on_quit=stopped.set,
        instance_token=claim.token if claim else "",
    ) as server:
        if claim:
            _announce(claim, server)
        on_ready(server, pool)
        while not stopped.wait(0.5):  # a wait without a limit cannot be interrupted on Windows
            pass
        if not is_quiet:
            click.echo("Stopping: running requests may finish. Ctrl-C again ends at once.", err=True)


def _share_one_heap() -> None:
    """Linux' malloc gives threads heaps of their own, which among eighty threads grow for hours and never shrink."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # musl has no mallopt
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def _announce(claim: Claim, server: Server) -> None:
    try:
        claim.announce(server.port, server.url)
    except OSError as e:
        log.warning("A second start will not find this one: %s.", e)


def _preload(pool: Pool, model: str) -> None:
    """Begin to load in the background; what goes wrong is told by the log and by the requests."""
    if pool.catalog.find(model).is_forwarded:
        return

    def load() -> None:
        try:
            pool.get(model)
        except errors.LocalllmError as e:
            log.error("%s", e.message)

    threading.Thread(target=load, name="preload", daemon=True).start()


def _signals() -> threading.Event:
    """Set by the first SIGINT or SIGTERM; the second one raises KeyboardInterrupt."""
    stopped = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        if stopped.is_set():
            raise KeyboardInterrupt
        stopped.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    return stopped


def say_where(server: Server, config: Config, pool: Pool, paths: Paths, *, as_json: bool = False) -> None:
    base_url = f"{server.url}/v1"
    if as_json:
        click.echo(
            json.dumps({"url": server.url, "base_url": base_url, "port": server.port, "pid": os.getpid()})
        )
        return
    if server.port != config.port and config.port:
        click.echo(f"Port {config.port} is taken by another program, so this is port {server.port}.")
    click.echo(f"localllm {__version__} is running at {server.url}")
    click.echo(f"  API base URL  {base_url}")
    if config.api_key:
        click.echo(f"  API key       {config.api_key}")
    else:
        click.echo("  API key       none needed; where a client insists, type anything")
    click.echo(f"  Models        {', '.join(entry.id for entry, _ in pool.statuses())}")
    click.echo(f"  Catalog       {paths.catalog}")
    if pool.catalog.error:
        click.echo(f"  Note          {pool.catalog.error}")
    click.echo("Stop with Ctrl-C.")
    sys.stdout.flush()


def _log_to_stderr(config: Config) -> None:
    level = getattr(logging, config.log_level.upper())
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("waitress").setLevel(max(level, logging.WARNING))
