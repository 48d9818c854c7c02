"""How fast the list of models comes while one model generates and another is being loaded, again and again.

    python3 -m benchmarks models-while-busy

The bar: 99 of 100 within 10 ms, although nothing of the processor is idle. Beside it, as a control, the time that a
bare Python server in a process of its own takes for the same bytes: what the busy machine itself costs.
"""

from __future__ import annotations

import argparse
import http.client
import itertools
import multiprocessing
import multiprocessing.connection
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from statistics import median

import psutil

from benchmarks import make_model
from benchmarks.client import MeasurementFailed, user, words
from benchmarks.servers import Ours, Settings

PAUSE_S = 0.02
LIMIT_MS = 10.0
OTHER = "other"


class TwoModels(Ours):
    """The model that generates, and a second one to load; our own number of threads."""

    def environment(self) -> dict[str, str]:
        environment = super().environment()
        catalog = self.home / "localllm-home" / "models.toml"
        text = "".join(
            line for line in catalog.read_text("utf-8").splitlines(True) if "n_threads" not in line
        )
        second = text.replace('id = "bench"', f'id = "{OTHER}"').replace("n_ctx = 4096", "n_ctx = 4095")
        catalog.write_text(f"{text}\n{second}", "utf-8")
        return environment


def main(words_: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks models-while-busy", description=__doc__)
    parser.add_argument("--requests", type=int, default=600)
    options = parser.parse_args(words_)
    model = make_model.make("0.5b", "q4_k_m")
    with tempfile.TemporaryDirectory(prefix="localllm-bench-") as home:
        server = TwoModels(Settings(str(model.absolute()), num_threads=0, n_ctx=4096), Path(home))
        try:
            server.start()
            measure(server, options.requests)
        finally:
            server.stop()


def measure(server: TwoModels, num_requests: int) -> None:
    print(f"load average {psutil.getloadavg()[0]:.1f}")
    with _control() as control_port:
        idle, control_idle = _times((server.port, control_port), 100, lambda: False)
        with _busy(server) as is_loading:
            times, control = _times((server.port, control_port), num_requests, is_loading)
    _print("idle", idle)
    _print("control, idle", control_idle)
    _print("one generates", [t for t in times if not t[1]])
    _print("one generates, one loads", [t for t in times if t[1]])
    _print("all while busy", times)
    _print("control, all while busy", control)
    print(f"load average {psutil.getloadavg()[0]:.1f}")


Timed = tuple[float, bool]
"""Milliseconds, and whether the other model was being loaded."""


def _times(ports: Sequence[int], count: int, is_loading: Callable[[], bool]) -> list[list[Timed]]:
    """Of each server: one request after the other on one connection, as a client that keeps its list fresh.

    The servers take turns, so that all see the same machine.
    """
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for port in ports]
    times: list[list[Timed]] = [[] for _ in ports]
    for _ in range(count):
        for connection, row in zip(connections, times, strict=True):
            row.append((_time(connection), is_loading()))
            time.sleep(PAUSE_S)
    for connection in connections:
        connection.close()
    return times


def _time(connection: http.client.HTTPConnection) -> float:
    began = time.perf_counter()
    connection.request("GET", "/v1/models")
    response = connection.getresponse()
    response.read()
    if response.status != 200:
        raise MeasurementFailed(f"HTTP {response.status}")
    return (time.perf_counter() - began) * 1000


def _print(title: str, times: Sequence[Timed]) -> None:
    if not times:
        print(f"{title:26} none")
        return
    ms = sorted(t for t, _ in times)
    p99 = ms[min(len(ms) - 1, int(len(ms) * 0.99))]
    within = sum(t <= LIMIT_MS for t in ms) / len(ms)
    print(
        f"{title:26} {len(ms):5} requests   p50 {median(ms):6.2f}   p99 {p99:6.2f}   max {ms[-1]:6.2f} ms   "
        f"within {LIMIT_MS:.0f} ms: {within:.1%}"
    )


@contextmanager
def _busy(server: TwoModels) -> Iterator[Callable[[], bool]]:
    """One model generates and the other is loaded and unloaded until the block ends; yields whether it loads now."""
    stop, loading = threading.Event(), threading.Event()
    errors: list[Exception] = []

    def run(work: Callable[[], None]) -> None:
        try:
            while not stop.is_set():
                work()
        except Exception as error:  # noqa: BLE001 -- told by the main thread
            errors.append(error)

    def load_once() -> None:
        loading.set()
        _post(server.port, "/models/load", OTHER)
        while _status(server.port) != "loaded":
            time.sleep(0.05)
        loading.clear()
        _post(server.port, "/models/unload", OTHER)
        time.sleep(0.1)

    numbers = itertools.count()

    def generate() -> None:
        server.client.ask(user(words(random.Random(next(numbers)), 20)), 200)

    threads = [threading.Thread(target=run, args=(work,)) for work in (generate, load_once)]
    for thread in threads:
        thread.start()
    try:
        yield loading.is_set
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    if errors:
        raise MeasurementFailed(f"the load beside it broke: {errors[0]!r}")


def _post(port: int, path: str, model: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", path, f'{{"model": "{model}"}}', {"Content-Type": "application/json"})
    connection.getresponse().read()
    connection.close()


def _status(port: int) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", f"/v1/models/{OTHER}")
    body = connection.getresponse().read().decode()
    connection.close()
    return next((word for word in ("loading", "unloaded", "loaded") if f'"{word}"' in body), "")


@contextmanager
def _control() -> Iterator[int]:
    """A server that answers with as many bytes and does nothing else, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve_control, args=(theirs,), daemon=True)
    process.start()
    try:
        yield int(ours.recv())
    finally:
        process.kill()
        process.join()


def _serve_control(connection: multiprocessing.connection.Connection) -> None:
    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x" * 1000)
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    connection.send(server.server_port)
    server.serve_forever()
