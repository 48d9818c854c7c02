"""Reading apart with llama.cpp: the text is the same, the thread stands still when told to, what it read is there."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import psutil
import pytest

from localllm.engine.engine import Engine
from localllm.engine.loading import LoadParams
from localllm.engine.plan import Prefill
from localllm.engine.prefiller import TILE, ContextPrefiller
from localllm.engine.prefills import Portion
from localllm.engine.sequence import Sequence
from localllm.llama import library
from localllm.llama.batch import Batch
from localllm.llama.context import Context
from localllm.llama.model import Model
from localllm.sampling_params import SamplingParams
from tests import tiny_models
from tests.engine.generation import GREEDY, finish_of, text_of
from tests.waiting import wait_until

N_CTX = 4096
PROMPT = [60 + i * i % 97 for i in range(3001)]
FRESH = msgspec.structs.replace(GREEDY, cache_prompt=False)
only_where_it_is_done = pytest.mark.skipif(
    not library.waiting_threads_sleep(), reason="prompts are not read apart on this system"
)


# ── in an engine ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module", params=["llama", "qwen2"])
def engine(request, tmp_path_factory) -> Iterator[Engine]:
    """Prompts of 200 tokens are read apart, however fast it is; background work never is."""
    path = tiny_models.write(tmp_path_factory.mktemp(request.param) / "tiny.gguf", arch=request.param)
    log_path = str(path.with_suffix(".log"))
    engine = Engine(
        LoadParams(
            path=str(path),
            model_id="tiny",
            n_ctx=N_CTX,
            n_parallel=2,
            n_gpu_layers=0,
            apart_from=200,
            log_path=log_path,
        )
    )
    yield engine
    engine.close()


def answer_apart(engine, prompt, params=FRESH):
    """The deltas, and how many tokens were read apart."""
    before = engine.stats().num_apart_tokens
    deltas = list(engine.submit(prompt, params))
    return deltas, engine.stats().num_apart_tokens - before


@only_where_it_is_done
def test_the_text_is_what_it_is_when_the_prompt_is_read_in_steps(engine):
    """Promise: nobody can tell from the answer where its prompt was read."""
    deltas, num_apart = answer_apart(engine, PROMPT[:450])
    assert num_apart == 449
    assert text_of(engine.submit(PROMPT[:450], FRESH, priority="background")) == text_of(deltas)


@only_where_it_is_done
def test_a_prefix_that_is_there_is_taken_along(engine):
    """Promise: only what is new is read, and the answer is the same."""
    prompt = PROMPT[500:950]
    expected = text_of(answer_apart(engine, prompt)[0])
    finish_of(engine.submit(prompt[:150], SamplingParams(temperature=0, max_tokens=1)))
    deltas, num_apart = answer_apart(engine, prompt, GREEDY)
    assert text_of(deltas) == expected
    assert finish_of(deltas).num_cached_tokens == 150
    assert num_apart == 450 - 1 - 150


@only_where_it_is_done
def test_a_part_of_what_was_read_apart_is_a_prefix_like_any_other(engine):
    """Promise: whoever shares the beginning takes it, and gets the text that a whole computation gives."""
    prompt = [*PROMPT[1000:1300], *PROMPT[:40]]
    expected = text_of(engine.submit(prompt, FRESH, priority="background"))
    finish_of(engine.submit(PROMPT[1000:1450], SamplingParams(temperature=0, max_tokens=1)))
    deltas = list(engine.submit(prompt, GREEDY))
    assert finish_of(deltas).num_cached_tokens == 300
    assert text_of(deltas) == expected


@only_where_it_is_done
def test_long_prompts_do_not_fill_the_log(engine):
    """Promise: its last lines are about what went wrong, however many contexts came and went before."""
    answer_apart(engine, PROMPT[:300])
    before = Path(engine.params.log_path).read_bytes()
    assert b"llama_context" in before
    assert answer_apart(engine, PROMPT[1500:2000])[1] == 499
    assert Path(engine.params.log_path).read_bytes() == before


def test_models_with_a_sliding_window_are_read_in_steps(tmp_path):
    """Promise: no prefix is offered of which half the cells are missing: saved windows have only their ends."""
    path = tiny_models.write(tmp_path / "tiny.gguf", arch="gemma3")
    engine = Engine(
        LoadParams(path=str(path), model_id="tiny", n_ctx=2048, n_parallel=2, n_gpu_layers=0, apart_from=200)
    )
    assert answer_apart(engine, PROMPT[:450])[1] == 0
    engine.close()


# ── the thread alone ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def model(tiny_model_path) -> Iterator[Model]:
    model = Model(tiny_model_path, n_gpu_layers=0)
    yield model
    model.close()


class Reader:
    """A prefiller on a tiny model. The gate shuts by itself in the middle of its second chunk, unless told not to."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.num_nodes = 0
        self.num_chunks = 0
        self.shuts = True
        self.contexts: list[weakref.ref[Context]] = []
        self.is_inside = threading.Event()
        self.prefiller = ContextPrefiller(self.make_context, model.cell_bytes, self.changed)

    def make_context(self, n_ctx, on_node):
        context = Context(
            self.model,
            n_ctx=n_ctx,
            n_seq_max=2,
            n_batch=512,
            n_threads=1,
            max_logits=2,
            on_node=self.counted(on_node),
        )
        self.contexts.append(weakref.ref(context))
        return context

    def counted(self, on_node):
        def on_counted_node():
            self.num_nodes += 1
            if self.shuts and self.num_chunks == 1:
                self.shuts = False
                self.prefiller._is_open = False  # as if the loop had begun a step just now
                self.is_inside.set()
            return on_node()

        return on_counted_node

    def changed(self) -> None:
        self.num_chunks += 1

    def start(self, count=3000):
        sequence = Sequence(1, 0, PROMPT, SamplingParams())
        self.prefiller.start(Prefill(sequence, 0, count), None)
        return sequence

    def start_and_hold(self):
        """A prompt that is held in the middle of its second chunk."""
        sequence = self.start()
        assert self.is_inside.wait(60)
        self.prefiller.hold()
        return sequence

    def collect_all(self, count=1):
        """All portions until so many prompts have ended."""
        portions: list[Portion] = []

        def have_ended():
            portions.extend(self.prefiller.collect())
            return sum(portion.is_last for portion in portions) == count

        wait_until(have_ended)
        return portions


