"""The pool loads a model once, keeps it, follows edits, and never makes a status wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from localllm import errors
from localllm.engine.loading import LoadParams
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.memory import Memory, Plan
from localllm.models.pool import Pool
from localllm.paths import Paths
from tests.models.fakes import INFO, FakeEngine

CATALOG = """\
[[model]]
id = "a"
source = "a.gguf"
aliases = ["alias"]

[[model]]
id = "b"
source = "b.gguf"

[[model]]
id = "far"
source = "hf:o/r/far.gguf"
"""


def always_fits(entry: Entry, paths: Paths, free: Memory, draft: Entry | None = None) -> Plan:
    return Plan(
        n_ctx=512 if entry.n_ctx == "auto" else entry.n_ctx, n_gpu_layers=-1, ram_bytes=1, device_bytes=0
    )


class Garage:
    """Makes the pool's engines and remembers them; `prepare` may change each before it starts."""

    def __init__(self) -> None:
        self.engines: list[FakeEngine] = []
        self.prepare: Callable[[FakeEngine], None] = lambda engine: None
        self._has_engine = threading.Event()

    def __call__(self, params: LoadParams) -> FakeEngine:
        engine = FakeEngine(params)
        self.prepare(engine)
        self.engines.append(engine)
        self._has_engine.set()
        return engine

    def wait_for_engine(self) -> FakeEngine:
        """The first engine, once it is made."""
        assert self._has_engine.wait(10), "no engine was made"
        return self.engines[0]


@pytest.fixture
def garage() -> Garage:
    return Garage()


@pytest.fixture
def pool(tmp_path: Path, garage: Garage) -> Iterator[Pool]:
    paths = Paths(tmp_path, tmp_path / "cache", tmp_path / "logs")
    paths.catalog.write_text(CATALOG)
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).touch()
    pool = Pool(Catalog(paths.catalog), paths, garage, make_plan=always_fits)
    yield pool
    pool.close()


def held_back(engine: FakeEngine) -> None:
    engine.may_load.clear()


def statuses(pool: Pool) -> dict[str, str]:
    return {entry.id: status for entry, status in pool.statuses()}


def test_a_model_is_loaded_on_demand_and_kept(pool: Pool, garage: Garage):
    """The second request finds it loaded; an alias means the same model."""
    assert statuses(pool)["a"] == "unloaded"
    model = pool.get("a")
    assert pool.get("alias") is model
    assert len(garage.engines) == 1
    assert statuses(pool) == {"a": "loaded", "b": "unloaded"}


def test_the_load_parameters_come_from_the_entry(pool: Pool, garage: Garage, tmp_path: Path):
    """A relative source counts from the catalog; the log has the model's name."""
    pool.get("a")
    params = garage.engines[0].params
    assert Path(params.path) == tmp_path / "a.gguf"
    assert params.model_id == "a"
    assert params.log_path == str(tmp_path / "logs" / "engine-a.log")


def test_requests_that_come_together_load_once(pool: Pool, garage: Garage):
    """Twenty threads, one engine, one model."""
    garage.prepare = held_back
    with ThreadPoolExecutor(20) as threads:
        models = [threads.submit(pool.get, "a") for _ in range(20)]
        garage.wait_for_engine().may_load.set()
        assert len({id(m.result()) for m in models}) == 1
    assert garage.engines[0].num_starts == 1


def test_two_models_load_side_by_side(pool: Pool, garage: Garage):
    """A slow load of one does not keep the other's requests waiting."""
    garage.prepare = held_back
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(pool.get, "a")
        garage.wait_for_engine()
        garage.prepare = lambda engine: None
        assert pool.get("b").id == "b"
        assert statuses(pool)["a"] == "loading"
        garage.engines[0].may_load.set()
        assert slow.result().id == "a"


def test_a_client_that_leaves_does_not_stop_the_load(pool: Pool, garage: Garage):
    """`poll` gives up for one request only."""
    garage.prepare = held_back

    def give_up() -> None:
        raise ConnectionError("the client left")

    with pytest.raises(ConnectionError):
        pool.get("a", poll=give_up)
    assert statuses(pool)["a"] == "loading"
    garage.engines[0].may_load.set()
    assert pool.get("a").id == "a"
    assert garage.engines[0].num_starts == 1


def test_a_failed_load_is_told_to_all_and_tried_again_by_the_next_request(pool: Pool, garage: Garage):
    """The reason reaches everybody who waited; a repaired file works without a restart."""
    garage.prepare = lambda engine: setattr(engine, "load_error", errors.ModelLoadFailed("no GGUF"))
    with pytest.raises(errors.ModelLoadFailed, match="no GGUF"):
        pool.get("a")
    assert statuses(pool)["a"] == "failed"
    garage.prepare = lambda engine: None
    assert pool.get("a").id == "a"


def test_an_engine_that_died_is_started_again(pool: Pool, garage: Garage):
    """The next request does not notice."""
    pool.get("a")
    garage.engines[0].die()
    assert statuses(pool)["a"] == "unloaded"
    assert pool.get("a").engine.state == "ready"
    assert len(garage.engines) == 2


