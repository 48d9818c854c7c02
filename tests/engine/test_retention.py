"""What goes to disk: everything that would have to be computed again, and nothing twice."""

from __future__ import annotations

import numpy as np
import pytest

from localllm.engine.disk_cache import MIN_TOKENS, DiskCache
from localllm.engine.retention import Retention, Write
from localllm.engine.sequence import TokenBuffer
from tests.engine.fakes import Rig

SYSTEM = list(range(1000, 1200))  # what all users' prompts begin with


class Kept:
    """A rig whose slots go to disk; writes wait until they are let through."""

    def __init__(self, tmp_path, **options):
        self.rig = Rig(num_slots=8, num_cells=4096, **options)
        self.disk = DiskCache(tmp_path / "kept", "model", 10**9)
        self.writes: list[Write] = []
        self.retention = Retention(self.disk, self.rig.cache, self.rig.runner, self.writes.append)

    def answer(self, request_id, prompt, priority="chat"):
        self.rig.submit(request_id, prompt, max_tokens=2, priority=priority)
        self.rig.run()

    def save_all(self):
        while self.retention.save_one():
            pass

    @property
    def has_system(self):
        return self.disk.covers(np.array(SYSTEM, dtype=np.int32)) == len(SYSTEM)

    def write_all(self):
        num_writes = len(self.writes)
        while self.writes:
            self.writes.pop(0)()
        return num_writes


def prompt_of(user, count=20):
    return [*SYSTEM, *range(100 * user, 100 * user + count)]


class WrongGuesses:
    """A drafter that is never right."""

    def propose(self, sequence):
        return [999, 999, 999]

    def observe(self, num_drafts, num_tokens, seconds):
        pass


def test_what_was_guessed_wrong_is_not_saved(tmp_path):
    """The last step's guesses are cut before the slot is read: a cell too many would end an engine later."""
    kept = Kept(tmp_path, drafter=WrongGuesses())
    kept.answer(1, SYSTEM)
    assert kept.rig.runner.num_drafts
    kept.save_all()
    kept.write_all()
    stored, _ = kept.disk.find(TokenBuffer([*SYSTEM, *range(50)]))
    assert stored is not None
    state = kept.disk.read(stored)
    assert state is not None
    assert [int(token) for token in state.split(b",")] == stored.token_ids.tolist()


def test_what_many_prompts_begin_with_is_written_once(tmp_path):
    """Four users with one system prompt: the tokens of their own are soon computed, the rest is on disk once."""
    kept = Kept(tmp_path)
    for user in range(1, 5):
        kept.answer(user, prompt_of(user))
    kept.save_all()
    assert kept.write_all() == 1
    assert kept.has_system


def test_a_long_conversation_of_its_own_is_written_although_its_beginning_is_there(tmp_path):
    """What is worth a file is counted in the tokens that would be lost."""
    kept = Kept(tmp_path)
    kept.answer(1, prompt_of(1))
    kept.save_all()
    kept.write_all()
    kept.answer(2, prompt_of(2, count=MIN_TOKENS + 10))
    kept.save_all()
    assert kept.write_all() == 1


def test_what_is_sent_away_is_not_written_while_another_slot_has_it(tmp_path):
    """The other one goes to disk when it has to go itself: nothing is lost."""
    kept = Kept(tmp_path, kept_beside_streams=250)
    for user in range(1, 5):
        kept.answer(user, prompt_of(user))
    assert kept.write_all() == 0
    kept.answer(9, list(range(5000, 5300)))
    kept.answer(10, list(range(6000, 6300)))
    kept.write_all()
    assert kept.has_system


def test_background_work_is_no_keeper(tmp_path):
    """What it holds is never written, so a chat's prefix that it shares is."""
    kept = Kept(tmp_path)
    kept.answer(1, prompt_of(1))
    kept.answer(2, prompt_of(2), priority="background")
    (of_chat,) = (slot for slot in kept.rig.cache.slots if slot.length and not slot.is_background)
    kept.rig.cache.drop(of_chat)
    kept.write_all()
    assert kept.has_system


@pytest.mark.parametrize("own", [5, 50])
def test_a_memory_that_is_taken_whole_is_written_whole(tmp_path, own):
    """A recurrent state of a longer text is of no use for a shorter one."""
    kept = Kept(tmp_path, can_cut=False)
    kept.answer(1, prompt_of(1))
    kept.answer(2, prompt_of(2, count=own))
    kept.save_all()
    assert kept.write_all() == 2
