"""`localllm serve` as a process of its own, over real engines on tiny models, seen and hurt from outside.

    with running(folder, model_path, LOCALLLM_PING_INTERVAL_S="0.2") as app: app.client.chat(…)

Knows the app by HTTP, by its process id and by its files, as its user does.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from tests.api.http import Client, HalfRead
from tests.waiting import wait_until

RUN = [sys.executable, "-c", "from localllm.cli import main; main()", "serve", "--port", "0", "--json"]
CHAT = "/v1/chat/completions"
ENDLESS = {"max_tokens": None, "ignore_eos": True, "temperature": 0}
LONG = "word " * 2500  # of 32 tokens a step: a prefill of more than a hundred steps
PING_S = 0.1
HEALTH_LIMIT_S = 30.0  # for one answer of /health; no test of speed: the machine may be busy


class App:
    """A running app: its client, its process, its home folder."""

    def __init__(self, process: subprocess.Popen[str], home: Path, port: int) -> None:
        self.process = process
        self.home = home
        self.client = Client(f"http://127.0.0.1:{port}")
        self.seen = psutil.Process(process.pid)

    @property
    def log(self) -> str:
        return (self.home / "serve.log").read_text("utf-8", "replace")

    def engines(self) -> list[psutil.Process]:
        """The engine processes, newest last; multiprocessing's own helper is none."""
        found = []
        for child in self.seen.children():
            with contextlib.suppress(psutil.Error):
                if "spawn_main" in " ".join(child.cmdline()):
                    found.append(child)
        return sorted(found, key=lambda child: child.create_time())

    def only_engine(self) -> psutil.Process:
        """The one engine there is, or will be in a moment."""
        wait_until(lambda: len(self.engines()) == 1)
        return self.engines()[0]

    def stream(self, content: str = "Hi", model: str = "tiny", **fields: Any) -> HalfRead:
        """An endless stream, begun."""
        messages = [{"role": "user", "content": content}]
        return self.client.open(
            CHAT, {"model": model, "messages": messages, "stream": True} | ENDLESS | fields
        )

    def ask(self, model: str = "tiny", **fields: Any) -> Any:
        """A short whole answer."""
        return self.client.chat("Hello", **{"model": model, "max_tokens": 4, "ignore_eos": True} | fields)

    def stats(self, name: str, model: str) -> float:
        """A figure of /metrics for one model."""
        wanted = f'localllm_engine_{name}{{model="{model}"}} '
        lines = self.client.get("/metrics").body.decode().splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(wanted)), 0.0)

    def unload_all(self) -> None:
        """End every engine, and wait until they are gone."""
        for model in self.client.get("/health").json["loaded"]:
            self.client.post("/models/unload", {"model": model["id"]})
        wait_until(lambda: not self.engines())


@contextlib.contextmanager
def running(
    home: Path, model: Path, slow_model: Path | None = None, *, stderr: Path | None = None, **environ: str
) -> Iterator[App]:
    """An app whose catalog has "tiny" (four at once) and "one" (one at once, of `slow_model` where there is one)."""
    rows = (
        f"[[model]]\nid = \"{name}\"\nsource = '{path}'\nn_ctx = 8192\nn_parallel = {n_parallel}\n"
        f"n_batch = 32\nn_threads = 1\nspeculate = false\n"
        for name, path, n_parallel in (("tiny", model, 4), ("one", slow_model or model, 1))
    )
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "models.toml").exists():
        (home / "models.toml").write_text("".join(rows), encoding="utf-8")
    own = os.environ | {"LOCALLLM_HOME": str(home), "LOCALLLM_PING_INTERVAL_S": str(PING_S), **environ}
    with (stderr or home / "serve.log").open("w") as log:
        process = subprocess.Popen(RUN, env=own, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line, "the app did not start"
        yield App(process, home, json.loads(line)["port"])
    finally:
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    """Nothing is left behind, whatever a test has stopped."""
    with contextlib.suppress(psutil.Error):
        for child in [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]:
            child.resume()
    process.terminate()
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


@contextlib.contextmanager
def healthy_throughout(app: App) -> Iterator[list[float]]:
    """/health is asked all the time while the block runs, and every one of its answers comes. Gives their seconds."""
    over = threading.Event()
    times: list[float] = []
    failures: list[str] = []

    def ask() -> None:
        while not times or not over.wait(0.05):
            started = time.monotonic()
            try:
                assert app.client.get("/health").json["status"] == "ok"
            except Exception as error:  # noqa: BLE001 -- told below, in the test's own thread
                failures.append(f"{type(error).__name__}: {error}")
            times.append(time.monotonic() - started)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield times
    finally:
        over.set()
        thread.join()
    assert not failures, failures[:3]
    assert times
    assert max(times) < HEALTH_LIMIT_S


def error_code(received: bytes) -> str:
    """The code of the error event that ends a stream; an ordinary end, or none at all, is a failure."""
    assert b"[DONE]" not in received, received[-300:]
    _, _, tail = received.rpartition(b'data: {"error":')
    assert tail, received[-300:]
    return str(json.loads(b'{"error":' + tail.partition(b"\n\n")[0])["error"]["code"])
