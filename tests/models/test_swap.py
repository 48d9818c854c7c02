"""More models than memory: room is made by bytes, for everybody in turn, and the ledger is never overdrawn."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from localllm import errors
from localllm.engine.loading import LoadParams
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.memory import Memory, Plan
from localllm.models.pool import Pool
from localllm.paths import Paths
from localllm.sampling_params import SamplingParams
from tests import tiny_models
from tests.models.fakes import FakeEngine
from tests.waiting import wait_until

IDS = [f"m{i}" for i in range(10)]
SIZE = 100  # bytes of each fake model
LIMIT = 2 * SIZE
OTHER_SIZES = {"huge": 300, "large": 150, "medium": 75, "tiny": 10, "tiny2": 10}


def plan_of_size(entry: Entry, paths: Paths, free: Memory) -> Plan | None:
    """Every model takes SIZE bytes, but for those of OTHER_SIZES."""
    size = OTHER_SIZES.get(entry.id, SIZE)
    return Plan(512, 0, size, 0) if size <= free.ram else None


class Engines:
    """Makes engines, and checks at each start and end that no more than two are alive."""

    def __init__(self) -> None:
        self.alive: set[FakeEngine] = set()
        self.most_alive = 0
        self.lock = threading.Lock()
        self.prepare: Callable[[FakeEngine], None] = lambda engine: None

    def __call__(self, params: LoadParams) -> FakeEngine:
        engines = self

        class Counted(FakeEngine):
            def start(self, **options: object) -> None:
                with engines.lock:
                    engines.alive.add(self)
                    engines.most_alive = max(engines.most_alive, len(engines.alive))
                super().start()

            def close(self, timeout_s: float = 5.0) -> None:
                with engines.lock:
                    engines.alive.discard(self)
                super().close(timeout_s)

        engine = Counted(params)
        self.prepare(engine)
        return engine


@pytest.fixture
def engines() -> Engines:
    return Engines()


def make_pool(tmp_path: Path, engines: Engines, extra: str = "", keep_alive: str = "10m") -> Pool:
    paths = Paths(tmp_path, tmp_path / "cache", tmp_path / "logs")
    rows = "".join(f'[[model]]\nid = "{i}"\nsource = "m.gguf"\n' for i in IDS)
    paths.catalog.write_text(rows + extra)
    (tmp_path / "m.gguf").touch()
    return Pool(
        Catalog(paths.catalog), paths, engines, measure=lambda: Memory(10**9), memory_limit_bytes=LIMIT,
        make_plan=plan_of_size, keep_alive=keep_alive,
    )  # fmt: skip


@pytest.fixture
def pool(tmp_path: Path, engines: Engines) -> Iterator[Pool]:
    pool = make_pool(tmp_path, engines)
    yield pool
    pool.close()


def loaded(pool: Pool) -> set[str]:
    return {entry.id for entry, status in pool.statuses() if status == "loaded"}


def touch(pool: Pool, *ids: str) -> None:
    for model_id in ids:
        pool.get(model_id)


def test_the_least_recently_used_idle_model_makes_room(pool: Pool, engines: Engines):
    """And only as many leave as must."""
    touch(pool, "m0", "m1", "m0", "m2")
    assert loaded(pool) == {"m0", "m2"}
    assert engines.most_alive == 2


def test_a_model_in_use_is_not_taken_away(pool: Pool):
    """The idle one leaves although it was used later."""
    with pool.use("m0"):
        touch(pool, "m1", "m2")
        assert loaded(pool) == {"m0", "m2"}


def test_who_needs_the_memory_of_busy_models_waits_until_one_is_free(pool: Pool):
    """Waiting, not failing; and `poll` is called meanwhile."""
    polled = threading.Event()
    with ThreadPoolExecutor(1) as threads, pool.use("m1"):
        with pool.use("m0"):
            waiting = threads.submit(pool.get, "m2", poll=polled.set)
            assert polled.wait(10)
            assert not waiting.done()
        assert waiting.result(10).id == "m2"


def test_a_stream_of_requests_for_busy_models_does_not_starve_the_one_that_waits(pool: Pool):
    """Once chosen to leave, a model takes no new requests, however many come."""
    stop = threading.Event()

    def keep_busy(model_id: str) -> None:
        while not stop.is_set():
            with pool.use(model_id):
                stop.wait(0.01)

    with ThreadPoolExecutor(8) as threads:
        busy = [threads.submit(keep_busy, f"m{i % 2}") for i in range(6)]
        try:
            assert threads.submit(pool.get, "m5").result(20).id == "m5"
        finally:
            stop.set()
        for thread in busy:
            thread.result(10)


SIZES = "".join(f'[[model]]\nid = "{i}"\nsource = "m.gguf"\n' for i in ("large", "medium", "tiny", "tiny2"))


def test_a_model_that_waits_for_a_busy_one_keeps_nobody_waiting_whom_it_does_not_need(
    tmp_path: Path, engines: Engines
):
    """What fits beside both goes ahead; what would take the memory it waits for does not."""
    pool = make_pool(tmp_path, engines, SIZES)
    with ThreadPoolExecutor(2) as threads:
        with pool.use("m0"):
            large = threads.submit(pool.get, "large")
            wait_until(lambda: pool.status("large") == "loading")
            assert pool.get("tiny").id == "tiny"
            medium = threads.submit(pool.get, "medium")
            wait_until(lambda: pool.status("medium") == "loading")
            assert pool.get("tiny2").id == "tiny2"  # so the line was looked at, with "medium" before this one
            assert not large.done()
            assert not medium.done()
        assert large.result(10).id == "large"
        assert medium.result(10).id == "medium"
    pool.close()


def test_models_that_go_ahead_do_not_starve_the_one_that_waits(tmp_path: Path, engines: Engines):
    """A stream of small ones comes and goes, and the large one is loaded meanwhile."""
    pool = make_pool(tmp_path, engines, SIZES)
    stop = threading.Event()

    def ask_for(model_id: str) -> None:
        while not stop.is_set():
            with pool.use(model_id):
                stop.wait(0.01)

    with ThreadPoolExecutor(6) as threads:
        small = [threads.submit(ask_for, model_id) for model_id in ("m0", "tiny", "m1", "tiny")]
        try:
            assert threads.submit(pool.get, "large").result(30).id == "large"
        finally:
            stop.set()
        for thread in small:
            thread.result(10)
    pool.close()


def test_a_pinned_model_never_makes_room(tmp_path: Path, engines: Engines):
    """Not even as the least recently used one."""
    pool = make_pool(tmp_path, engines, '[[model]]\nid = "pinned"\nsource = "m.gguf"\npinned = true\n')
    touch(pool, "pinned", "m0", "m1", "m2")
    assert loaded(pool) == {"pinned", "m2"}
    pool.close()


def test_when_only_pinned_models_are_left_the_request_is_told(tmp_path: Path, engines: Engines):
    """503 with what to do, instead of waiting for ever."""
    rows = "".join(f'[[model]]\nid = "p{i}"\nsource = "m.gguf"\npinned = true\n' for i in range(2))
    pool = make_pool(tmp_path, engines, rows)
    touch(pool, "p0", "p1")
    with pytest.raises(errors.NotReady, match=r"not enough memory .* `localllm stop`"):
        pool.get("m0")
    pool.close()


def test_what_can_never_fit_is_refused_at_once(tmp_path: Path, engines: Engines):
    """Nothing is unloaded for it."""
    tiny_models.write(tmp_path / "huge.gguf")
    pool = make_pool(tmp_path, engines, '[[model]]\nid = "huge"\nsource = "huge.gguf"\n')
    touch(pool, "m0", "m1")
    with pytest.raises(errors.ModelLoadFailed, match=r"needs .* GB"):
        pool.get("huge")
    assert loaded(pool) == {"m0", "m1"}
    pool.close()


def test_an_idle_model_is_unloaded_after_its_keep_alive(tmp_path: Path, engines: Engines):
    """Each by its own; the setting counts where the entry is silent; a pinned one stays."""
    rows = (
        '[[model]]\nid = "short"\nsource = "m.gguf"\nkeep_alive = "0.001s"\n'
        '[[model]]\nid = "stays"\nsource = "m.gguf"\nkeep_alive = "forever"\n'
    )
    pool = make_pool(tmp_path, engines, rows, keep_alive="1h")
    touch(pool, "short", "stays")
    wait_until(lambda: loaded(pool) == {"stays"})
    touch(pool, "m0")
    pool.sweep()
    assert loaded(pool) == {"stays", "m0"}
    pool.close()


def test_a_setting_that_means_nothing_is_refused_at_the_start(tmp_path: Path, engines: Engines):
    """Not found out by the thread that unloads."""
    with pytest.raises(errors.CatalogError, match="keep_alive must be like"):
        make_pool(tmp_path, engines, keep_alive="10")


def test_a_keep_alive_of_0_unloads_as_soon_as_the_last_user_is_gone(tmp_path: Path, engines: Engines):
    """And not while a second one is still there."""
    pool = make_pool(tmp_path, engines, keep_alive="0")
    with pool.use("m0"):
        with pool.use("m0"):
            pass
        assert loaded(pool) == {"m0"}
    assert loaded(pool) == set()
    wait_until(lambda: pool.reserved_bytes == 0)
    pool.close()


def test_a_model_that_was_loaded_for_somebody_is_not_unloaded_before_they_come(
    tmp_path: Path, engines: Engines
):
    """A client that asks again every second finds what it waited for."""
    engines.prepare = lambda engine: engine.may_load.clear()
    pool = make_pool(tmp_path, engines, keep_alive="0")

    def give_up() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        pool.get("m0", poll=give_up)
    wait_until(lambda: bool(engines.alive))
    next(iter(engines.alive)).may_load.set()
    wait_until(lambda: loaded(pool) == {"m0"})
    pool.sweep()
    assert loaded(pool) == {"m0"}
    pool.close()


def test_a_failed_load_gives_its_reservation_back(pool: Pool, engines: Engines):
    """And leaves nothing running."""
    engines.prepare = lambda engine: setattr(engine, "load_error", errors.ModelLoadFailed("broken"))
    with pytest.raises(errors.ModelLoadFailed, match="broken"):
        pool.get("m0")
    assert pool.reserved_bytes == 0
    assert not engines.alive


def test_ps_shows_what_is_held_and_for_how_long(pool: Pool):
    """Bytes, users and the time that is left."""
    touch(pool, "m0")
    with pool.use("m1"):
        rows = {row.entry.id: row for row in pool.loaded()}
    assert rows["m0"].ram_bytes == rows["m1"].ram_bytes == SIZE
    assert (rows["m0"].num_users, rows["m1"].num_users) == (0, 1)
    assert rows["m0"].expires_s is not None
    assert 0 < rows["m0"].expires_s <= 600


def test_ten_models_in_memory_for_two_serve_500_mixed_requests(pool: Pool, engines: Engines):
    """No failure, never more than two alive, never a byte above the limit, and nothing left at the end."""
    order = [IDS[i % 10] for i in range(500)]
    random.Random(1).shuffle(order)
    overdrawn = []

    def request(model_id: str) -> str:
        with pool.use(model_id) as model:
            if pool.reserved_bytes > LIMIT:
                overdrawn.append(pool.reserved_bytes)
            assert model.engine.state == "ready"
            return model.id

    with ThreadPoolExecutor(12) as threads:
        assert list(threads.map(request, order)) == order
    assert not overdrawn
    assert engines.most_alive == 2
    for model_id in loaded(pool):
        pool.unload(model_id)
    wait_until(lambda: pool.reserved_bytes == 0 and not engines.alive)


def test_real_engines_take_turns_and_leave_no_process_behind(tmp_path: Path):
    """Three models, memory for about two, one request after the other, real processes."""
    paths = Paths(tmp_path, tmp_path / "cache", tmp_path / "logs")
    tiny_models.write(tmp_path / "m.gguf")
    paths.catalog.write_text(
        "".join(f'[[model]]\nid = "{i}"\nsource = "m.gguf"\nn_ctx = 512\nn_threads = 1\n' for i in "abc")
    )
    pool = Pool(Catalog(paths.catalog), paths, memory_limit_bytes=150 << 20)
    before = {p.pid for p in psutil.Process().children(recursive=True)}
    for model_id in "abcab":
        with pool.use(model_id) as model:
            assert "".join(d.text for d in model.engine.submit("Hi", SamplingParams(max_tokens=3)))
        assert len(loaded(pool)) <= 2
        assert pool.reserved_bytes <= 150 << 20
    pool.close()
    assert pool.reserved_bytes == 0
    left = {p.pid: p for p in psutil.Process().children(recursive=True) if p.pid not in before}
    assert not [p for p in left.values() if "resource_tracker" not in " ".join(p.cmdline())]
