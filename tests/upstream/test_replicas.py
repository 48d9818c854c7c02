"""Which replica gets the next request: on a clock that the tests turn."""

from __future__ import annotations

import threading

from localllm.upstream.replicas import FIRST_REST_S, LONGEST_REST_S, Replicas
from localllm.upstream.spec import parse_address

ADDRESSES = tuple(parse_address(f"http://127.0.0.1:{port}/v1") for port in (1, 2, 3))


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def taken(replicas, **asked):
    replica = replicas.take(0, **asked)
    return replica.address.port if replica else None


def test_the_least_busy_one_is_asked():
    """Each of three gets one request before any gets a second."""
    replicas = Replicas(ADDRESSES, clock=Clock())
    assert sorted(taken(replicas) for _ in range(6)) == [1, 1, 2, 2, 3, 3]
    replicas.give_back(replicas.all[1], None)
    assert taken(replicas) == 2


def test_one_that_failed_rests_and_is_then_tried_by_one_request():
    """The others go on to those that are well; after a success everybody comes again."""
    clock = Clock()
    replicas = Replicas(ADDRESSES, clock=clock)
    first = replicas.all[0]
    assert replicas.take(0) is first
    replicas.failed(first, clock.now)
    replicas.give_back(first, None)
    assert {taken(replicas) for _ in range(4)} == {2, 3}
    clock.now += FIRST_REST_S + 0.01
    assert taken(replicas) == 1
    assert {taken(replicas) for _ in range(4)} == {2, 3}
    replicas.answered(first)
    assert taken(replicas) == 1


def test_each_failure_doubles_the_rest_up_to_a_limit():
    """Half a second, one, two, …; requests that fail together are one failure."""
    clock = Clock()
    replicas = Replicas(ADDRESSES[:1], clock=clock)
    replica = replicas.all[0]
    rests = []
    for _ in range(9):
        taken_at = clock.now
        for _ in range(5):
            replicas.failed(replica, taken_at)
            clock.now += 0.001
        rests.append(round(replica.rests_until - clock.now, 1))
        clock.now += 60
    assert rests == [0.5, 1, 2, 4, 8, 16, LONGEST_REST_S, LONGEST_REST_S, LONGEST_REST_S]


def test_a_server_that_says_how_long_is_believed():
    """Retry-After."""
    clock = Clock()
    replicas = Replicas(ADDRESSES[:1], clock=clock)
    replicas.failed(replicas.all[0], clock.now, wait_s=7)
    assert replicas.rest_s() == 7
    assert taken(replicas) is None
    clock.now += 7.01
    assert taken(replicas) == 1


def test_a_request_that_failed_goes_to_another_one():
    """Not to one that is only due for a try."""
    clock = Clock()
    replicas = Replicas(ADDRESSES, clock=clock)
    for replica in replicas.all[:2]:
        replicas.failed(replica, clock.now)
    clock.now += 10
    assert taken(replicas, has_failed=True) == 3


def test_a_request_goes_to_none_that_has_refused_it():
    """Not even where nobody else is left; the others may go there."""
    replicas = Replicas(ADDRESSES[:2], clock=Clock())
    first, second = replicas.all
    assert {taken(replicas, without={first}) for _ in range(3)} == {2}
    assert taken(replicas, without={first, second}) is None
    assert replicas.rest_s({first, second}) == float("inf")
    assert taken(replicas) == 1


def test_a_limit_makes_requests_wait():
    """One at a time each; whoever gives one back lets the next in."""
    replicas = Replicas(ADDRESSES[:2], num_parallel=1)
    assert {replicas.take(0), replicas.take(0)} == set(replicas.all)
    second = replicas.all[1]
    assert replicas.take(0.01) is None
    got = []
    waiting = threading.Thread(target=lambda: got.append(replicas.take(30)))
    waiting.start()
    replicas.give_back(second, None)
    waiting.join(30)
    assert got == [second]


def test_they_are_well_until_all_have_failed():
    """What /v1/models shows."""
    clock = Clock()
    replicas = Replicas(ADDRESSES[:2], clock=clock)
    assert replicas.are_well
    replicas.failed(replicas.all[0], clock.now)
    assert replicas.are_well
    replicas.failed(replicas.all[1], clock.now)
    assert not replicas.are_well