@pytest.fixture
def reader(model) -> Iterator[Reader]:
    reader = Reader(model)
    yield reader
    reader.prefiller.close()


def logits_after(context: Context, seq_id: int, position: int) -> np.ndarray:
    batch = Batch(1)
    index = batch.add(seq_id, PROMPT[position : position + 1], position, num_logits=1, count=1)
    context.decode(batch)
    return context.logits(index).copy()


def test_the_portions_of_a_prompt_are_the_cells_of_any_other_context(reader):
    """Promise: put one behind the other they go on as if they had been computed there."""
    reader.shuts = False
    sequence = reader.start(count=700)
    portions = reader.collect_all()
    assert {portion.sequence for portion in portions} == {sequence}
    assert sum(portion.count for portion in portions) == 700
    context = Context(reader.model, n_ctx=N_CTX, n_seq_max=3, n_batch=512, n_threads=1, max_logits=3)
    batch = Batch(512)
    for start in (0, 350):
        batch.clear()
        batch.add(0, PROMPT[start : start + 350], start, num_logits=0, count=350)
        context.decode(batch)
    assert all(context.append(1, portion.state, through=2) for portion in portions)
    np.testing.assert_allclose(logits_after(context, 1, 700), logits_after(context, 0, 700), atol=1e-2)
    context.close()


def test_nothing_is_computed_while_the_loop_holds_it_and_nothing_is_lost_by_that(reader):
    """Promise: a step has the cores to itself from the moment that hold returns, in the middle of a batch too."""
    reader.start_and_hold()
    before = reader.num_nodes
    other = Context(reader.model, n_ctx=256, n_seq_max=1, n_batch=512, n_threads=1, max_logits=1)
    logits_after(other, 0, 0)
    other.close()
    assert reader.num_nodes == before
    assert [portion.count for portion in reader.prefiller.collect()] == [TILE]
    reader.prefiller.go()
    assert sum(portion.count for portion in reader.collect_all()) == 3000 - TILE


