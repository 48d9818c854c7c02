"""The whole path over HTTP, with a model whose layers lie on a worker."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from localllm.api.serving import serving
from localllm.config import Config
from localllm.engine.rpc_server import RpcServer
from localllm.models.catalog import Catalog
from localllm.models.pool import Pool
from localllm.paths import Paths
from tests.api.http import Client

CHAT = "/v1/chat/completions"


@pytest.fixture
def pool(tmp_path: Path, deep_model_path: Path, worker: RpcServer) -> Iterator[Pool]:
    """Two models of the same file, "far" and "further", that both want the one worker; and "near", which does not."""
    rpc = f'rpc = ["{worker.settings.address}"]'
    rows = [("far", rpc), ("further", rpc), ("near", "")]
    text = "".join(
        f"[[model]]\nid = \"{name}\"\nsource = '{deep_model_path}'\nn_ctx = 1024\nn_parallel = 2\nn_threads = 1\n"
        f"disk_cache = false\n{last_line}\n"
        for name, last_line in rows
    )
    paths = Paths(data=tmp_path, cache=tmp_path / "cache", logs=tmp_path / "logs")
    paths.catalog.write_text(text, encoding="utf-8")
    pool = Pool(Catalog(paths.catalog), paths)
    yield pool
    pool.close()


@pytest.fixture
def client(pool: Pool) -> Iterator[Client]:
    with serving(pool, Config(port=0), is_port_fixed=True, drain_s=0) as server:
        yield Client(f"http://127.0.0.1:{server.port}")


def ask(client: Client, model: str, **fields: object):
    return client.chat("Hello", model=model, temperature=0, max_tokens=16, **fields)


def text_of(answer) -> str:
    assert answer.status == 200, answer.body
    return str(answer.json["choices"][0]["message"]["content"])


def open_stream(client: Client, model: str):
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    return client.open(CHAT, body | {"max_tokens": None, "ignore_eos": True, "temperature": 0})


def test_a_lost_worker_ends_its_stream_with_an_error_and_nothing_else(
    client: Client, pool: Pool, worker: RpcServer
):
    """The last frame names the worker, the app and other models go on, and the model comes back with the worker."""
    near, far = text_of(ask(client, "near")), text_of(ask(client, "far"))
    assert near == far
    half = open_stream(client, "far")
    half.read_until(b'"content"')
    address = worker.settings.address
    worker.close()
    ending = half.read_to_end().decode()
    half.close()
    assert "worker_lost" in ending
    assert f"The worker {address}" in ending
    assert text_of(ask(client, "near")) == near
    away = ask(client, "far")
    assert (away.status, away.error["code"]) == (503, "worker_unavailable")
    assert address in away.error["message"]
    assert int(away.headers["retry-after"]) > 0
    worker.start()
    deadline = time.monotonic() + 60  # who asks soon after a failure is told the same again
    while (back := ask(client, "far")).status != 200:
        assert time.monotonic() < deadline, back.body
    assert text_of(back) == far
    loaded = {place.entry.id: place for place in pool.loaded()}
    assert loaded["far"].ram_bytes < loaded["near"].ram_bytes  # what lies elsewhere is not counted here


@pytest.mark.slow
def test_a_worker_goes_from_an_idle_model_to_the_next_and_never_from_one_in_use(client: Client, pool: Pool):
    """It serves one engine at a time: an idle one is unloaded for the next, a busy one is waited for by a clear 503."""
    half = open_stream(client, "far")
    half.read_until(b'"content"')
    refused = ask(client, "further")
    assert (refused.status, refused.error["code"]) == (503, "worker_busy")
    assert 'the model "far"' in refused.error["message"]
    engine = psutil.Process(pool.engines()["far"].pid)
    half.close()
    deadline = time.monotonic() + 60
    while (answer := ask(client, "further")).status != 200:
        assert time.monotonic() < deadline, answer.body
    engine.wait(10)
    assert pool.status("far") == "unloaded"
