"""An app that forwards to stand-ins, and what starts both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localllm.api.app import create_app
from localllm.api.server import Server
from localllm.config import Config
from localllm.models.catalog import Catalog
from localllm.models.pool import Pool
from localllm.paths import Paths
from tests.api.http import Client
from tests.upstream.standin import Answer, StandIn

StartStandIn = Callable[..., StandIn]
Forward = Callable[..., Client]


@pytest.fixture
def stand_in() -> Iterator[StartStandIn]:
    """Starts a server that answers so."""
    started: list[StandIn] = []

    def start(answer: Answer, port: int = 0) -> StandIn:
        started.append(StandIn(answer, port))
        return started[-1]

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def forward(tmp_path: Path) -> Iterator[Forward]:
    """Starts an app whose model "guide" is forwarded to these addresses; gives a client of it.

    The app's pool is `client.pool`.
    """
    stops: list[Callable[[], None]] = []

    def start(*urls: str, upstream: str = "", entry: str = "", **settings: object) -> Client:
        folder = tmp_path / str(len(stops))
        folder.mkdir()
        paths = Paths(data=folder, cache=folder / "cache", logs=folder / "logs")
        listed = ", ".join(f'"{url}"' for url in urls)
        row = f'[[model]]\nid = "guide"\n{entry}\nupstream = {{ base_urls = [{listed}]{upstream} }}\n'
        paths.catalog.write_text(row, encoding="utf-8")
        pool = Pool(Catalog(paths.catalog), paths)
        assert pool.catalog.error is None
        config = Config(**{"ping_interval_s": 0.2, "num_http_threads": 16, **settings})  # type: ignore[arg-type]
        server = Server(
            create_app(pool, config),
            host="127.0.0.1",
            port=0,
            num_threads=config.num_http_threads,
            max_body_bytes=config.max_body_bytes,
        )
        server.start()
        stops.extend([server.stop, pool.close])
        client = Client(f"http://127.0.0.1:{server.port}")
        client.pool = pool  # type: ignore[attr-defined]
        return client

    yield start
    for stop in stops:
        stop()
