"""Long prompts are read apart: which ones, beside whom, and what their slots hold whatever happens meanwhile."""

from __future__ import annotations

import itertools

from localllm.engine.pace import Pace
from tests.engine.fakes import FakePrefiller, Rig

LONG = list(range(100, 300))
SHORT = [7, 8, 9]


def rig_with(**options):
    prefiller = FakePrefiller(**options)
    return Rig(num_cells=1024, prefiller=prefiller), prefiller


def test_a_long_prompt_is_read_apart_and_only_its_last_token_in_a_step():
    """Promise: steps stay as short as a token, and what is said is what it would be otherwise."""
    rig, prefiller = rig_with()
    rig.submit(1, LONG)
    rig.run()
    assert prefiller.started == [(1, 0, len(LONG) - 1)]
    assert max(count for batch in rig.runner.batches for _, count in batch) == 1
    alone = Rig(num_cells=1024)
    alone.submit(1, LONG)
    alone.run()
    assert rig.output == alone.output


def test_a_short_prompt_is_read_in_steps():
    """Promise: what takes a moment is not sent round a corner."""
    rig, prefiller = rig_with()
    rig.submit(1, SHORT)
    rig.run()
    assert not prefiller.started


def test_a_stream_gets_a_token_in_every_step_while_a_long_prompt_is_read():
    """Promise: a running stream never waits for somebody else's prompt."""
    rig, _ = rig_with(portion=10)
    rig.submit(1, SHORT, max_tokens=100)
    rig.step()
    rig.submit(2, LONG)
    for _ in range(15):
        rig.step()
    assert (2, 0) not in rig.texts
    assert rig.texts[1, 0] == 16


def test_a_short_prompt_does_not_wait_for_a_long_one():
    """Promise: it is read in steps and answered, while the long one is still being read."""
    rig, _ = rig_with(portion=10)
    rig.submit(1, LONG)
    rig.step()
    rig.submit(2, SHORT, max_tokens=4)
    while (2, 0) not in rig.finished:
        rig.step()
    assert (1, 0) not in rig.texts


def test_the_prefix_that_is_there_is_taken_along_and_not_read_again():
    """Promise: nothing is computed twice, whoever computes; the shared cells stay shared."""
    rig, prefiller = rig_with()
    rig.submit(1, LONG[:100], max_tokens=40)
    while (1, 0) not in rig.texts:
        rig.step()
    rig.submit(2, LONG)
    rig.run()
    assert prefiller.started == [(1, 0, 99), (2, 100, 99)]
    assert rig.num_cached[2, 0] == 100


def test_who_shares_the_prompt_waits_until_it_is_read():
    """Promise: four users with one long system prompt have it read once."""
    rig, prefiller = rig_with()
    for request_id in range(4):
        rig.submit(request_id, [*LONG, 1000 + request_id])
    rig.run()
    assert len(prefiller.started) == 1
    assert [rig.num_cached[i, 0] for i in range(1, 4)] == [len(LONG)] * 3


def test_who_shares_only_the_beginning_waits_for_that_and_not_for_the_whole_prompt():
    """Promise: a short prompt with the same system prompt starts when that has been read, whatever comes behind it."""
    rig, prefiller = rig_with(portion=10)
    rig.submit(1, LONG)
    rig.step()
    rig.submit(2, [*LONG[:60], 7, 8, 9], max_tokens=2)
    while (2, 0) not in rig.finished:
        rig.step()
    assert prefiller.jobs
    assert rig.num_cached[2, 0] >= 30


def test_what_was_read_of_a_cancelled_prompt_is_kept_for_the_next_one():
    """Promise: a hang-up in the middle of a long prompt throws nothing away."""
    rig, prefiller = rig_with(portion=50)
    rig.submit(1, LONG)
    rig.step()
    rig.step()
    assert rig.core.cancel(1)
    assert not prefiller.jobs
    rig.submit(2, LONG)
    rig.run()
    assert rig.num_cached[2, 0] == 100


