"""What a hop costs: `python3 -m benchmarks forwarding` (see benchmarks/README.md).

A server that emits tokens at a fixed pace is read directly and through a localllm that forwards to it, in turn. Each
token carries the moment it was written, so every token's way is timed by itself; the figures are the differences.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import platform
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, median, quantiles

import psutil

from benchmarks.client import MeasurementFailed
from benchmarks.report import MACHINE, Results, plain_table, result_path, spread

HERE = Path(__file__).parent
DIRECT, HOP = "direct", "through localllm"
STREAMS = (1, 8, 64)
NUM_TOKENS = 120
INTERVAL_US = 50_000  # 20 tokens a second and stream
APART_S = 0.03  # between two requests of people
NUM_FIRST = 20  # short requests, one after the other, for the first token of a stream that is alone
START_S = 60.0
FULL_SPEED_TOKENS = 400
_MOMENT = re.compile(rb'"content":"(\d+) "')


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks forwarding", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=NUM_TOKENS)
    parser.add_argument("--streams", type=int, nargs="+", default=list(STREAMS))
    parser.add_argument("--name", default=MACHINE)
    options = parser.parse_args(words)
    results = Results([DIRECT, HOP])
    with tempfile.TemporaryDirectory(prefix="localllm-bench-") as home, _servers(Path(home)) as (ports, app):
        for number in range(options.rounds):
            for name in (DIRECT, HOP)[:: -1 if number % 2 else 1]:
                for num_streams in options.streams:
                    figures = _measured(
                        ports[name], num_streams, options.tokens, app if name == HOP else None
                    )
                    results.add(name, number, figures)
                    _say(
                        f"round {number + 1}, {name}: "
                        + "   ".join(f"{k} {v:.3g}" for k, v in figures.items())
                    )
            _write(_page(results, options), options.name)


@contextmanager
def _servers(home: Path) -> Iterator[tuple[dict[str, int], psutil.Process]]:
    """The emitter and a localllm in front of it: their ports, and the app's process."""
    ports = {DIRECT: _free_port(), HOP: _free_port()}
    (home / "models.toml").write_text(
        f'[[model]]\nid = "bench"\nupstream = {{ base_url = "http://127.0.0.1:{ports[DIRECT]}/v1" }}\n',
        "utf-8",
    )
    environment = {**os.environ, "LOCALLLM_HOME": str(home), "PYTHONPATH": str(HERE.parent)}
    code = "from localllm.cli import main; main()"
    serve = ["serve", "--port", str(ports[HOP]), "--log-level", "warning"]
    commands = [
        [sys.executable, "-m", "benchmarks.emitter", str(ports[DIRECT])],
        [sys.executable, "-c", code, *serve],
    ]
    processes = [
        subprocess.Popen(command, env=environment, cwd=HERE.parent, stdout=subprocess.DEVNULL)
        for command in commands
    ]
    try:
        for port in ports.values():
            _wait_until_it_streams(port)
        yield ports, psutil.Process(processes[1].pid)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _wait_until_it_streams(port: int) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            asyncio.run(_ask(port, 2, 0, is_in_step=False))
            return
        except (OSError, MeasurementFailed):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _measured(port: int, num_streams: int, num_tokens: int, app: psutil.Process | None) -> dict[str, float]:
    """Milliseconds; `in step` where all streams get their tokens at the same moments."""
    figures: dict[str, float] = {}
    for is_in_step in (False, True) if num_streams > 1 else (False,):
        before = _cpu_s(app)
        streams = asyncio.run(_together(port, num_streams, num_tokens, INTERVAL_US, is_in_step=is_in_step))
        key = f"{num_streams} streams{' in step' if is_in_step else ''}"
        ways = [way for stream in streams for way in stream.ways_ms[1:]]
        alone = _alone(port) if num_streams == 1 else []
        figures |= {
            f"{key}: whole answer / tokens": fmean(stream.total_ms / num_tokens for stream in streams),
            f"{key}: first token": median(stream.first_ms for stream in alone or streams),
            f"{key}: a token's way, median": median(ways),
            f"{key}: a token's way, p99": quantiles(ways, n=100)[98],
        }
        if app is not None:
            figures[f"{key}: processor time a token"] = (
                1000 * (_cpu_s(app) - before) / (num_streams * num_tokens)
            )
    if num_streams == max(STREAMS):
        at_once = asyncio.run(_together(port, num_streams, 2, INTERVAL_US, is_in_step=False, apart_s=0.0))
        key = f"{num_streams} streams that begin in the same instant: first token"
        figures[key] = median(stream.first_ms for stream in at_once)
        started = time.monotonic()
        asyncio.run(_together(port, num_streams, FULL_SPEED_TOKENS, 0, is_in_step=False))
        rate = num_streams * FULL_SPEED_TOKENS / (time.monotonic() - started)
        figures[f"{num_streams} streams at full speed, tokens/s"] = rate
    return figures


