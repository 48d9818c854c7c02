"""Real servers on free ports: over fake engines for most tests, over real ones where the whole path matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localllm.api.app import create_app
from localllm.api.server import Server
from localllm.api.serving import serving
from localllm.config import Config
from localllm.models.catalog import Catalog
from localllm.models.pool import Pool
from localllm.paths import Paths
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


@pytest.fixture(scope="session")
def real_models(tmp_path_factory: pytest.TempPathFactory, tiny_model_path: Path) -> Iterator[Pool]:
    """A pool over real engines: "tiny" runs four at once, "other" one at a time; their text never ends by itself."""
    folder = tmp_path_factory.mktemp("real")
    rows = (
        f"[[model]]\nid = \"{name}\"\nsource = '{tiny_model_path}'\nn_ctx = 4096\nn_parallel = {n_parallel}\n"
        f"n_batch = 32\nn_threads = 1\n"
        for name, n_parallel in (("tiny", 4), ("other", 1))
    )
    paths = Paths(data=folder, cache=folder / "cache", logs=folder / "logs")
    paths.catalog.write_text("".join(rows), encoding="utf-8")
    pool = Pool(Catalog(paths.catalog), paths)
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def real(real_models: Pool) -> Iterator[Client]:
    """A client of a server over the real engines."""
    with serving(real_models, Config(port=0, ping_interval_s=0.2), is_port_fixed=True, drain_s=0) as server:
        yield Client(f"http://127.0.0.1:{server.port}")