def test_a_stream_that_finds_no_cells_gets_those_of_the_newest_prompt_and_loses_nothing():
    """Promise: who is read apart is paused like others when the cache is full, and comes back by what was read."""
    prefiller = FakePrefiller(portion=1)
    rig = Rig(num_cells=300, prefiller=prefiller)
    rig.submit(1, SHORT, max_tokens=150)
    rig.step()
    rig.submit(2, LONG, max_tokens=2)
    rig.run()
    assert rig.scheduler.num_paused == 1
    assert set(rig.finished) == {(1, 0), (2, 0)}
    (_, first, _), (_, second, count) = prefiller.started
    assert first == 0 < second
    assert second + count == len(LONG) - 1


def test_where_it_does_not_work_the_prompt_is_read_in_steps():
    """Promise: a context that cannot be made is no error for anybody, and is not tried again for this prompt."""
    rig, prefiller = rig_with(fails=lambda: True)
    rig.submit(1, LONG)
    rig.run()
    assert len(prefiller.started) == 1
    assert rig.finished == {(1, 0): "length"}


def test_cells_that_cannot_be_taken_over_are_computed_in_steps():
    """Promise: the prompt goes on from where it is, and the rest of it is not read apart for nothing."""
    rig, prefiller = rig_with(portion=50)
    answers = iter([False, True])
    rig.runner.append_fails = lambda: next(answers)
    rig.submit(1, LONG)
    rig.run()
    assert rig.runner.num_computed - 8 + 1 == len(LONG) - 50
    assert not prefiller.jobs


def test_reserved_cells_do_not_send_a_kept_prefix_away():
    """Promise: what a prompt will take is not counted as something kept."""
    rig = Rig(num_cells=1024, prefiller=FakePrefiller(portion=10), kept_beside_streams=130)
    rig.submit(1, list(range(600, 660)), max_tokens=2)
    rig.run()
    rig.submit(2, LONG)
    rig.step()
    rig.submit(3, SHORT, max_tokens=2)
    rig.step()
    rig.submit(4, list(range(600, 661)), max_tokens=2)
    rig.run()
    assert rig.num_cached[4, 0] == 60


def test_prompts_for_which_there_is_no_room_apart_are_read_in_steps():
    """Promise: a third long prompt is read beside the two, and not after them."""
    prefiller = FakePrefiller(portion=5)
    rig = Rig(num_cells=1024, prefiller=prefiller, most_apart=1)
    rig.submit(1, LONG)
    rig.submit(2, list(range(400, 600)), max_tokens=2)
    while (2, 0) not in rig.finished:
        rig.step()
    assert len(prefiller.started) == 1
    assert (1, 0) not in rig.texts


def test_background_work_is_read_in_steps_behind_everything_else():
    """Promise: a title gets what chats leave, and no share of the time of its own."""
    rig, prefiller = rig_with()
    rig.submit(1, LONG, priority="background")
    rig.run()
    assert not prefiller.started


def test_progress_is_told_while_a_prompt_is_read_apart():
    """Promise: a client that waits for a long prompt is told how far it is, as with any other."""
    rig, _ = rig_with(portion=60)
    seconds = itertools.count()
    rig.core._clock = lambda: next(seconds)
    rig.submit(1, LONG)
    told = [delta.prefilled for _ in range(4) for delta in rig.step() if delta.prefilled]
    assert told[-1] == (180, 200)
    assert sorted(told) == told


def test_the_loop_rests_while_prompts_are_read_apart_and_never_otherwise():
    """Promise: prompts get the time between steps; without them no step waits; without streams nothing disturbs."""
    rig, _ = rig_with(portion=20)
    assert rig.core.rest_s() == 0
    rig.submit(1, SHORT, max_tokens=100)
    rig.step()
    assert rig.core.rest_s() == 0
    rig.submit(2, LONG, max_tokens=2)
    rig.step()
    assert 0 < rig.core.rest_s() <= rig.core.pace.apart_s
    rig.core.cancel(1)
    rig.step()
    assert rig.core.rest_s() is None
    rig.run()
    assert rig.core.rest_s() == 0


def test_the_rest_is_what_a_stream_may_pause_and_at_least_as_long_as_the_step():
    """Promise: prompts get at least half of the time, however many streams there are."""
    pace = Pace(n_batch=512, apart_s=0.15)
    assert pace.rest_s(0.03) == 0.15 - 0.03
    assert pace.rest_s(0.2) == 0.2
