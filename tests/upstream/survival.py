"""Three replicas, one killed or frozen every few seconds under load: `python -m tests.upstream.survival SECONDS`.

Replicas are processes that are really killed (SIGKILL), every second time after they were stopped (SIGSTOP: they take
requests and say nothing, as a server does that hangs), and started again. What must hold: no request fails that had
not yet streamed. Those that lose their server in the middle get an error event, and are counted apart.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from localllm.api.serving import serving
from localllm.config import Config
from localllm.models.catalog import Catalog
from localllm.models.pool import Pool
from localllm.paths import Paths

NUM_CLIENTS = 16
NUM_TOKENS = 20
INTERVAL_US = 50_000
KILL_EVERY_S = 3.0
FROZEN_S = 3.0
FIRST_TIMEOUT_S = 1.0  # so that one that is frozen is given up before it is killed
ROOT = Path(__file__).parents[2]


class Replica:
    """An emitter in a process of its own."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "benchmarks.emitter", str(self.port)]
        self._process = subprocess.Popen(command, cwd=ROOT)

    def freeze(self) -> None:
        """Take requests and say nothing. Windows cannot, so there it is killed at once."""
        if sys.platform != "win32":
            self._process.send_signal(signal.SIGSTOP)
            time.sleep(FROZEN_S)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise AssertionError("a replica did not start")


def survive(seconds: float, home: Path) -> Counter[str]:
    """How many requests ended how: whole, cut (an error after the first token), failed (before it)."""
    ends: Counter[str] = Counter()
    stopped = threading.Event()
    with _replicas() as replicas, _app(replicas, home) as port:
        clients = [threading.Thread(target=_ask_on, args=(port, stopped, ends)) for _ in range(NUM_CLIENTS)]
        for client in clients:
            client.start()
        _kill_one_after_another(replicas, seconds, ends)
        stopped.set()
        for client in clients:
            client.join()
    return ends


@contextmanager
def _replicas() -> Iterator[list[Replica]]:
    replicas = [Replica() for _ in range(3)]
    try:
        for replica in replicas:
            replica.wait_until_up()
        yield replicas
    finally:
        for replica in replicas:
            replica.kill()


@contextmanager
def _app(replicas: list[Replica], home: Path) -> Iterator[int]:
    urls = ", ".join(f'"http://127.0.0.1:{replica.port}/v1"' for replica in replicas)
    paths = Paths(data=home, cache=home / "cache", logs=home / "logs")
    paths.catalog.write_text(
        f'[[model]]\nid = "m"\nupstream = {{ base_urls = [{urls}], first_timeout_s = {FIRST_TIMEOUT_S} }}\n',
        encoding="utf-8",
    )
    pool = Pool(Catalog(paths.catalog), paths)
    with serving(pool, Config(port=0), is_port_fixed=True, drain_s=0) as server:
        yield server.port


def _kill_one_after_another(replicas: list[Replica], seconds: float, ends: Counter[str]) -> None:
    """Each is away for a while; the next one is killed only when it is back, so two always run."""
    deadline = time.monotonic() + seconds
    rng = random.Random(0)
    while time.monotonic() < deadline:
        replica = rng.choice(replicas)
        if ends["kills"] % 2:
            replica.freeze()
        replica.kill()
        ends["kills"] += 1
        time.sleep(KILL_EVERY_S / 2)
        replica.start()
        replica.wait_until_up()
        time.sleep(KILL_EVERY_S / 2)


def _ask_on(port: int, stopped: threading.Event, ends: Counter[str]) -> None:
    is_streamed = True
    while not stopped.is_set():
        ends[_ask(port, is_streamed=is_streamed)] += 1
        is_streamed = not is_streamed


def _ask(port: int, *, is_streamed: bool) -> str:
    body: dict[str, Any] = {
        "model": "m",
        "messages": [{"role": "user", "content": "Hello"}],
        "max_tokens": NUM_TOKENS,
        "seed": INTERVAL_US,
        "stream": is_streamed,
    }
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(
            "POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"}
        )
        response = connection.getresponse()
        data = response.read()
    except (OSError, http.client.HTTPException) as error:
        return f"failed: {error!r}"
    finally:
        connection.close()
    if is_streamed and response.status == 200:
        if b"data: [DONE]" in data:
            return "whole"
        return "cut" if data.count(b'"content"') > 1 else f"failed: {data[-300:]!r}"
    return "whole" if response.status == 200 else f"failed: {response.status} {data[:300]!r}"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(dict(survive(float(sys.argv[1]), Path(folder))))
