"""The number of threads is measured once, kept, and never decided by noise."""

from __future__ import annotations

import json

import pytest

from localllm.engine import threads
from localllm.engine.threads import candidates, chosen_threads, default_threads, fastest, machine_key


def timed(seconds_of):
    """A decode and a clock on which n threads take seconds_of[n] for a token."""
    now = [0.0]

    def decode(number):
        now[0] += seconds_of[number]

    return decode, lambda: now[0]


@pytest.mark.parametrize(
    ("seconds_of", "chosen"),
    [
        ({1: 0.95, 4: 1.0, 8: 2.0}, 4),
        ({1: 0.5, 4: 1.0, 8: 2.0}, 1),
        ({1: 4.0, 4: 1.0, 8: 0.7}, 8),
        ({1: 1.0, 4: 1.0, 8: 1.0}, 4),
    ],
)
def test_another_number_than_the_default_must_be_clearly_faster(seconds_of, chosen):
    """Ten per cent, else one thread per core it is."""
    decode, clock = timed(seconds_of)
    assert fastest([1, 4, 8], 4, decode, clock) == chosen


def test_candidates_are_few_and_one_thread_is_tried_for_small_models_only():
    """A measurement that takes long would not be worth it."""
    assert candidates(8, 16, 10**10) == [4, 8, 16]
    assert candidates(8, 16, 10**6) == [1, 4, 8, 16]
    assert candidates(1, 1, 10**10) == [1]


def test_it_is_measured_once_and_then_read(tmp_path):
    """The second load computes nothing."""
    calls: list[int] = []
    first = chosen_threads(tmp_path / "threads.json", 10**6, calls.append)
    assert calls
    calls.clear()
    assert chosen_threads(tmp_path / "threads.json", 10**6, calls.append) == first
    assert not calls


@pytest.mark.parametrize("content", ["", "[]", "{", '{"x": 3}'])
def test_a_file_that_says_nothing_is_measured_again(tmp_path, content):
    """Damaged or foreign content is replaced."""
    file = tmp_path / "threads.json"
    file.write_text(content)
    chosen_threads(file, 10**6, lambda _: None)
    assert isinstance(json.loads(file.read_text())[machine_key(10**6)], int)


def test_a_number_this_machine_does_not_have_is_not_believed(tmp_path):
    """A file that came from another machine cannot oversubscribe this one."""
    file = tmp_path / "threads.json"
    file.write_text(json.dumps({machine_key(10**6): 4096}))
    assert chosen_threads(file, 10**6, lambda _: None) <= threads._allowed_cores()


def test_without_a_file_it_is_one_thread_per_core():
    """Tests and tools do not measure."""
    assert chosen_threads(None, 10**6, lambda _: None) == default_threads() >= 1
