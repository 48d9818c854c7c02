"""The number of threads is measured once, kept, and never decided by noise."""

from __future__ import annotations

import json
import sys

import psutil
import pytest

from localllm.engine import threads
from localllm.engine.engine import Engine
from localllm.engine.loading import LoadParams
from localllm.engine.threads import candidates, chosen_threads, default_threads, fastest, machine_key
from localllm.sampling_params import SamplingParams
from tests import tiny_models


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


@pytest.mark.parametrize("arch", ["llama", "mamba"])
def test_an_engine_measures_on_its_first_start_and_reads_on_its_second(tmp_path, arch):
    """The number is in the file after the first start; the second start believes what the file says."""
    path = tiny_models.write(tmp_path / "model.gguf", arch=arch)
    file = tmp_path / "threads.json"
    params = LoadParams(path=str(path), n_ctx=256, n_parallel=2, threads_file=str(file))
    first = Engine(params)
    first.start()
    (key,) = json.loads(file.read_text())
    assert json.loads(file.read_text())[key] == first.info.n_threads
    assert list(first.submit("x", SamplingParams(max_tokens=2)))[-1].finish is not None
    first.close()
    file.write_text(json.dumps({key: 1}))
    second = Engine(params)
    second.start()
    assert second.info.n_threads == 1
    second.close()


def test_an_engine_lets_the_app_go_first(tiny_model_path):
    """The app's threads need moments, and must not wait for one that takes whole cores."""
    engine = Engine(LoadParams(path=str(tiny_model_path), n_ctx=512, n_threads=1))
    try:
        engine.start()
        own, its = psutil.Process().nice(), psutil.Process(engine.pid).nice()
        if sys.platform == "win32":
            assert its == psutil.BELOW_NORMAL_PRIORITY_CLASS
        else:
            assert its > own or own >= 19
    finally:
        engine.close()
