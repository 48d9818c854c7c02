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
from localllm.engine.prefiller import ContextPrefiller
from localllm.engine.prefills import Prefilled
from localllm.engine.sequence import Sequence
from localllm.llama.batch import Batch
from localllm.llama.context import Context
from localllm.llama.library import LlamaError
from localllm.llama.model import Model
from localllm.sampling_params import SamplingParams
from tests import tiny_models
from tests.engine.generation import GREEDY, finish_of, text_of
from tests.waiting import wait_until

N_CTX = 4096
PROMPT = [60 + i * i % 97 for i in range(3001)]


# ── in an engine ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module", params=["llama", "qwen2", "gemma3"])
def engine(request, tmp_path_factory) -> Iterator[Engine]:
    """Steps of 64 tokens, so that prompts of 256 are read apart; background work never is."""
    path = tiny_models.write(tmp_path_factory.mktemp(request.param) / "tiny.gguf", arch=request.param)
    log_path = str(path.with_suffix(".log"))
    engine = Engine(
        LoadParams(path=str(path), model_id="tiny", n_ctx=2048, n_parallel=2, n_batch=64, log_path=log_path)
    )
    yield engine
    engine.close()


def test_the_text_is_what_it_is_when_the_prompt_is_read_in_steps(engine):
    """Promise: nobody can tell from the answer where its prompt was read."""
    fresh = msgspec.structs.replace(GREEDY, cache_prompt=False)
    expected = text_of(engine.submit(PROMPT[:450], fresh, priority="background"))
    before = engine.stats().num_apart_tokens
    assert text_of(engine.submit(PROMPT[:450], fresh)) == expected
    assert engine.stats().num_apart_tokens - before == 449


def test_a_prefix_that_is_there_is_taken_along(engine):
    """Promise: only what is new is read, and the answer is the same; the prefix stays shared with who has it."""
    fresh = msgspec.structs.replace(GREEDY, cache_prompt=False)
    prompt = PROMPT[500:950]
    expected = text_of(engine.submit(prompt, fresh, priority="background"))
    finish_of(engine.submit(prompt[:150], SamplingParams(temperature=0, max_tokens=1)))
    before = engine.stats().num_apart_tokens
    deltas = list(engine.submit(prompt, GREEDY))
    assert "".join(delta.text for delta in deltas) == expected
    assert finish_of(deltas).num_cached_tokens == 150
    assert engine.stats().num_apart_tokens - before == 450 - 1 - 150


def test_a_stream_goes_on_while_a_long_prompt_is_read_and_both_are_right(engine):
    """Promise: neither changes the other's text."""
    fresh = msgspec.structs.replace(GREEDY, cache_prompt=False)
    long = msgspec.structs.replace(fresh, max_tokens=200)
    expected = [text_of(engine.submit(PROMPT[:40], long)), text_of(engine.submit(PROMPT[1000:1450], fresh))]
    stream = iter(engine.submit(PROMPT[:40], long))
    first = next(stream)
    newcomer = engine.submit(PROMPT[1000:1450], fresh)
    assert [first.text + text_of(stream), text_of(newcomer)] == expected


def test_long_prompts_do_not_fill_the_log(engine):
    """Promise: its last lines are about what went wrong, however many contexts came and went before."""
    finish_of(engine.submit(PROMPT[:300], GREEDY))
    before = Path(engine.params.log_path).read_bytes()
    assert b"llama_context" in before
    num_apart = engine.stats().num_apart_tokens
    finish_of(engine.submit(PROMPT[1500:2000], GREEDY))
    assert engine.stats().num_apart_tokens > num_apart
    assert Path(engine.params.log_path).read_bytes() == before


# ── the thread alone ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def model(tiny_model_path) -> Iterator[Model]:
    model = Model(tiny_model_path, n_gpu_layers=0)
    yield model
    model.close()


class Reader:
    """A prefiller on a tiny model; counts the nodes that were computed, and holds it after the first of its chunks."""

    def __init__(self, model: Model, *, holds: bool = True) -> None:
        self.model = model
        self.num_nodes = 0
        self.contexts: list[weakref.ref[Context]] = []
        self.has_changed = threading.Event()
        self.holds = holds
        self.prefiller = ContextPrefiller(self.make_context, model.cell_bytes, self.changed)

    def make_context(self, n_ctx, on_node):
        def counted():
            self.num_nodes += 1
            return on_node()

        context = Context(
            self.model, n_ctx=n_ctx, n_seq_max=1, n_batch=512, n_threads=1, max_logits=1, on_node=counted
        )

        self.contexts.append(weakref.ref(context))
        return context

    def changed(self) -> None:
        if self.holds:
            self.prefiller._gate._is_open = False  # as if the loop had just begun a step
        self.has_changed.set()

    def collect(self, count):
        """So many that have ended."""
        ended: list[Prefilled] = []

        def has_all():
            ended.extend(self.prefiller.collect())
            return len(ended) == count

        wait_until(has_all)
        return ended

    def start(self, count=3000, start=0, prefix=None):
        sequence = Sequence(1, 0, PROMPT, SamplingParams())
        self.prefiller.start(Prefill(sequence, start, count), prefix)
        return sequence


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


