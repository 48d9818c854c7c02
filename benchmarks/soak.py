"""A soak: mixed traffic with cancels, swaps and crashes, for as long as you like: `python3 -m benchmarks soak`.

Starts `localllm serve` on four tiny models of which three fit into its memory, sends requests at a set rate, kills and
stops engines, unloads models, and looks each second whether /health answers. Every request must end with an answer,
or with an error that a fault at that time explains. Knows the app only from outside: HTTP, process ids.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks import soak_report
from benchmarks.soak_traffic import CHAT, EMBED, KINDS, OTHER, RECURRENT, Outcome, ask
from tests import tiny_models

HERE = Path(__file__).parent
MIB = 1024 * 1024
MODELS = {CHAT: "llama", OTHER: "qwen2", RECURRENT: "mamba", EMBED: "bert"}
MEMORY_LIMIT_BYTES = 185 * MIB  # three of the four
PING_INTERVAL_S = 2.0
NUM_CLIENTS = 6
WARM_UP_KINDS = ("chat, streamed", "chat, whole", "a bad field", "the list of models")
WARM_UP_REQUESTS, WARM_UP_THREADS = 300, 56  # fewer at once than the server refuses
SAMPLE_S = 10.0
HEALTH_S = 1.0
SETTLE_S = 8.0  # of silence, before memory is measured
FAULT_LASTS_S = (
    20.0  # an error so long after a fault may come of it: a request waited for the engine's restart
)


@dataclass(frozen=True)
class Fault:
    """Something we did to the server, at this time.monotonic()."""

    kind: str
    at: float


@dataclass(frozen=True)
class Sample:
    """The app's process at one moment, and its engines beside it. Seconds since the start; bytes."""

    at_s: float
    app_bytes: int
    engine_bytes: int
    num_engines: int
    num_threads: int
    num_files: int
    num_connections: int
    cpu_s: float


@dataclass
class Soak:
    """All that was seen. Lists are appended to by several threads and read at the end."""

    started: float = field(default_factory=time.monotonic)
    outcomes: list[Outcome] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    health_s: list[float] = field(default_factory=list)
    health_failures: list[str] = field(default_factory=list)
    before: Sample | None = None
    after: Sample | None = None

    def is_explained(self, outcome: Outcome) -> bool:
        """True where a fault shortly before the request, or during it, may have caused its error."""
        if outcome.verdict != "error":
            return outcome.verdict != "lost"
        return outcome.code in EXPLAINABLE and any(
            outcome.started - FAULT_LASTS_S <= fault.at <= outcome.ended for fault in self.faults
        )


EXPLAINABLE = ("engine_died", "model_load_failed", "model_loading", "api_error", "overloaded_error")


def main(words: list[str]) -> None:
    """Run it, write JSON and Markdown to benchmarks/results, and end with status 1 where something was wrong."""
    options = _options(words)
    soak = Soak()
    with tempfile.TemporaryDirectory(prefix="localllm-soak-") as home, _server(Path(home)) as (process, port):
        run(soak, psutil.Process(process.pid), ("127.0.0.1", port), options)
        was_alive = process.poll() is None
        log = (Path(home) / "serve.log").read_text("utf-8", "replace") if not was_alive else ""
    page = soak_report.write(soak, options, was_alive=was_alive)
    print(page + log[-3000:])
    sys.exit(0 if was_alive and soak_report.is_good(soak) else 1)


