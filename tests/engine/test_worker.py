"""The engine's loop without a model: what it waits for before it computes."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor
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
    """Has work, and rests for so long between two steps."""

    has_work = True

    def __init__(self, rest: float | None) -> None:
        self.rest = rest

    def rest_s(self) -> float | None:
        return self.rest


@pytest.mark.parametrize("rest_s", [None, 600.0])
def test_whatever_happens_ends_the_rest_of_the_loop(rest_s):
    """Promise: a newcomer, a cancel and the end of a prompt read apart are seen at once, not after the rest."""
    loop = loop_over(RestingCore(rest_s))
    seen = threading.Event()
    threading.Timer(0.05, loop._inbox.put, args=(seen.set,)).start()
    loop._take_actions()
    assert seen.is_set()


@pytest.mark.parametrize("rest_s", [0.0, 0.01])
def test_the_loop_goes_on_after_its_rest_where_nothing_happens(rest_s):
    """Promise: the next step comes by itself."""
    loop_over(RestingCore(rest_s))._take_actions()


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