def test_a_prompt_is_read_to_its_end_and_its_cells_are_those_of_any_other_context(model):
    """Promise: what is collected can be put behind the prefix, and goes on as if it had been computed there."""
    reader = Reader(model, holds=False)
    sequence = reader.start(count=700)
    (prefilled,) = reader.collect(1)
    assert (prefilled.sequence, prefilled.count) == (sequence, 700)
    context = Context(model, n_ctx=N_CTX, n_seq_max=3, n_batch=512, n_threads=1, max_logits=3)
    batch = Batch(512)
    for start in (0, 350):
        batch.clear()
        batch.add(0, PROMPT[start : start + 350], start, num_logits=0, count=350)
        context.decode(batch)
    assert context.append(1, prefilled.state, through=2)
    np.testing.assert_allclose(logits_after(context, 1, 700), logits_after(context, 0, 700), atol=1e-2)
    context.close()
    reader.prefiller.close()


def test_nothing_is_computed_while_the_loop_holds_it(reader):
    """Promise: a step has the cores to itself, from the moment that hold returns; after go it is read to its end."""
    reader.start()
    assert reader.has_changed.wait(60)
    reader.prefiller.hold()
    before, progress = reader.num_nodes, reader.prefiller.progress()
    other = Context(reader.model, n_ctx=256, n_seq_max=1, n_batch=512, n_threads=1, max_logits=1)
    logits_after(other, 0, 0)
    other.close()
    assert (reader.num_nodes, reader.prefiller.progress()) == (before, progress)
    reader.holds = False
    reader.prefiller.go()
    assert reader.collect(1)[0].count == 3000


def test_who_is_stopped_while_it_is_held_gives_what_it_has_read(reader):
    """Promise: a cancel takes effect at once, between two steps, and loses no chunk that was finished."""
    sequence = reader.start()
    assert reader.has_changed.wait(60)
    reader.prefiller.hold()
    ((_, num_read),) = reader.prefiller.progress()
    prefilled = reader.prefiller.stop(sequence)
    assert 0 < prefilled.count == num_read < 3000
    context = Context(reader.model, n_ctx=N_CTX, n_seq_max=2, n_batch=512, n_threads=1, max_logits=2)
    assert context.append(0, prefilled.state, through=1)
    context.close()
    assert not reader.prefiller.progress()
    assert not reader.prefiller.collect()


def test_one_that_waits_for_its_turn_is_stopped_without_waiting_for_the_other(reader):
    """Promise: nobody's cancel waits for somebody else's batch, which may take seconds."""
    reader.prefiller.hold()
    first, second = reader.start(), reader.start()
    assert reader.prefiller.stop(second).count == 0
    assert [sequence for sequence, _ in reader.prefiller.progress()] == [first]


def test_two_prompts_are_read_in_turn(reader):
    """Promise: a prompt does not wait for the end of one that came before it."""
    reader.holds = False
    reader.prefiller.hold()
    long, short = reader.start(), reader.start(count=600)
    reader.prefiller.go()
    assert [prefilled.sequence for prefilled in reader.collect(2)] == [short, long]


def test_a_context_that_cannot_be_made_gives_nothing_and_ends_nothing(model):
    """Promise: the loop is told, and the next prompt is tried as if nothing had happened."""
    reader = Reader(model, holds=False)
    make, reader.prefiller._make_context = reader.prefiller._make_context, refuse
    sequence = reader.start()
    assert reader.collect(1) == [Prefilled(sequence, 0, None)]
    reader.prefiller._make_context = make
    reader.start(count=300)
    assert reader.collect(1)[0].count == 300
    reader.prefiller.close()


def refuse(n_ctx, on_node):
    raise LlamaError("There is no memory for it.")


def test_it_can_be_closed_in_the_middle_of_a_prompt(reader):
    """Promise: unloading a model does not wait for a prompt that is being read, held or not."""
    reader.start()
    assert reader.has_changed.wait(60)
    reader.prefiller.close()
    assert "prefill" not in {thread.name for thread in threading.enumerate()}


def test_the_memory_of_a_prompt_is_given_back_at_once(reader):
    """Promise: contexts and cells do not wait for Python's garbage collector, which may be minutes away."""
    reader.holds = False
    gc.disable()
    try:
        reader.start(count=300)
        reader.collect(1)
        wait_until(lambda: "prefill" not in {thread.name for thread in threading.enumerate()})
        assert [context() for context in reader.contexts] == [None]
    finally:
        gc.enable()


def test_no_thread_is_left_when_all_is_read(reader):
    """Promise: reading apart costs a stream nothing once it is over; the next prompt is read all the same."""
    reader.holds = False
    for count in (300, 400):
        reader.start(count)
        assert reader.collect(1)[0].count == count
        wait_until(lambda: "prefill" not in {thread.name for thread in threading.enumerate()})


def test_no_prompt_is_taken_where_memory_is_short(reader, monkeypatch):
    """Promise: a second context never drives the machine into its swap."""
    assert reader.prefiller.has_room(3000)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=400 << 20))
    assert not reader.prefiller.has_room(3000)
