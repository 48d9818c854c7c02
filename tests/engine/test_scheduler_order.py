"""Who goes first: chats before background work, and no prompt that finds no room holds everybody up."""

from __future__ import annotations

import itertools

from tests.engine.fakes import Rig


def prompt(start, count):
    return list(range(start, start + count))


def steps_until(rig, key, *, limit=50):
    """How many steps it takes until this completion has its first token."""
    for count in itertools.count(1):
        rig.step()
        if key in rig.texts:
            return count
        assert count < limit, "it waits too long"
    raise AssertionError


def num_tokens(rig, request_id):
    """What was computed for a request."""
    return sum(count for batch in rig.runner.batches for request, count in batch if request == request_id)


def first_batch(rig, request_id, start=0):
    """In which batch, from `start` on, a request is computed first."""
    batches = enumerate(rig.runner.batches[start:], start)
    return next(i for i, batch in batches if any(request == request_id for request, _ in batch))


# ── background work steps aside ─────────────────────────────────────────────────────────────────────────────


def test_a_chat_that_waits_for_a_row_gets_that_of_background_work():
    """All rows write titles: a chat starts in the next step, the newest title comes back later, and is whole."""
    rig = Rig(max_running=2, num_slots=4)
    for request_id in (1, 2):
        rig.submit(request_id, prompt(100 * request_id, 20), max_tokens=100, priority="background")
    for _ in range(10):
        rig.step()
    rig.submit(3, prompt(500, 20), max_tokens=5)
    assert steps_until(rig, (3, 0)) == 1
    assert {request for request, _ in rig.runner.batches[-1]} == {1, 3}
    rig.run()
    assert rig.texts == {(1, 0): 100, (2, 0): 100, (3, 0): 5}
    assert num_tokens(rig, 2) == 20 + 99, "it came back by its prefix: nothing was computed twice"


def test_a_chat_that_waits_for_cells_gets_those_of_background_work():
    """One background request holds most cells: a chat need not wait for its end."""
    rig = Rig(num_cells=200)
    rig.submit(1, prompt(100, 120), max_tokens=60, priority="background")
    steps_until(rig, (1, 0))
    rig.submit(2, prompt(500, 100), max_tokens=5)
    assert steps_until(rig, (2, 0)) <= 2
    rig.run()
    assert rig.texts == {(1, 0): 60, (2, 0): 5}


def test_no_more_background_work_is_paused_than_the_chat_needs():
    """The newest goes first, and what need not go stays."""
    rig = Rig(num_cells=300, max_running=4)
    for request_id in (1, 2, 3):
        rig.submit(request_id, prompt(100 * request_id, 60), max_tokens=40, priority="background")
    for request_id in (1, 2, 3):
        while (request_id, 0) not in rig.texts:
            rig.step()
    rig.submit(4, prompt(900, 100), max_tokens=5)
    rig.step()
    assert [s.request_id for s in rig.scheduler.running] == [1, 2, 4]
    rig.run()
    assert len(rig.finished) == 4


def test_background_work_is_not_paused_where_that_does_not_help():
    """A chat that has to wait for another chat's cells costs the title nothing."""
    rig = Rig(num_cells=300)
    rig.submit(1, prompt(100, 200), max_tokens=20)
    steps_until(rig, (1, 0))
    rig.submit(2, prompt(400, 20), max_tokens=10, priority="background")
    steps_until(rig, (2, 0))
    rig.submit(3, prompt(600, 150), max_tokens=5)
    rig.step()
    assert {s.request_id for s in rig.scheduler.running} == {1, 2}
    assert rig.scheduler.num_paused == 0
    rig.run()
    assert len(rig.finished) == 3


def test_a_chats_prompt_is_read_before_those_of_background_work():
    """Three long background prompts leave the whole step to the chat, and go on afterwards."""
    rig = Rig(num_cells=2048)
    for request_id in (1, 2, 3):
        rig.submit(request_id, prompt(1000 * request_id, 300), max_tokens=2, priority="background")
    rig.step()
    rig.submit(4, prompt(9000, 200), max_tokens=2)
    began = len(rig.runner.batches)
    steps_until(rig, (4, 0))
    assert {request for batch in rig.runner.batches[began:-1] for request, _ in batch} == {4}
    rig.run()
    assert len(rig.finished) == 4


