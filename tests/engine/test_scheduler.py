"""The scheduler's policies, on a runner without a model: hours of traffic in milliseconds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localllm.engine.admission_control import WORTH_WAITING
from localllm.engine.drafting import Drafter
from localllm.engine.prefix_cache import PrefixCache
from localllm.engine.sequence import common_prefix
from tests.engine.fakes import EOG, Rig

A = list(range(100, 180))
B = list(range(300, 380))


def test_one_request_runs_to_its_limit():
    """max_tokens tokens come out, then the finish says length."""
    rig = Rig()
    rig.submit(1, A, max_tokens=5)
    rig.run()
    assert rig.texts == {(1, 0): 5}
    assert rig.finished == {(1, 0): "length"}


def test_a_running_stream_gets_a_token_in_every_step_while_a_long_prompt_arrives():
    """Prefill is cut into chunks; the stream that runs is part of each of them."""
    rig = Rig()
    rig.submit(1, A[:4], max_tokens=50)
    rig.step()
    rig.submit(2, list(range(1000, 1300)), max_tokens=2)
    while (2, 0) not in rig.texts:
        before = rig.texts[1, 0]
        rig.step()
        assert rig.texts[1, 0] == before + 1


def test_a_short_prompt_is_not_stuck_behind_a_long_one():
    """Prompts share each step: the short one answers long before the long one is read."""
    rig = Rig()
    rig.submit(1, list(range(1000, 1400)), max_tokens=2)
    rig.step()
    rig.submit(2, B[:10], max_tokens=2)
    while (2, 0) not in rig.texts:
        rig.step()
    assert (1, 0) not in rig.texts


def test_prompts_that_nearly_fit_into_a_step_are_read_in_one():
    """Otherwise the last tokens of each take another step, which costs almost as much again."""
    rig = Rig()
    for request_id in range(4):
        rig.submit(request_id, [request_id * 50 + t for t in range(10)])
    assert rig.scheduler.schedule(prefill_budget=30).num_prefilled == 40


@pytest.mark.parametrize(("beside_a_stream", "num_read"), [(False, 45), (True, 30)])
def test_a_running_stream_does_not_wait_for_the_ends_of_prompts(beside_a_stream, num_read):
    """A step is stretched only where nobody's text pauses for it."""
    rig = Rig()
    if beside_a_stream:
        rig.submit(9, B[:4])
        rig.step()
    for request_id in range(3):
        rig.submit(request_id, [request_id * 50 + t for t in range(15)])
    assert rig.scheduler.schedule(prefill_budget=30).num_prefilled == num_read


def test_prompts_that_do_not_fit_anyway_are_read_at_the_usual_measure():
    """A longer step would not save one."""
    rig = Rig()
    for request_id in range(3):
        rig.submit(request_id, [request_id * 50 + t for t in range(20)])
    assert rig.scheduler.schedule(prefill_budget=30).num_prefilled == 30


def test_patience_counts_what_has_to_be_computed_and_ends_when_something_runs():
    """Four users whose long system prompt is known are soon read; nothing waits once a stream runs."""
    rig = Rig()
    rig.submit(1, A, max_tokens=1)
    rig.run()
    rig.submit(2, [*A, 7, 8, 9])
    rig.submit(3, B[:20])
    assert rig.scheduler.num_unread() == 3 + 20
    rig.core.pace.observe(0, 10, 1.0)
    assert rig.core.patience_s() > 0
    rig.step()
    rig.submit(4, B)
    assert rig.core.patience_s() == 0


def test_eight_streams_all_progress_together():
    """None waits for another to finish."""
    rig = Rig(max_running=8, num_slots=16, num_cells=2048)
    for request_id in range(8):
        rig.submit(request_id, [request_id * 50 + t for t in range(20)], max_tokens=20)
    while not rig.finished:
        rig.step()
    assert min(rig.texts.values()) >= 15


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


def test_a_full_cache_pauses_the_newest_and_everything_still_ends():
    """Two long answers do not fit together: the newer waits, resumes, and both are whole."""
    rig = Rig(num_cells=120)
    rig.submit(1, A[:20], max_tokens=80)
    rig.submit(2, B[:20], max_tokens=80)
    rig.run()
    assert rig.scheduler.num_paused >= 1
    assert rig.texts == {(1, 0): 80, (2, 0): 80}