def _cpu_s(app: psutil.Process | None) -> float:
    return sum(app.cpu_times()[:2]) if app is not None else 0.0


class Stream:
    """One stream that was read: total and first token since the request, and how long each token was on its way."""

    def __init__(self, started: float, arrivals: list[tuple[int, int]]) -> None:
        """started: monotonic seconds; arrivals: (written, arrived) of each token in monotonic nanoseconds."""
        self.total_ms = arrivals[-1][1] / 1e6 - started * 1e3
        self.first_ms = arrivals[0][1] / 1e6 - started * 1e3
        self.ways_ms = [(arrived - written) / 1e6 for written, arrived in arrivals]


def _alone(port: int) -> list[Stream]:
    return [asyncio.run(_ask(port, 2, INTERVAL_US, is_in_step=False)) for _ in range(NUM_FIRST)]


async def _together(
    port: int,
    num_streams: int,
    num_tokens: int,
    interval_us: int,
    *,
    is_in_step: bool,
    apart_s: float = APART_S,
) -> list[Stream]:
    """The streams begin one after the other, as requests of people do, and run side by side."""

    async def one(number: int) -> Stream:
        await asyncio.sleep(number * apart_s)
        return await _ask(port, num_tokens, interval_us, is_in_step=is_in_step)

    return await asyncio.gather(*(one(number) for number in range(num_streams)))


async def _ask(port: int, num_tokens: int, interval_us: int, *, is_in_step: bool) -> Stream:
    body = {
        "model": "bench",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
        "max_tokens": num_tokens,
        "seed": interval_us,
        "top_k": 1 if is_in_step else 0,
    }
    data = json.dumps(body).encode()
    started = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
    arrivals: list[tuple[int, int]] = []
    rest = b""
    while b"[DONE]" not in rest:
        received = await reader.read(65536)
        arrived = time.monotonic_ns()
        if not received:
            raise MeasurementFailed(f"the stream ended: {rest[-300:]!r}")
        *lines, rest = (rest + received).split(b"\n\n")
        arrivals += [(int(found[1]), arrived) for line in lines if (found := _MOMENT.search(line))]
        rest = b"\n\n".join([lines[-1], rest]) if lines and b"[DONE]" in lines[-1] else rest
    writer.close()
    if len(arrivals) != num_tokens:
        raise MeasurementFailed(f"{len(arrivals)} tokens of {num_tokens}")
    return Stream(started, arrivals)


def _page(results: Results, options: argparse.Namespace) -> str:
    lines = [
        f"# What a hop costs, {datetime.date.today():%d %B %Y}\n",
        f"{options.tokens} tokens a stream, {1e6 / INTERVAL_US:.0f} a second; {options.rounds} rounds, median (from – "
        "to), milliseconds where nothing else is said. In step: all streams get their tokens at the same moments, as "
        "from an engine that computes them in one batch.",
        f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; load "
        f"average {psutil.getloadavg()[0]:.1f} at the end.\n",
        plain_table(results),
        "Added by the hop, round by round:\n",
        "| | added, ms | bar |\n|---|---:|---|",
        *(
            f"| {key} | {spread(_added(results, key))} | {_bar(key)} |"
            for key in results.keys
            if _is_time(key)
        ),
    ]
    return "\n".join(lines) + "\n"


def _added(results: Results, key: str) -> list[float]:
    pairs = zip(results.of(HOP, key), results.of(DIRECT, key), strict=False)
    return [hop - direct for hop, direct in pairs]


def _is_time(key: str) -> bool:
    return "tokens/s" not in key and "processor" not in key


def _bar(key: str) -> str:
    return "≤ 5" if key.endswith("first token") else "≤ 1" if key.endswith("/ tokens") else ""


def _write(page: str, name: str) -> None:
    path = result_path(f"{name}-forwarding")
    path.write_text(page, "utf-8")
    _say(f"written: {path}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
