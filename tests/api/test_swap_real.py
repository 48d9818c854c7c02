"""Ten models, memory for two, real engines: every request is answered, and at the end nothing is left in memory."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from localllm.api.serving import serving
from localllm.config import Config
from localllm.models.catalog import Catalog
from localllm.models.pool import Pool
from localllm.paths import Paths
from tests import tiny_models
from tests.api.http import Client
from tests.waiting import wait_until

MIB = 1 << 20
NUM_REQUESTS = int(os.environ.get("SWAP_REQUESTS", "100"))  # 500 once by hand: ten minutes
NUM_CLIENTS = 3
STAY = 8  # requests that a client sends to one model before it takes another
MODELS = {
    "tiny": ("llama", 2, 64), "wide": ("llama", 2, 256), "deep": ("llama", 8, 128), "large": ("llama", 6, 256),
    "qwen": ("qwen2", 4, 192), "gemma": ("gemma3", 4, 128), "mamba": ("mamba", 4, 128), "lfm": ("lfm2", 4, 128),
    "bert": ("bert", 4, 128), "bert-large": ("bert", 6, 256),
}  # fmt: skip
MESSAGES = [{"role": "user", "content": "Tell me something."}]
LEFT_SHARE = 1.1  # of the app's resident memory
LEFT_BYTES = 12 * MIB  # what Python keeps of what it once had; every model takes five times as much


@dataclass
class Books:
    """What was seen while the requests ran."""

    most_reserved: int = 0
    most_engines: int = 0
    engine_pids: set[int] = field(default_factory=set)


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    paths = Paths(tmp_path, tmp_path / "cache", tmp_path / "logs")
    rows = []
    for number, (model_id, (arch, n_layers, n_embd)) in enumerate(MODELS.items()):
        tiny_models.write(tmp_path / f"{model_id}.gguf", arch, n_layers=n_layers, n_embd=n_embd, seed=number)
        kind = "embedding" if arch == "bert" else "chat"
        rows.append(
            f'[[model]]\nid = "{model_id}"\nsource = "{model_id}.gguf"\nkind = "{kind}"\nn_ctx = 512\nn_threads = 1\n'
        )
    paths.catalog.write_text("\n".join(rows), encoding="utf-8")
    pool = Pool(Catalog(paths.catalog), paths, memory_limit_bytes=160 * MIB)
    yield pool
    pool.close()


def ask(client: Client, model_id: str, rng: random.Random) -> None:
    """One request of a random kind; fails unless the answer is whole."""
    if model_id.startswith("bert"):
        answer = client.post("/v1/embeddings", {"model": model_id, "input": ["one", "two"]})
        assert len(answer.json["data"]) == 2
        return
    body = {"model": model_id, "messages": MESSAGES, "max_tokens": rng.randint(2, 12)}
    match rng.randrange(3):
        case 0:
            assert client.post("/v1/chat/completions", body).json["choices"][0]["message"]["content"]
        case 1:
            stream = client.open("/v1/chat/completions", body | {"stream": True})
            assert b"[DONE]" in stream.read_until(b"[DONE]")
            stream.close()
        case _:
            text = {"model": model_id, "prompt": "Once", "max_tokens": 5}
            assert client.post("/v1/completions", text).json["choices"][0]["text"]


def resident_bytes() -> int:
    """What this process and all its children have for themselves in memory."""
    app = psutil.Process()
    total = 0
    for process in (app, *app.children(recursive=True)):
        try:
            total += process.memory_full_info().uss
        except psutil.NoSuchProcess:
            continue
    return total


@contextmanager
def watching(pool: Pool) -> Iterator[Books]:
    """Looks at the ledger and at the engines a hundred times a second while the block runs."""
    books, stop = Books(), threading.Event()

    def watch() -> None:
        while not stop.wait(0.01):
            books.most_reserved = max(books.most_reserved, pool.reserved_bytes)
            alive = {engine.pid for engine in pool.engines().values() if engine.pid is not None}
            books.most_engines = max(books.most_engines, len(alive))
            books.engine_pids |= alive

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield books
    finally:
        stop.set()
        thread.join()


def unload_all(client: Client, pool: Pool) -> None:
    for row in pool.loaded():
        client.post("/models/unload", {"model": row.entry.id})
    wait_until(lambda: pool.reserved_bytes == 0 and not pool.engines(), timeout_s=60)


@pytest.mark.slow
def test_ten_models_in_memory_for_two_answer_mixed_requests_over_http(pool: Pool):
    """No failure, the ledger never above its limit, and the resident memory of app and engines back where it was."""
    order = random.Random(1)
    visits = [order.choice(list(MODELS)) for _ in range(-(-NUM_REQUESTS // STAY))]

    def visit(number: int) -> int:
        rng = random.Random(number)
        for _ in range(STAY):
            ask(client, visits[number], rng)
        return STAY

    with serving(pool, Config(port=0), is_port_fixed=True, drain_s=0) as server:
        client = Client(f"http://127.0.0.1:{server.port}")
        for model_id in ("tiny", "bert"):
            ask(client, model_id, order)
        unload_all(client, pool)
        before, app_before = resident_bytes(), psutil.Process().memory_info().rss
        with watching(pool) as books, ThreadPoolExecutor(NUM_CLIENTS) as clients:
            num_answered = sum(clients.map(visit, range(len(visits))))
        during = resident_bytes()
        unload_all(client, pool)
        after, app_after = resident_bytes(), psutil.Process().memory_info().rss
    print(
        f"{num_answered} requests, {len(books.engine_pids)} loads, ledger at most {books.most_reserved / MIB:.0f} of "
        f"160 MiB, {books.most_engines} engines at once; resident {before / MIB:.1f} before, {during / MIB:.1f} with "
        f"the last two loaded, {after / MIB:.1f} MiB after the last unload"
    )
    assert num_answered >= NUM_REQUESTS
    assert books.most_reserved <= 160 * MIB
    assert books.most_engines >= 2
    assert after <= before + LEFT_BYTES
    assert app_after <= app_before * LEFT_SHARE
    assert not [pid for pid in books.engine_pids if psutil.pid_exists(pid)]
