"""The engine's loop without a model: what it waits for before it computes."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from localllm.engine import worker


def loop_over(core: Any) -> worker._Worker:
    host: Any = SimpleNamespace(core=core)
    nothing: Any = None
    return worker._Worker(host, nothing, nothing, ThreadPoolExecutor(1), queue.SimpleQueue())


class Core:
    """Is patient until so many requests have come."""

    def __init__(self, enough: int) -> None:
        self.num_requests = 1
        self.enough = enough

    def patience_s(self) -> float:
        return 0.0 if self.num_requests >= self.enough else 30.0

    def add(self) -> None:
        self.num_requests += 1


class RestingCore:
    """Has work, and rests for so long until somebody tells it to hurry; then, or after a while, it does not."""

    has_work = True

    def __init__(self, rest: float | None) -> None:
        self.rest = rest
        self.num_looks = 0

    def rest_s(self) -> float | None:
        self.num_looks += 1
        return self.rest

    def hurry(self) -> None:
        self.rest = 0.0


@pytest.mark.parametrize("rest_s", [None, 600.0])
def test_what_the_next_step_should_see_ends_the_rest_of_the_loop(rest_s):
    """Promise: a newcomer, a cancel and a chunk that was read apart are seen at once, not after the rest."""
    core = RestingCore(rest_s)
    loop = loop_over(core)
    threading.Timer(0.05, loop._inbox.put, args=(core.hurry,)).start()
    loop._take_actions()
    assert core.num_looks == 2


def test_questions_do_not_end_the_rest_of_the_loop():
    """Promise: whoever asks for figures all the time takes no time from the prompts that are read apart."""
    core = RestingCore(600.0)
    loop = loop_over(core)
    asked: list[int] = []
    for number in range(5):
        loop._inbox.put(partial(asked.append, number))
    loop._inbox.put(core.hurry)
    loop._take_actions()
    assert asked == [0, 1, 2, 3, 4]
    assert core.num_looks == 7


def test_requests_that_keep_coming_are_waited_for(monkeypatch):
    """The first step has them all, although each of them was prepared for itself."""
    monkeypatch.setattr(worker, "MOST_COMPANY_S", 60.0)
    core = Core(enough=4)
    loop = loop_over(core)
    timers = [threading.Timer(0.01 * i, loop._inbox.put, args=(core.add,)) for i in range(3)]
    for timer in timers:
        timer.start()
    loop._wait_for_company()
    assert core.num_requests == 4


def test_a_request_that_is_being_prepared_is_waited_for(monkeypatch):
    """Also where it takes longer than the others are patient: it is known to come."""
    monkeypatch.setattr(worker, "MOST_COMPANY_S", 60.0)
    core = Core(enough=2)
    monkeypatch.setattr(core, "patience_s", lambda: 0.001 if core.num_requests < 2 else 0.0)
    loop = loop_over(core)
    loop._on_their_way.add(7)
    threading.Timer(0.2, loop._inbox.put, args=(core.add,)).start()
    loop._wait_for_company()
    assert core.num_requests == 2


def test_an_endless_stream_of_requests_does_not_keep_the_first_one_waiting(monkeypatch):
    """After some moments it begins, whoever still comes."""
    monkeypatch.setattr(worker, "MOST_COMPANY_S", 0.05)
    core = Core(enough=1_000_000_000)
    loop = loop_over(core)

    def again() -> None:
        core.add()
        loop._inbox.put(again)

    loop._inbox.put(again)
    loop._wait_for_company()
    assert core.num_requests < core.enough
