"""What llama.cpp's RPC costs when the other computer is as near as can be: `python3 -m benchmarks rpc`.

One engine computes here, one has half of its layers on a worker, one all of them; the workers are on this computer and
reached over loopback, so nothing is gained and only the cost is seen. Over a real network its latency comes on top,
once per token and worker. Knows no HTTP.
"""

from __future__ import annotations

import argparse
import datetime
import itertools
import os
import platform
import random
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from benchmarks import make_model, report
from benchmarks.report import MACHINE, Results, result_path
from localllm.engine.engine import Engine
from localllm.engine.loading import LoadParams
from localllm.engine.rpc_server import RpcServer, WorkerSettings
from localllm.models.gguf import read_parts
from localllm.sampling_params import SamplingParams

HERE, HALF, ALL = "all layers here", "half on a worker", "all on a worker"
NUM_TOKENS = 32
NUM_PROMPT_TOKENS = 128
N_CTX = 4096


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    path = options.model or make_model.make(options.size)
    results = Results([HERE, HALF, ALL])
    with tempfile.TemporaryDirectory(prefix="localllm-bench-") as folder, ExitStack() as stack:
        engines = {
            way: stack.enter_context(_engine(path, Path(folder), way, options.threads))
            for way in results.servers
        }
        for number in range(options.rounds):
            for way in results.servers[:: -1 if number % 2 else 1]:
                results.add(way, number, _measure(engines[way], random.Random(number)))
                print(f"round {number + 1}, {way}: {results.rounds[way]}", file=sys.stderr)
    page = _page(path, results, options)
    print(page)
    file = result_path(f"{options.name}-rpc")
    file.write_text(page, "utf-8")
    print(f"written: {file}", file=sys.stderr)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks rpc", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", default="0.5b", choices=make_model.SHAPES)
    parser.add_argument("--model", type=Path, help="a GGUF file instead of a generated one")
    parser.add_argument("--threads", type=int, default=psutil.cpu_count(logical=False) or 2)
    name = MACHINE
    parser.add_argument("--name", default=name, help="of the result file")
    return parser.parse_args(arguments)


@contextmanager
def _engine(path: Path, folder: Path, way: str, num_threads: int) -> Iterator[Engine]:
    """An engine, loaded, with a worker of its own where the way has one."""
    with ExitStack() as stack:
        params = LoadParams(
            path=str(path),
            model_id=way,
            n_ctx=N_CTX,
            n_threads=num_threads,
            n_gpu_layers=_num_layers(path) // 2 if way == HALF else -1,
            speculate=False,
            log_path=str(folder / f"{way}.log"),
            rpc=() if way == HERE else (_worker(stack, folder, way, num_threads),),
        )
        engine = Engine(params)
        stack.callback(engine.close)
        engine.start()
        yield engine


def _num_layers(path: Path) -> int:
    count = read_parts(path)[0].get("block_count")
    assert isinstance(count, int)
    return count


def _worker(stack: ExitStack, folder: Path, way: str, num_threads: int) -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    worker = RpcServer(WorkerSettings(address, str(folder / f"worker of {way}.log"), num_threads))
    worker.start()
    stack.callback(worker.close)
    return address


def _measure(engine: Engine, chance: random.Random) -> dict[str, float]:
    """A prompt that nobody has seen, and tokens behind it.

    The time of a token is the median one, so that what else the machine does weighs little.
    """
    prompt = [chance.randrange(1000, 2000) for _ in range(NUM_PROMPT_TOKENS)]
    params = SamplingParams(temperature=0, max_tokens=NUM_TOKENS, ignore_eos=True)
    times, finish = [], None
    for delta in engine.submit(prompt, params):
        finish = delta.finish or finish
        if delta.num_tokens:
            times.append(time.perf_counter())
    assert finish is not None
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    return {
        "prompt, tok/s": 1000 * NUM_PROMPT_TOKENS / finish.prompt_ms,
        "a token, ms": 1000 * statistics.median(gaps),
    }


def _page(path: Path, results: Results, options: argparse.Namespace) -> str:
    lines = [
        f"# RPC over loopback, {datetime.date.today():%d %B %Y}\n",
        f"Model {path.name}, {options.threads} threads here and {options.threads} in each worker; {options.rounds} "
        "rounds, median (from – to).",
        f"{platform.system()}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; load "
        f"average {psutil.getloadavg()[0]:.1f}.\n",
        report.plain_table(results),
    ]
    for way in (HALF, ALL):
        for key in results.keys:
            ratio = report.spread(results.ratios(key, ours=way, peer=HERE))
            lines.append(f"- {way} / here, {key}: {ratio}")
    return "\n".join(lines) + "\n"
