"""Real servers to forward to, each a process with its packages in a folder of its own, as the benchmarks have them."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from benchmarks.servers import LlamaCppPythonServer, LlamaServer, Ours, Server, Settings, install

HERE = Path(__file__).parent
START_S = 120.0


class LitServe(Server):
    name = "litserve"
    packages = ("litserve",)

    def command(self) -> list[str]:
        return [sys.executable, str(HERE / "litserve_server.py"), str(self.port)]

    def environment(self) -> dict[str, str]:
        return LlamaServer.environment(self)  # type: ignore[arg-type]  # which puts the folder of its name on the path


PEERS: dict[str, type[Server]] = {
    kind.name: kind for kind in (LitServe, LlamaCppPythonServer, LlamaServer, Ours)
}


@contextmanager
def running(kind: type[Server], model: Path, home: Path) -> Iterator[str]:
    """The base URL of a server that is installed where it is not yet, and answers."""
    install(kind)
    server = kind(Settings(str(model), num_threads=1, n_ctx=4096, num_slots=4), home)
    log = (home / "peer.log").open("wb")
    process = subprocess.Popen(
        server.command(), env=server.environment(), stdout=log, stderr=subprocess.STDOUT
    )
    try:
        _wait(process, server.port, home / "peer.log")
        yield f"http://127.0.0.1:{server.port}/v1"
    finally:
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for child in children:  # LitServe leaves its workers behind
            with suppress(psutil.NoSuchProcess):
                child.kill()
        log.close()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Until it answers anything at all: LitServe has no list of models."""
    deadline = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=10):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the server did not start: {log.read_text('utf-8', 'replace')[-2000:]}")
