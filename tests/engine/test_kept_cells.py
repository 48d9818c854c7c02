"""What ended requests leave behind must not slow those that run: on a CPU, attention walks over every used cell."""

from __future__ import annotations

import numpy as np

from localllm.engine.engine import Engine
from localllm.engine.loading import LoadParams
from localllm.engine.model_host import KEPT_BESIDE_STREAMS
from localllm.sampling_params import SamplingParams
from tests import tiny_models
from tests.engine.fakes import Rig
from tests.engine.generation import finish_of
from tests.waiting import wait_until

GREEDY = SamplingParams(temperature=0, max_tokens=4)


def prompt(start, count=60):
    return list(range(start, start + count))


def answer(rig, request_id, tokens, **options):
    rig.submit(request_id, tokens, max_tokens=2, **options)
    rig.run()
    return rig.num_cached[request_id, 0]


def num_kept(rig):
    cells = [slot.cells for slot in rig.cache.slots if slot.is_idle]
    return len(np.unique(np.concatenate(cells)))


def test_a_chat_that_starts_sends_old_prefixes_away_and_keeps_the_newest():
    """Promise: beside a stream no more cells are kept than the limit says, and the last used are kept longest."""
    rig = Rig(num_slots=8, num_cells=1024, kept_beside_streams=130)
    for request_id in range(4):
        answer(rig, request_id, prompt(100 * request_id))
    rig.submit(9, prompt(900), max_tokens=8)
    rig.step()
    assert 60 <= num_kept(rig) <= 130
    rig.run()
    assert answer(rig, 10, prompt(300)) == 59
    assert answer(rig, 11, prompt(0)) == 0


def test_the_prefix_that_a_chat_takes_over_is_not_sent_away():
    """Promise: continuing a conversation finds it, however little may be kept."""
    rig = Rig(num_slots=8, num_cells=1024, kept_beside_streams=0)
    answer(rig, 1, prompt(0))
    assert answer(rig, 2, [*prompt(0), 7, 8]) == 60


def test_background_work_sends_nothing_away():
    """Promise: a title or a tag never costs a chat its prefix."""
    rig = Rig(num_slots=8, num_cells=1024, kept_beside_streams=0)
    answer(rig, 1, prompt(0))
    answer(rig, 2, prompt(500), priority="background")
    assert answer(rig, 3, [*prompt(0), 7, 8]) == 60


def test_a_prefix_that_was_sent_away_comes_back_from_disk_instead_of_being_computed(tmp_path):
    """Promise: making way for streams loses nothing."""
    path = tiny_models.write(tmp_path / "llama.gguf")
    engine = Engine(
        LoadParams(
            path=str(path), model_id="llama", n_ctx=8192, n_parallel=2, disk_cache_dir=str(tmp_path / "kept")
        )
    )
    try:
        size = KEPT_BESIDE_STREAMS * 3 // 4
        prompts = [[65 + (i * step) % 26 for i in range(size)] for step in (3, 5, 7)]
        for ids in prompts:
            list(engine.submit(ids, GREEDY))
        again = list(engine.submit([*prompts[0], 70, 71], GREEDY))
        assert finish_of(again).num_cached_tokens >= size
        wait_until(lambda: engine.stats().num_restored_tokens >= size)
        before = engine.stats().num_restored_tokens
        together = [engine.submit([*prompts[1], 70 + i], GREEDY) for i in range(2)]
        assert all(finish_of(list(stream)).num_cached_tokens >= size for stream in together)
        assert engine.stats().num_restored_tokens - before <= size + len(again), "it was restored twice"
    finally:
        engine.close()
