"""Servers to check: ours over real engines, and ours with one thing broken on its way out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localllm.api.app import create_app
from localllm.api.server import Server
from localllm.api.serving import serving
from localllm.config import Config
from localllm.models.catalog import Catalog
from localllm.models.pool import Pool
from localllm.paths import Paths
from tests.api.fakes import FakeModels, Item

KEY = "sk-check"
CALL = ("<tool_call>", '{"name": "get_weather", ', '"arguments": {"city": "Bern"}}', "</tool_call>")
Break = Callable[[dict[str, Any], str, dict[str, str], bytes], tuple[str, dict[str, str], bytes]]


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory, tiny_model_path: Path) -> Iterator[str]:
    """The address of our own server, with a key and a real engine."""
    folder = tmp_path_factory.mktemp("ours")
    paths = Paths(data=folder, cache=folder / "cache", logs=folder / "logs")
    row = f"[[model]]\nid = \"tiny\"\nsource = '{tiny_model_path}'\nn_ctx = 4096\nn_parallel = 4\nn_threads = 1\n"
    paths.catalog.write_text(row, encoding="utf-8")
    pool = Pool(Catalog(paths.catalog), paths)
    with serving(pool, Config(port=0, api_key=KEY), is_port_fixed=True, drain_s=0) as server:
        yield f"http://127.0.0.1:{server.port}"


class Broken:
    """WSGI middleware that lets a test spoil every response: (environ, status, headers, body) → another one."""

    def __init__(self, app: Any, spoil: Break) -> None:
        self._app = app
        self._spoil = spoil

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        said: list[Any] = []
        body = self._app(environ, lambda status, headers, *_: said.extend([status, headers]))
        try:
            content = b"".join(body)
        finally:
            close = getattr(body, "close", lambda: None)
            close()
        headers = {name.lower(): value for name, value in said[1]}
        status, headers, content = self._spoil(environ, said[0], headers, content)
        headers["content-length"] = str(len(content))
        start_response(status, list(headers.items()))
        return [content]


def with_calls(prompt: object, params: object) -> list[Item]:
    """A script for a fake engine: a call where the check's tool is offered, and a greeting otherwise."""
    return list(CALL) if "get_weather" in str(prompt) else ["Hello", " there", "."]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of our server over fake engines, nothing spoiled, with a key."""
    models = FakeModels(tmp_path_factory.mktemp("good"))
    models.engines["guide"].script = with_calls
    config = Config(num_http_threads=8, api_key=KEY)
    app = create_app(models.pool, config)
    server = Server(app, host="127.0.0.1", port=0, num_threads=8, max_body_bytes=config.max_body_bytes)
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()
    models.pool.close()


@pytest.fixture
def broken(tmp_path: Path) -> Iterator[Callable[[Break], str]]:
    """Starts our server over fake engines with this fault; gives its address."""
    models = FakeModels(tmp_path)
    models.engines["guide"].script = with_calls
    servers = []

    def start(spoil: Break) -> str:
        app = create_app(models.pool, Config(num_http_threads=8))
        server = Server(
            Broken(app, spoil),
            host="127.0.0.1",
            port=0,
            num_threads=8,
            max_body_bytes=Config().max_body_bytes,
        )
        server.start()
        servers.append(server)
        return f"http://127.0.0.1:{server.port}"

    yield start
    for server in servers:
        server.stop()
    models.pool.close()
