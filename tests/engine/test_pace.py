"""The pace turns time into prompt tokens, from what steps were seen to cost."""

from __future__ import annotations

import pytest

from localllm.engine.pace import LEAST_APART, ROW_BLOCK, Pace

DECODE_S, TOKEN_S = 0.030, 0.010


def run_steps(pace: Pace, count: int, *, num_decoding: int, slowness: float = 1.0) -> list[float]:
    """Steps of a machine on which a batch costs its weights once and something for each token; their seconds."""
    seconds = []
    for _ in range(count):
        num_prefilled = pace.prefill_tokens(num_decoding=num_decoding)
        took = slowness * ((DECODE_S if num_decoding else 0.0) + TOKEN_S * num_prefilled)
        pace.observe(num_decoding, num_prefilled, took)
        seconds.append(took)
    return seconds


@pytest.fixture
def pace():
    """A pace that has seen a stream decode alone."""
    pace = Pace(n_batch=512)
    for _ in range(10):
        pace.observe(1, 0, DECODE_S)
    return pace


def test_a_step_beside_a_stream_fills_its_time_and_keeps_to_it(pace):
    """Promise: a running stream pauses for no longer than the budget, and hardly any of it is wasted."""
    settled = run_steps(pace, 50, num_decoding=1)[-1]
    assert 0.75 * pace.busy_s < settled <= pace.busy_s


def test_without_a_stream_a_step_reads_as_much_as_fits_its_longer_time(pace):
    """Promise: a prompt that disturbs nobody is read in large batches."""
    settled = run_steps(pace, 50, num_decoding=0)[-1]
    assert 0.75 * pace.idle_s < settled <= pace.idle_s


@pytest.mark.parametrize("num_decoding", range(9))
def test_the_rows_of_a_step_are_a_multiple_of_what_the_kernels_take_at_once(pace, num_decoding):
    """Promise: no step ends in rows that are computed one by one."""
    run_steps(pace, 20, num_decoding=num_decoding)
    assert (pace.prefill_tokens(num_decoding=num_decoding) + num_decoding) % ROW_BLOCK == 0


def test_prompts_are_read_apart_where_they_take_longer_than_a_step_may(pace):
    """Promise: a fast machine reads a thousand tokens without a context for them; short ones every machine."""
    assert Pace(n_batch=512).apart_from == LEAST_APART
    pace.observe(0, 100, 100 * 0.001)
    assert pace.apart_from == pytest.approx(pace.idle_s / 0.001)
    assert Pace(n_batch=512, apart_from=30).apart_from == 30


def test_a_machine_that_has_become_slow_gets_shorter_steps_and_recovers(pace):
    """Promise: the budget follows the machine in both directions, even from the smallest step."""
    before = run_steps(pace, 50, num_decoding=1)[-1]
    run_steps(pace, 100, num_decoding=1, slowness=20.0)
    smallest = pace.prefill_tokens(num_decoding=1)
    assert 0 < smallest <= 8
    after = run_steps(pace, 100, num_decoding=1)[-1]
    assert after == pytest.approx(before, rel=0.2)


def test_every_step_carries_some_of_the_prompt_however_slow_the_machine(pace):
    """Promise: a prompt is never starved by the streams beside it."""
    run_steps(pace, 50, num_decoding=7, slowness=1000.0)
    assert pace.prefill_tokens(num_decoding=7) > 0


def test_what_is_read_in_no_time_waits_for_no_company(pace):
    """Promise: a short prompt, or a small model, begins at once."""
    assert Pace(n_batch=512).patience_s(10_000) == 0.0  # nothing is known yet
    run_steps(pace, 20, num_decoding=0, slowness=0.01)
    assert pace.patience_s(100) == 0.0


def test_a_long_prompt_waits_a_moment_of_the_time_it_takes(pace):
    """Promise: waiting for company never costs more than a thirtieth, nor more than two hundredths of a second."""
    run_steps(pace, 50, num_decoding=0)
    assert 0.0 < pace.patience_s(30) <= 30 * TOKEN_S / 30
    assert pace.patience_s(10_000) == 0.02