def test_a_chat_takes_over_the_prefix_that_background_work_is_computing():
    """It neither waits for it nor computes it again."""
    rig = Rig(num_cells=1024)
    rig.submit(1, prompt(100, 300), max_tokens=2, priority="background")
    rig.step()
    rig.submit(2, [*prompt(100, 290), 7, 8], max_tokens=2)
    rig.step()
    assert [s.request_id for s in rig.scheduler.running] == [2]
    rig.run()
    assert len(rig.finished) == 2
    assert rig.runner.num_computed < 300 + 20


def test_what_was_computed_before_a_pause_is_not_told_as_cached():
    """cached_tokens is what the request found, not what it left itself."""
    rig = Rig(max_running=1, num_slots=4)
    rig.submit(1, prompt(100, 200), max_tokens=2, priority="background")
    rig.step()
    rig.submit(2, prompt(500, 20), max_tokens=2)
    rig.run()
    assert rig.scheduler.num_paused == 1
    assert rig.num_cached[1, 0] == 0


# ── one without room does not hold the others up ────────────────────────────────────────────────────────────


def rig_with_a_prompt_without_room():
    """One stream holds 300 of 512 cells, and a prompt of 400 waits for them."""
    rig = Rig(num_cells=512)
    rig.submit(1, prompt(1000, 300), max_tokens=150)
    steps_until(rig, (1, 0))
    rig.submit(2, prompt(2000, 400), max_tokens=2)
    rig.step()
    return rig


def test_a_short_prompt_goes_ahead_of_a_long_one_that_finds_no_room():
    """Cells are free for ten tokens, and they are used."""
    rig = rig_with_a_prompt_without_room()
    rig.submit(3, prompt(5000, 10), max_tokens=2)
    assert steps_until(rig, (3, 0)) <= 2
    rig.run()
    assert list(rig.finished) == [(3, 0), (1, 0), (2, 0)]


def test_a_prompt_that_finds_no_room_is_not_starved_by_short_ones():
    """However many short ones keep coming, only a few go ahead."""
    rig = rig_with_a_prompt_without_room()
    for request_id in range(10, 500):
        rig.submit(request_id, prompt(100 * request_id, 10), max_tokens=3)
        rig.step()
        if (2, 0) in rig.finished:
            break
    assert (2, 0) in rig.finished
    ahead = [key for key in rig.finished if key[0] >= 10]
    assert len(ahead) < 20
    rig.run()


def test_a_stream_that_was_paused_is_not_overtaken():
    """Somebody reads it already: newcomers wait until it goes on."""
    rig = Rig(num_cells=120)
    rig.submit(1, prompt(100, 20), max_tokens=80)
    rig.submit(2, prompt(300, 20), max_tokens=80)
    while not rig.scheduler.num_paused:
        rig.step()
    paused_at = len(rig.runner.batches)
    rig.submit(3, prompt(500, 2), max_tokens=2)
    rig.run()
    assert first_batch(rig, 3, paused_at) >= first_batch(rig, 2, paused_at)
    assert rig.texts == {(1, 0): 80, (2, 0): 80, (3, 0): 2}


def test_background_work_does_not_go_ahead_of_a_chat_without_room():
    """It fits, but the chat needs the same cells."""
    rig = rig_with_a_prompt_without_room()
    rig.submit(3, prompt(5000, 10), max_tokens=2, priority="background")
    rig.run()
    assert first_batch(rig, 3) >= first_batch(rig, 2)
    assert len(rig.finished) == 3


def test_a_long_answer_does_not_lend_out_what_prompts_were_promised():
    """Whoever is let in finds its cells free: nobody is paused for a prompt that came too early."""
    rig = Rig(num_cells=200, n_batch=8)
    rig.submit(1, prompt(1000, 4), max_tokens=130)
    while rig.texts.get((1, 0), 0) < 100:
        rig.step()
    rig.submit(2, prompt(2000, 40), max_tokens=20)
    rig.submit(3, prompt(3000, 50), max_tokens=2)
    rig.run()
    assert rig.scheduler.num_paused == 0
    assert len(rig.finished) == 3