def test_cancelling_frees_the_row_at_once_and_leaves_the_others_alone():
    """The next step does not contain the cancelled request."""
    rig = Rig(max_running=1)
    rig.submit(1, A, max_tokens=50)
    rig.submit(2, B, max_tokens=2)
    rig.step()
    assert rig.core.cancel(1)
    rig.step()
    assert rig.runner.batches[-1][0][0] == 2
    rig.run()
    assert (2, 0) in rig.finished
    assert not rig.runner.open_sequences


def test_cancelling_what_still_waits_removes_it():
    """A queued request never runs after its cancel."""
    rig = Rig(max_running=1)
    rig.submit(1, A, max_tokens=5)
    rig.submit(2, B, max_tokens=5)
    rig.step()
    rig.core.cancel(2)
    rig.run()
    assert {request for batch in rig.runner.batches for request, _ in batch} == {1}


def test_background_work_waits_behind_every_chat():
    """A title request that came first runs last."""
    rig = Rig(max_running=1)
    rig.submit(9, A, max_tokens=30)
    rig.step()
    rig.submit(1, B, priority="background", max_tokens=2)
    rig.submit(2, B[40:], max_tokens=2)
    while len(rig.finished) < 3:
        rig.step()
    assert list(rig.finished) == [(9, 0), (2, 0), (1, 0)]


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


def test_the_context_limit_ends_an_answer_with_length():
    """Where no cell is left for one sequence alone, its answer ends as cut by length."""
    rig = Rig(num_cells=100)
    rig.submit(1, A, max_tokens=None)
    rig.run()
    assert rig.finished[1, 0] == "length"
    assert rig.texts[1, 0] == 20


prompts = st.builds(
    lambda base, length, tail: (A + B if base else B + A)[:length] + tail,
    st.booleans(),
    st.integers(0, 90),
    st.lists(st.integers(0, 50), min_size=1, max_size=12),
)
actions = st.lists(
    st.one_of(
        st.tuples(
            st.just("submit"),
            prompts,
            st.integers(1, 40),
            st.integers(1, 3),
            st.sampled_from(["chat", "background"]),
            st.booleans(),
        ),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("steps"), st.integers(1, 12)),
    ),
    max_size=30,
)


schedules = given(
    actions=actions,
    num_cells=st.integers(110, 400),
    max_running=st.integers(1, 5),
    can_cut=st.booleans(),
    drafts=st.booleans(),
    kept=st.one_of(st.none(), st.integers(0, 200)),
    period=st.integers(1, 97),
)


@settings(max_examples=300, deadline=None)
@schedules
def test_whatever_happens_every_request_ends_exactly_once_and_no_cell_is_lost(**schedule):
    """No deadlock, no starvation, no request lost or ended twice, no cell leaked: hundreds of random schedules.

    The fake runner also checks that every cell holds the token the sequence thinks it holds.
    """
    carry_out(**schedule)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None)
@schedules
def test_through_thousands_of_schedules_every_request_ends_exactly_once(**schedule):
    """The same promises as above, through as many schedules as a quiet minute has room for."""
    carry_out(**schedule)


def carry_out(actions, num_cells, max_running, can_cut, drafts, kept, period):
    """Submit, cancel and step as the schedule says, run to the end, and look at what is left."""
    rig = Rig(
        num_cells=num_cells,
        max_running=max_running,
        num_slots=max_running * 2,
        can_cut=can_cut,
        drafter=Drafter() if drafts and can_cut else None,
        kept_beside_streams=kept,
    )
    rig.runner.next_token = lambda held: 1 + len(held) % period  # prompts and answers that look alike
    submitted, cancelled = set(), set()
    for request_id, action in enumerate(actions):
        if action[0] == "submit":
            _, prompt, max_tokens, n, priority, cache_prompt = action
            rig.submit(
                request_id, prompt, max_tokens=max_tokens, n=n, priority=priority, cache_prompt=cache_prompt
            )
            submitted |= {(request_id, index) for index in range(n)}
        elif action[0] == "cancel":
            if rig.core.cancel(action[1]):
                cancelled |= {key for key in submitted if key[0] == action[1] and key not in rig.finished}
        else:
            for _ in range(action[1]):
                if rig.core.has_work:
                    rig.step()
    rig.run()
    assert set(rig.finished) == submitted - cancelled
    assert not rig.runner.open_sequences
    held = sum(len(set(map(int, slot.cells))) for slot in rig.cache.slots)
    for slot in rig.cache.slots:
        rig.cache.drop(slot)
    assert held >= 0
    assert rig.cache.num_free_cells == num_cells


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