def test_a_model_that_is_not_downloaded_is_refused_before_anything_starts(pool: Pool, garage: Garage):
    """404 with the command that gets it; and it is not among those that can be chosen."""
    with pytest.raises(errors.ModelNotFound, match="localllm pull far"):
        pool.get("far")
    assert garage.engines == []
    assert "far" not in statuses(pool)


def test_an_unknown_model_is_refused(pool: Pool):
    """With the nearest match, as the catalog has it."""
    with pytest.raises(errors.ModelNotFound, match="no model"):
        pool.get("nothing")


def test_unloading_ends_the_engine(pool: Pool, garage: Garage):
    """And the next request starts a new one."""
    pool.get("a")
    assert pool.unload("a")
    assert not pool.unload("a")
    assert garage.engines[0].num_closes == 1
    assert statuses(pool)["a"] == "unloaded"
    pool.get("a")
    assert len(garage.engines) == 2


def test_unloading_while_loading_tells_those_who_wait(pool: Pool, garage: Garage):
    """Nobody hangs, and the message says what happened."""
    garage.prepare = held_back
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(pool.get, "a")
        garage.wait_for_engine().has_started.wait(10)
        pool.unload("a")
        with pytest.raises(errors.NotReady, match="was unloaded while"):
            waiting.result()


def test_closing_ends_every_engine(pool: Pool, garage: Garage):
    """No process is left behind."""
    pool.get("a")
    pool.get("b")
    pool.close()
    assert [engine.num_closes for engine in garage.engines] == [1, 1]


def test_new_sampling_defaults_are_taken_over_without_a_reload(pool: Pool, garage: Garage):
    """What does not concern the engine is true for the next request."""
    pool.get("a")
    pool.catalog.path.write_text(CATALOG.replace('id = "a"', 'id = "a"\nsampling = {top_k = 7}'))
    assert pool.get("a").sampling.top_k == 7
    assert len(garage.engines) == 1


def test_a_new_context_length_reloads_an_idle_model(pool: Pool, garage: Garage):
    """The next request gets what the catalog says now."""
    pool.get("a")
    pool.catalog.path.write_text(CATALOG.replace('id = "a"', 'id = "a"\nn_ctx = 99'))
    assert pool.get("a").engine.params.n_ctx == 99
    assert len(garage.engines) == 2


def test_a_model_in_use_is_not_reloaded_under_its_users(pool: Pool, garage: Garage):
    """An edit waits until the last stream has ended."""
    with pool.use("a") as model:
        pool.catalog.path.write_text(CATALOG.replace('id = "a"', 'id = "a"\nn_ctx = 99'))
        assert pool.get("a") is model
    assert pool.get("a").engine.params.n_ctx == 99


def test_the_template_is_the_entrys_then_the_models_then_chatml(pool: Pool, garage: Garage, tmp_path: Path):
    """An entry can repair a model whose own template is wrong."""
    assert "<|im_start|>" in pool.get("a").template.source
    garage.prepare = lambda engine: setattr(
        engine, "fake_info", msgspec.structs.replace(INFO, chat_template="{{ 1 }}")
    )
    assert pool.get("b").template.source == "{{ 1 }}"
    (tmp_path / "own.jinja").write_text("{{ 2 }}")
    pool.catalog.path.write_text(CATALOG.replace('id = "b"', 'id = "b"\nchat_template = "own.jinja"'))
    assert pool.get("b").template.source == "{{ 2 }}"


def test_a_template_that_is_not_there_is_told(pool: Pool):
    """The path that was expected is in the message."""
    pool.catalog.path.write_text(CATALOG.replace('id = "b"', 'id = "b"\nchat_template = "own.jinja"'))
    with pytest.raises(errors.ModelLoadFailed, match=r"own\.jinja"):
        pool.get("b")


def test_statuses_do_not_wait_for_a_load_or_for_the_lock_of_one(pool: Pool, garage: Garage):
    """They are read while a load is held back by its engine."""
    garage.prepare = held_back
    loader = threading.Thread(target=pool.get, args=("a",))
    loader.start()
    garage.wait_for_engine()
    assert statuses(pool)["a"] == "loading"
    assert pool.progress("a") == 0.5
    garage.engines[0].may_load.set()
    loader.join()


def test_an_entry_names_the_model_that_drafts_for_it_by_id(pool: Pool, garage: Garage):
    """`draft` is resolved like any id: the engine gets the file; a name that is not there says so."""
    text = pool.catalog.path.read_text()
    pool.catalog.path.write_text(text.replace('source = "b.gguf"', 'source = "b.gguf"\ndraft = "alias"'))
    pool.get("b")
    draft_path = garage.engines[0].params.draft_path
    assert draft_path is not None
    assert Path(draft_path).name == "a.gguf"
    pool.catalog.path.write_text(text.replace('source = "a.gguf"', 'source = "a.gguf"\ndraft = "nobody"'))
    with pytest.raises(errors.ModelNotFound, match="nobody"):
        pool.get("a")
