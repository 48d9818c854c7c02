"""A real server on a free port, over fake engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localllm.api.app import create_app
from localllm.api.server import Server
from localllm.config import Config
from tests.api.fakes import FakeEngine, FakeModels
from tests.api.http import Client

Serve = Callable[..., Client]


@pytest.fixture
def models(tmp_path: Path) -> Iterator[FakeModels]:
    """Two models, "guide" and "other", that say what a test wants."""
    models = FakeModels(tmp_path)
    yield models
    models.pool.close()


@pytest.fixture
def engine(models: FakeModels) -> FakeEngine:
    """The engine of "guide"."""
    return models.engines["guide"]


@pytest.fixture
def serve(models: FakeModels) -> Iterator[Serve]:
    """Starts a server with these settings, and gives a client of it."""
    servers = []

    def start(**settings: object) -> Client:
        config = Config(**{"ping_interval_s": 0.1, "num_http_threads": 16, **settings})  # type: ignore[arg-type]
        app = create_app(models.pool, config)
        server = Server(
            app,
            host="127.0.0.1",
            port=0,
            num_threads=config.num_http_threads,
            max_body_bytes=config.max_body_bytes,
        )
        server.start()
        servers.append(server)
        return Client(f"http://127.0.0.1:{server.port}")

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def client(serve: Serve) -> Client:
    """A client of a server with the default settings."""
    return serve()