def _options(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument(
        "--warm-up", type=float, default=3, help="minutes of the same before memory is measured"
    )
    parser.add_argument("--rate", type=float, default=2.0, help="requests a second, all clients together")
    parser.add_argument("--fault-every", type=float, default=30.0, help="seconds between two faults")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--name", default="soak", help="of the result files")
    return parser.parse_args(words)


@contextmanager
def _server(home: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`localllm serve` with a home of its own; its port."""
    rows = []
    for model_id, arch in MODELS.items():
        path = tiny_models.write(home / f"{model_id}.gguf", arch)
        kind, n_ctx = ('kind = "embedding"\n', 512) if model_id == EMBED else ("", 4096)
        rows.append(
            f"[[model]]\nid = \"{model_id}\"\nsource = '{path}'\nn_ctx = {n_ctx}\nn_parallel = 4\nn_threads = 1\n{kind}"
        )
    (home / "models.toml").write_text("\n".join(rows), "utf-8")
    environ = os.environ | {
        "LOCALLLM_HOME": str(home),
        "LOCALLLM_MEMORY_LIMIT_BYTES": str(MEMORY_LIMIT_BYTES),
        "LOCALLLM_PING_INTERVAL_S": str(PING_INTERVAL_S),
        "PYTHONPATH": str(HERE.parent),
    }
    command = [
        sys.executable,
        "-c",
        "from localllm.cli import main; main()",
        "serve",
        "--port",
        "0",
        "--json",
    ]
    with (home / "serve.log").open("w") as log:
        process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())["port"]
    finally:
        process.terminate()
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(soak: Soak, app: psutil.Process, address: tuple[str, int], options: argparse.Namespace) -> None:
    """Warm up, measure, soak, measure."""
    _warm_up(soak, address, options)
    _traffic(soak, app, address, options, options.warm_up)
    soak.before = _settled(soak, app, address)
    _traffic(soak, app, address, options, options.minutes)
    if app.is_running():
        soak.after = _settled(soak, app, address)


def _traffic(
    soak: Soak, app: psutil.Process, address: tuple[str, int], options: argparse.Namespace, minutes: float
) -> None:
    """All clients, all faults, for so long."""
    over = threading.Event()
    threads = [
        threading.Thread(target=_send, args=(soak, address, options, number, over))
        for number in range(NUM_CLIENTS)
    ]
    threads.append(threading.Thread(target=_harm, args=(soak, app, address, options, over)))
    threads.append(threading.Thread(target=_watch, args=(soak, address, over)))
    for thread in threads:
        thread.start()
    ends = time.monotonic() + minutes * 60
    while time.monotonic() < ends and app.is_running():
        soak.samples.append(sample(soak, app))
        time.sleep(min(SAMPLE_S, max(0.0, ends - time.monotonic())))
    over.set()
    for thread in threads:
        thread.join()


def _warm_up(soak: Soak, address: tuple[str, int], options: argparse.Namespace) -> None:
    """Every kind of request, and one on every thread of the server."""
    rng = random.Random(options.seed)
    for kind in KINDS:
        soak.outcomes.append(ask(address, kind, rng))
    quick = [kind for kind in KINDS if kind.name in WARM_UP_KINDS]
    chosen = [(rng.choice(quick), random.Random(rng.random())) for _ in range(WARM_UP_REQUESTS)]
    with ThreadPoolExecutor(WARM_UP_THREADS) as pool:
        soak.outcomes.extend(pool.map(lambda pair: ask(address, *pair), chosen))


def _settled(soak: Soak, app: psutil.Process, address: tuple[str, int]) -> Sample:
    """The app with nothing loaded and nothing to do."""
    time.sleep(SETTLE_S)
    for model_id in MODELS:
        _get(address, "/models/unload", "POST", json.dumps({"model": model_id}))
    while engines(app):
        time.sleep(0.5)
    time.sleep(SETTLE_S)
    return sample(soak, app)


def _send(
    soak: Soak, address: tuple[str, int], options: argparse.Namespace, number: int, over: threading.Event
) -> None:
    """One client: a request, a pause, and so on. Pauses are as random as people are."""
    rng = random.Random(f"{options.seed} {number}")
    shares = [kind.share for kind in KINDS]
    while not over.wait(rng.expovariate(options.rate / NUM_CLIENTS)):
        soak.outcomes.append(ask(address, rng.choices(KINDS, shares)[0], rng))


def _watch(soak: Soak, address: tuple[str, int], over: threading.Event) -> None:
    while not over.wait(HEALTH_S):
        started = time.monotonic()
        try:
            _get(address, "/health")
        except (OSError, http.client.HTTPException) as error:
            soak.health_failures.append(f"{type(error).__name__}: {error}")
        soak.health_s.append(time.monotonic() - started)


def _get(address: tuple[str, int], path: str, method: str = "GET", body: str | None = None) -> int:
    connection = http.client.HTTPConnection(*address, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


# ── faults ──────────────────────────────────────────────────────────────────────────────────────────────────


def _harm(
    soak: Soak,
    app: psutil.Process,
    address: tuple[str, int],
    options: argparse.Namespace,
    over: threading.Event,
) -> None:
    """Kill, stop or unload something now and then."""
    rng = random.Random(f"{options.seed} faults")
    while not over.wait(options.fault_every * rng.uniform(0.5, 1.5)):
        kind = rng.choices(("kill", "pause", "unload"), (4, 3, 3))[0]
        soak.faults.append(Fault(kind, time.monotonic()))
        with contextlib.suppress(
            psutil.Error, ProcessLookupError, IndexError, OSError, http.client.HTTPException
        ):
            if kind == "unload":
                _get(address, "/models/unload", "POST", json.dumps({"model": rng.choice(list(MODELS))}))
            elif kind == "kill":
                rng.choice(engines(app)).send_signal(signal.SIGKILL)
            else:
                _pause(rng.choice(engines(app)), rng.uniform(1, 8))
        soak.faults.append(Fault(kind, time.monotonic()))


def _pause(engine: psutil.Process, duration_s: float) -> None:
    engine.suspend()
    try:
        time.sleep(duration_s)
    finally:
        engine.resume()


def engines(app: psutil.Process) -> list[psutil.Process]:
    """The engine processes: the app's children, without multiprocessing's own."""
    return [child for child in app.children() if "spawn_main" in " ".join(child.cmdline())]


def sample(soak: Soak, app: psutil.Process) -> Sample:
    found = []
    with contextlib.suppress(psutil.Error):
        found = [engine.memory_info().rss for engine in engines(app)]
    with app.oneshot():
        cpu = app.cpu_times()
        return Sample(
            at_s=time.monotonic() - soak.started,
            app_bytes=app.memory_info().rss,
            engine_bytes=sum(found),
            num_engines=len(found),
            num_threads=app.num_threads(),
            num_files=app.num_fds() if hasattr(app, "num_fds") else 0,
            num_connections=len(app.net_connections("tcp")),
            cpu_s=cpu.user + cpu.system,
        )
