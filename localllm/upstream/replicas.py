"""The replicas of one upstream: which one gets the next request, which ones rest.

The least busy first. One that failed rests, twice as long each time, and is then tried by a single request; the
others wait for nothing. Where all rest, whoever may be tried soonest is. How long answers took to begin is kept, so
that a try need not wait for ever. Knows no HTTP and no request.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Collection

from localllm.upstream.connection import Connection
from localllm.upstream.spec import Address

FIRST_REST_S = 0.5
LONGEST_REST_S = 30.0
MAX_KEPT = 64


class Replica:
    """One address. Guarded by the lock of its Replicas; the figures may be read by anybody at any time."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.num_active = 0
        self.num_failures = 0  # in a row
        self.num_requests = 0
        self.rests_until = 0.0
        self.failed_at = -1.0
        self.problem = ""  # what was wrong the last time
        self.kept: list[Connection] = []

    @property
    def is_well(self) -> bool:
        """True where its last request did not fail."""
        return self.num_failures == 0


class Replicas:
    """For any thread."""

    def __init__(
        self,
        addresses: tuple[Address, ...],
        num_parallel: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """num_parallel: requests that one replica gets at once; 0: any number."""
        self.all = tuple(Replica(address) for address in addresses)
        self._num_parallel = num_parallel
        self._clock = clock
        self._changed = threading.Condition()
        self.slowest_start_s = 0.0  # of the answers so far; 0: none has come

    @property
    def are_well(self) -> bool:
        """True where at least one answers, as far as is known."""
        return any(replica.is_well for replica in self.all)

    def rest_s(self, without: Collection[Replica] = ()) -> float:
        """How long it is until one may be asked; 0 where one is well, if perhaps busy; inf where none is left."""
        asked = [replica for replica in self.all if replica not in without]
        if any(replica.is_well for replica in asked):
            return 0.0
        return max(0.0, min((r.rests_until for r in asked), default=math.inf) - self._clock())

    @property
    def problem(self) -> str:
        """What was wrong with the one that failed last."""
        return max(self.all, key=lambda replica: replica.failed_at).problem

    def take(
        self, timeout_s: float, *, without: Collection[Replica] = (), has_failed: bool = False
    ) -> Replica | None:
        """The replica for the next request; None where none was free, or rested enough, in time.

        without: those that this request is not to go to. has_failed: it has failed before, so it tries none that has
        only rested as long as another one is well.
        """
        deadline = self._clock() + timeout_s
        with self._changed:
            while True:
                now = self._clock()
                if (chosen := self._choose(now, without, has_failed=has_failed)) is not None:
                    chosen.num_active += 1
                    chosen.num_requests += 1
                    return chosen
                if now >= deadline:
                    return None
                self._changed.wait(min(deadline, max(self._soonest(without), now + 0.01)) - now)

    def _choose(self, now: float, without: Collection[Replica], *, has_failed: bool) -> Replica | None:
        asked = [r for r in self.all if r not in without]
        free = [r for r in asked if not self._num_parallel or r.num_active < self._num_parallel]
        due = [r for r in free if not r.is_well and r.rests_until <= now]
        well = [r for r in free if r.is_well]
        if due and not (has_failed and well):
            tried = min(due, key=lambda r: r.rests_until)
            tried.rests_until = now + _rest_s(tried.num_failures)  # so that no other request tries it too
            return tried
        return min(well, key=lambda r: (r.num_active, r.num_requests), default=None)

    def _soonest(self, without: Collection[Replica]) -> float:
        """When the next resting one may be tried; far away where all are merely busy."""
        resting = (r.rests_until for r in self.all if not r.is_well and r not in without)
        return min(resting, default=self._clock() + 1.0)

    def give_back(self, replica: Replica, connection: Connection | None) -> None:
        """The request has ended; a connection that can be used again is kept."""
        with self._changed:
            replica.num_active -= 1
            self._changed.notify_all()
            if connection is not None and connection.keep() and len(replica.kept) < MAX_KEPT:
                replica.kept.append(connection)
                return
        if connection is not None:
            connection.close()

    def kept_connection(self, replica: Replica) -> Connection | None:
        """One that was kept and is still open, as far as can be seen."""
        while True:
            with self._changed:
                if not replica.kept:
                    return None
                connection = replica.kept.pop()
            if connection.is_fresh:
                return connection
            connection.close()

    def answered(self, replica: Replica, start_s: float = 0.0) -> None:
        """It is well (again). start_s: how long its answer took to begin."""
        self.slowest_start_s = max(self.slowest_start_s, start_s)
        if not replica.is_well:
            with self._changed:
                replica.num_failures, replica.rests_until = 0, 0.0
                self._changed.notify_all()

    def failed(self, replica: Replica, taken_at: float, problem: str = "", wait_s: float = 0.0) -> None:
        """It rests: for wait_s where it said so, otherwise longer each time.

        taken_at: when the request got it. Requests that fail together are one failure.
        """
        replica.problem = problem
        with self._changed:
            if taken_at > replica.failed_at:
                replica.num_failures += 1
            replica.failed_at = self._clock()
            replica.rests_until = replica.failed_at + max(wait_s, _rest_s(replica.num_failures))

    def close(self) -> None:
        """Close what was kept."""
        with self._changed:
            kept = [connection for replica in self.all for connection in replica.kept]
            for replica in self.all:
                replica.kept = []
        for connection in kept:
            connection.close()


def _rest_s(num_failures: int) -> float:
    return float(min(FIRST_REST_S * 2 ** max(0, num_failures - 1), LONGEST_REST_S))