def test_who_is_stopped_in_the_middle_of_a_batch_gives_the_chunks_before_it(reader):
    """Promise: a cancel takes effect after a node, held or not, and loses no chunk that was finished."""
    sequence = reader.start_and_hold()
    nodes = reader.num_nodes
    assert [portion.count for portion in reader.prefiller.stop(sequence)] == [TILE]
    assert reader.num_nodes == nodes
    wait_until(lambda: reader.prefiller._thread is None)
    assert not reader.prefiller.collect()


def test_one_that_waits_for_its_turn_is_stopped_without_waiting_for_the_other(reader):
    """Promise: nobody's cancel waits for somebody else's batch, which may take seconds."""
    first = reader.start_and_hold()
    second = reader.start()
    assert reader.prefiller.stop(second) == []
    assert [portion.count for portion in reader.prefiller.stop(first)] == [TILE]


def test_one_that_has_just_had_its_turn_is_stopped_though_the_next_one_is_held(model):
    """Promise: between two turns nobody waits for a gate that only he could open."""
    reader = Reader(model)
    reader.shuts = False
    is_between, may_go_on = threading.Event(), threading.Event()

    def between_turns() -> None:
        is_between.set()
        assert may_go_on.wait(60)

    reader.prefiller._on_change = between_turns
    first, second = reader.start(), reader.start()
    assert is_between.wait(60)
    reader.prefiller.hold()
    assert [portion.count for portion in reader.prefiller.stop(first)] == [TILE]
    may_go_on.set()
    assert reader.prefiller.stop(second) == []
    reader.prefiller.close()


def test_two_prompts_are_read_in_turn(reader):
    """Promise: a prompt does not wait for the end of one that came before it."""
    reader.shuts = False
    reader.prefiller.hold()
    long, short = reader.start(), reader.start(count=600)
    reader.prefiller.go()
    ended = [portion.sequence for portion in reader.collect_all(2) if portion.is_last]
    assert ended == [short, long]


@pytest.mark.parametrize("error", [library.LlamaError("no memory"), MemoryError(), OSError("surprise")])
def test_a_context_that_cannot_be_made_is_told_and_ends_nothing(reader, error):
    """Promise: the prompt is read in steps, and the next one is tried as if nothing had happened."""
    reader.shuts = False
    make = reader.prefiller._make_context

    def refuse(n_ctx, on_node):
        raise error

    reader.prefiller._make_context = refuse
    sequence = reader.start()
    assert reader.collect_all() == [Portion(sequence, 0, None, is_last=True)]
    reader.prefiller._make_context = make
    reader.start(count=300)
    assert sum(portion.count for portion in reader.collect_all()) == 300


def test_it_can_be_closed_in_the_middle_of_a_batch(reader):
    """Promise: unloading a model does not wait for prompts that are being read, held or not."""
    reader.start_and_hold()
    reader.start()
    reader.prefiller.close()
    assert reader.prefiller._thread is None


def test_memory_and_thread_are_given_back_when_all_is_read(reader):
    """Promise: contexts do not wait for Python's garbage collector, and no thread slows streams down afterwards."""
    reader.shuts = False
    gc.disable()
    try:
        for count in (300, 400):
            reader.start(count=count)
            reader.collect_all()
            wait_until(lambda: reader.prefiller._thread is None)
        assert [context() for context in reader.contexts] == [None, None]
    finally:
        gc.enable()


def test_no_prompt_is_taken_where_memory_is_short(reader, monkeypatch):
    """Promise: second contexts do not drive the machine into its swap; what was promised to another one counts."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=400 << 20))
    assert not reader.prefiller.has_room(3000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=800 << 20))
    assert reader.prefiller.has_room(3000)
    reader.start_and_hold()
    reader.start()
    assert not reader.prefiller.has_room(3000)
