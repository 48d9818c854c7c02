"""What was computed once is shared: by the next turn, by requests that run together, by several completions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localllm.engine.admission_control import WORTH_WAITING
from localllm.engine.prefix_cache import PrefixCache
from localllm.engine.sequence import common_prefix
from tests.engine.fakes import EOG, A, B, Rig


def test_a_second_turn_computes_only_what_is_new():
    """The first turn's cells are taken over by the request that continues it."""
    rig = Rig()
    rig.submit(1, A, max_tokens=4)
    rig.run()
    rig.submit(2, [*A, *B[:5]], max_tokens=1)
    before = rig.runner.num_computed
    rig.run()
    assert rig.num_cached[2, 0] == len(A)
    assert rig.runner.num_computed - before == 5


def test_requests_that_arrive_together_compute_their_common_prefix_once():
    """Four users with one system prompt: one computes it, the others share its cells."""
    rig = Rig(max_running=4, num_cells=1024)
    for request_id in range(4):
        rig.submit(request_id, [*A, 500 + request_id], max_tokens=2)
    rig.run()
    assert rig.runner.num_computed < len(A) + 4 * 4
    assert sorted(rig.num_cached.values()) == [0, len(A), len(A), len(A)]


def test_n_completions_share_their_prompt():
    """n = 3 computes the prompt once."""
    rig = Rig()
    rig.submit(1, A, n=3, max_tokens=2)
    rig.run()
    assert len(rig.finished) == 3
    assert rig.runner.num_computed < len(A) + 3 * 4


@pytest.mark.parametrize("limit", [2, 8])
def test_n_completions_share_their_prompt_where_memory_cannot_be_cut(limit):
    """A recurrent state is copied before the prompt's last token, for as many as run at once."""
    rig = Rig(can_cut=False, num_slots=limit, max_running=limit)
    rig.submit(1, A, n=4, max_tokens=2)
    rig.run()
    assert len(rig.finished) == 4
    num_firsts = -(-4 // limit)
    assert rig.runner.num_computed < num_firsts * len(A) + 4 * 3 + WORTH_WAITING
    assert sum(cached > len(A) - WORTH_WAITING for cached in rig.num_cached.values()) == 4 - num_firsts


def test_a_prefix_can_be_taken_from_a_running_sequence():
    """A stream need not end before another may share what it has computed."""
    rig = Rig()
    rig.submit(1, A, max_tokens=100)
    while (1, 0) not in rig.texts:
        rig.step()
    rig.submit(2, [*A, 7], max_tokens=1)
    while (2, 0) not in rig.finished:
        rig.step()
    assert rig.num_cached[2, 0] == len(A)
    assert (1, 0) not in rig.finished


def test_a_prefix_is_only_copied_from_cells_that_are_there():
    """A prompt that begins with all that a running stream has written shares no more than was computed."""
    rig = Rig()
    rig.submit(1, A, max_tokens=100)
    for _ in range(6):
        rig.step()
    (running,) = rig.scheduler.running
    rig.submit(2, [*running.tokens.view().tolist(), 7, 8], max_tokens=1)
    rig.run()
    assert rig.num_cached[2, 0] >= len(A)


def test_cache_prompt_false_neither_takes_nor_leaves_a_prefix():
    """llama.cpp's switch is honoured in both directions."""
    rig = Rig()
    rig.submit(1, A, cache_prompt=False)
    rig.run()
    assert rig.cache.num_free_cells == rig.cache.num_cells
    rig.submit(2, A)
    rig.run()
    rig.submit(3, A, cache_prompt=False)
    rig.run()
    assert rig.num_cached[3, 0] == 0


def test_kept_prefixes_make_room_for_a_new_prompt_oldest_first():
    """A full cache is no error: the least recently used prefix goes."""
    rig = Rig(num_cells=200)
    rig.submit(1, A, max_tokens=1)
    rig.run()
    rig.submit(2, B, max_tokens=1)
    rig.run()
    rig.submit(3, list(range(600, 680)), max_tokens=1)
    rig.run()
    rig.submit(4, [*B, 1], max_tokens=1)
    rig.run()
    assert rig.num_cached[4, 0] == len(B)
    rig.submit(5, [*A, 1], max_tokens=1)
    rig.run()
    assert rig.num_cached[5, 0] == 0


def test_background_work_does_not_take_over_a_chats_prefix():
    """A title request that begins like the chat copies its cells; the chat's next turn still finds them."""
    rig = Rig()
    rig.submit(1, A, max_tokens=2)
    rig.run()
    rig.submit(2, [*A, 1, 2, 3], priority="background", max_tokens=2)
    rig.run()
    assert any(s.length > len(A) and not s.is_background for s in rig.cache.slots)


def test_a_memory_that_cannot_be_cut_is_reused_only_whole():
    """Recurrent models: a prompt that goes on where a sequence ended continues it, a diverging one starts anew."""
    rig = Rig(can_cut=False)
    rig.submit(1, A, max_tokens=1)
    rig.run()
    rig.submit(2, A[:40] + B, max_tokens=1)
    rig.run()
    assert rig.num_cached[2, 0] == 0
    rig.submit(3, [*A, 5, 6], max_tokens=1)
    rig.run()
    assert rig.num_cached[3, 0] == len(A)


def test_a_memory_that_cannot_be_cut_goes_on_from_the_last_turns_boundary():
    """The next turn renders the answer differently: the state before the answer is there, and is taken."""
    rig = Rig(can_cut=False)
    first_turn = [*A, EOG, 7, 8]
    rig.submit(1, first_turn, max_tokens=3)
    rig.run()
    rig.submit(2, [*first_turn, 9, 9, EOG, 5], max_tokens=1)
    rig.run()
    assert rig.num_cached[2, 0] == len(A) + 1


@given(st.lists(st.integers(0, 2), max_size=12), st.lists(st.integers(0, 2), max_size=12))
def test_common_prefix_is_what_a_loop_would_find(a, b):
    """The numpy comparison agrees with the obvious one."""
    import itertools

    import numpy as np

    expected = len(list(itertools.takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False))))
    assert common_prefix(np.array(a, dtype=np.int32), np.array(b, dtype=np.int32)) == expected


def test_an_empty_cache_has_nothing_to_evict():
    """make_room says so instead of looping."""
    cache = PrefixCache(2, 10)
    assert cache.make_room(10, for_background=False)
    assert not cache.make_room(11, for_background=False)
