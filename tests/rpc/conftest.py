"""Real workers on this computer. Everything here needs a llama.cpp with RPC, which `start.py test` makes."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localllm.engine.devices import has_library
from localllm.engine.rpc_server import RpcServer, WorkerSettings
from tests import tiny_models

StartWorker = Callable[[], RpcServer]


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture(scope="session")
def _rpc() -> None:
    if not has_library("rpc"):
        pytest.skip("this build of llama.cpp has no RPC (`python3 packaging/start.py --rpc` compiles it)")


@pytest.fixture(scope="session")
def start_worker(_rpc: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartWorker]:
    """Starts a worker on a free port; gone at the end of all tests."""
    workers: list[RpcServer] = []
    logs = tmp_path_factory.mktemp("workers")

    def start() -> RpcServer:
        log_path = str(logs / f"{len(workers)}.log")
        workers.append(RpcServer(WorkerSettings(free_address(), log_path, num_threads=1)))
        workers[-1].start()
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


@pytest.fixture(scope="session")
def _workers(start_worker: StartWorker) -> tuple[RpcServer, RpcServer]:
    return start_worker(), start_worker()


@pytest.fixture
def workers(_workers: tuple[RpcServer, RpcServer]) -> tuple[RpcServer, RpcServer]:
    """Two workers that a test may kill: they are started again for the next one."""
    for worker in _workers:
        if not worker.is_alive:
            worker.start()
    return _workers


@pytest.fixture
def worker(workers: tuple[RpcServer, RpcServer]) -> RpcServer:
    return workers[0]


@pytest.fixture(scope="session")
def deep_model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model with enough layers to deal out."""
    return tiny_models.write(tmp_path_factory.mktemp("models") / "deep.gguf", n_layers=4)
