"""Guessing tokens changes how fast a text comes, never the text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localllm.engine.drafting import COMPARE_EVERY, MAX_DRAFTS, Drafter, guess
from localllm.engine.engine import Engine
from localllm.engine.loading import LoadParams
from localllm.engine.sequence import Sequence, TokenBuffer
from localllm.errors import ModelLoadFailed
from localllm.sampling_params import SamplingParams
from tests import tiny_models
from tests.engine.fakes import Rig
from tests.engine.generation import text_of

CYCLE = [5, 6, 7, 8, 9]


def periodic(tokens):
    """A model that writes the same five tokens again and again: guesses are right."""
    return CYCLE[(CYCLE.index(tokens[-1]) + 1) % 5] if tokens[-1] in CYCLE else 5


@pytest.mark.parametrize(
    ("tokens", "guessed"),
    [
        ([1, 2, 3, 4, 5, 6, 9, 1, 2, 3], [4, 5, 6, 9]),
        ([1, 2, 3, 4, 1, 2, 3, 7, 1, 2, 3], [7, 1, 2, 3]),
        ([1, 1, 1, 1], [1]),
        ([1, 2, 3, 4], []),
        ([1, 2, 3], []),
        ([], []),
    ],
)
def test_the_guess_is_what_followed_the_last_time(tokens, guessed):
    """The latest earlier place that ends alike decides."""
    assert guess(TokenBuffer(tokens), 4) == guessed


@settings(max_examples=60, deadline=None)
@given(
    prompt=st.lists(st.integers(1, 4), min_size=1, max_size=40),
    max_tokens=st.integers(1, 60),
    num_cells=st.integers(90, 200),
)
def test_the_tokens_are_the_same_with_and_without_guessing(prompt, max_tokens, num_cells):
    """Whatever is guessed, right or wrong, at the end of the cells or not: the same tokens, counted the same."""
    plain, drafting = Rig(num_cells=num_cells), Rig(num_cells=num_cells, drafter=Drafter())
    for rig in (plain, drafting):
        rig.submit(1, prompt, max_tokens=max_tokens)
        rig.run()
    assert drafting.output == plain.output
    assert drafting.texts == plain.texts
    assert drafting.finished == plain.finished


def test_right_guesses_need_fewer_steps():
    """Five tokens a step where the text repeats itself."""
    rig = Rig(drafter=Drafter(), num_cells=2048)
    rig.runner.next_token = periodic
    rig.submit(1, CYCLE * 3, max_tokens=200)
    assert rig.run() < 100
    assert rig.runner.num_drafts_kept > 100


def test_the_cells_after_wrong_guesses_are_given_back():
    """A second turn finds the cells of the first, exactly."""
    rig = Rig(drafter=Drafter())
    rig.runner.next_token = lambda held: 1 + len(held) ** 2 // 3 % 3
    rig.submit(1, [1, 2, 3, 4] * 4, max_tokens=30)
    rig.run()
    (slot,) = [s for s in rig.cache.slots if s.length]
    assert slot.length == 16 + 30 - 1
    assert rig.runner.num_drafts > rig.runner.num_drafts_kept
    assert rig.cache.num_free_cells == rig.cache.num_cells - slot.length


def test_nothing_is_guessed_while_others_run():
    """The batch belongs to the streams."""
    rig = Rig(drafter=Drafter(), num_cells=2048)
    rig.runner.next_token = periodic
    rig.submit(1, CYCLE * 3, max_tokens=40)
    rig.submit(2, CYCLE * 4, max_tokens=40)
    while len(rig.scheduler.running) + len(rig.scheduler.waiting) > 1:
        rig.step()
        if len(rig.scheduler.running) > 1:
            assert rig.runner.num_drafts == 0


def sequence():
    return Sequence(1, 0, CYCLE * 4, SamplingParams())


def steps(drafter, running, count, *, num_right, drafted_s):
    """Run so many steps in which the first `num_right` guesses are right; how many tokens were guessed in each."""
    guessed = []
    for _ in range(count):
        drafts = drafter.propose(running)
        guessed.append(len(drafts))
        drafter.observe(len(drafts), 1 + min(num_right, len(drafts)), drafted_s if drafts else 0.02)
    return guessed


def test_wrong_guesses_are_single_ones_and_become_rare():
    """Where guessing never helps it costs a few slightly longer steps in hundreds."""
    guessed = steps(Drafter(), sequence(), 256, num_right=0, drafted_s=0.03)
    assert max(guessed) == 1
    assert 2 <= sum(guessed) <= 4


def test_guessing_stops_when_it_does_not_pay():
    """Two tokens in three times the time of one are not worth it, though guesses are right now and then."""
    drafter = Drafter()
    guessed = steps(drafter, sequence(), 256, num_right=1, drafted_s=0.06)
    assert sum(g == MAX_DRAFTS for g in guessed) <= 4


def test_guessing_stays_on_while_it_pays():
    """Five tokens in twice the time of one are worth it; a plain step now and then keeps the comparison fresh."""
    guessed = steps(Drafter(), sequence(), 4 * COMPARE_EVERY, num_right=MAX_DRAFTS, drafted_s=0.04)
    assert guessed.count(MAX_DRAFTS) > 3.5 * COMPARE_EVERY
    assert guessed.count(0) >= 3


def test_another_sequence_starts_with_a_clean_slate():
    """What did not pay for a poem may pay for code."""
    drafter = Drafter()
    steps(drafter, sequence(), 100, num_right=0, drafted_s=0.03)
    assert steps(drafter, sequence(), 10, num_right=MAX_DRAFTS, drafted_s=0.03).count(MAX_DRAFTS) >= 8


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_a_real_model_writes_the_same_with_and_without_guessing(tiny_model_path, temperature):
    """Greedy and seeded text is identical through llama.cpp, for a prompt that invites guesses."""
    prompt = "abcabcabcabc the same words again, the same words again, the same words"
    texts = []
    for speculate in (True, False):
        engine = Engine(LoadParams(path=str(tiny_model_path), n_ctx=1024, speculate=speculate))
        params = SamplingParams(temperature=temperature, seed=5, max_tokens=120, top_k=4)
        texts.append(text_of(engine.submit(prompt, params)))
        engine.close()
    assert texts[0] == texts[1]


def test_a_draft_model_changes_the_steps_and_not_the_text(tiny_model_path, tmp_path):
    """A model that drafts for itself is always right: several tokens a step, the same text."""
    texts, num_steps = [], []
    for draft in (None, str(tiny_model_path)):
        engine = Engine(
            LoadParams(path=str(tiny_model_path), n_ctx=1024, speculate=draft is not None, draft_path=draft)
        )
        params = SamplingParams(temperature=0, max_tokens=80, ignore_eos=True)
        texts.append(text_of(engine.submit("A prompt that never repeats itself: 1, 7, 3, 9", params)))
        num_steps.append(engine.stats().num_steps)
        engine.close()
    assert texts[0] == texts[1]
    assert num_steps[1] < num_steps[0]


def test_a_draft_model_of_another_vocabulary_is_refused_when_the_model_is_loaded(tiny_model_path, tmp_path):
    """The message says what to choose instead."""
    other = tiny_models.write(tmp_path / "other.gguf", n_vocab=640)
    engine = Engine(LoadParams(path=str(tiny_model_path), draft_path=str(other)))
    with pytest.raises(ModelLoadFailed, match="vocabularies differ"):
        engine.start()
