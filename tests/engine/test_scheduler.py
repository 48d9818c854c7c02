"""The scheduler's policies, on a runner without a model: hours of traffic in milliseconds."""

from __future__ import annotations

import pytest

from tests.engine.fakes import A, B, Rig


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


def test_the_context_limit_ends_an_answer_with_length():
    """Where no cell is left for one sequence alone, its answer ends as cut by length."""
    rig = Rig(num_cells=100)
    rig.submit(1, A, max_tokens=None)
    rig.run()
    assert rig.finished[1, 0] == "length"
    assert rig.texts[1, 0] == 20
