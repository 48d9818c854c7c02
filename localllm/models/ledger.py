"""The memory ledger: who has reserved how many bytes, and what is left.

A model's bytes are reserved before it is loaded and given back after its process has ended. What is free is the
smaller of two numbers: what was free at the start less all reservations, and what the system says is free now less
what loading models have not taken yet. (The first alone would not see other programs; the second alone would not
see weights that are mapped files, which count as free.) Not thread-safe: the pool holds its lock around it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from localllm.models.memory import Memory, Plan
from localllm.models.place import Place

FRESH_S = 10.0


@dataclass
class _Reservation:
    plan: Plan
    is_loaded: bool = False


class Ledger:
    """`measure` says what is free now; `limit_bytes`, where given, is all that models may take together."""

    def __init__(self, measure: Callable[[], Memory], limit_bytes: int | None = None) -> None:
        self._measure = measure
        self._limit_bytes = limit_bytes
        self._start: Memory | None = None
        self._started_at = 0.0
        self._reservations: dict[Place, _Reservation] = {}

    @property
    def holders(self) -> list[Place]:
        """Who has something reserved."""
        return list(self._reservations)

    @property
    def reserved_bytes(self) -> int:
        return sum(r.plan.total_bytes for r in list(self._reservations.values()))

    @property
    def capacity(self) -> Memory:
        """What could be had if nothing were loaded, as of the first time it was asked or the last `refresh`."""
        if self._start is None:
            self._start, self._started_at = self.measured(), time.monotonic()
        return self._start

    def refresh(self) -> bool:
        """Measure the capacity anew: other programs may have ended. False just after the last time.

        While models are loaded it only grows: what is free beside them would be free without them.
        """
        if time.monotonic() - self._started_at < FRESH_S:
            return False
        now = self.measured()
        self._start = self.capacity.larger(now) if self._reservations else now
        self._started_at = time.monotonic()
        return True

    def measured(self) -> Memory:
        """What the system says is free, within the limit. May take half a second: it asks the GPUs."""
        return self._measure().within(self._limit_bytes)

    def free(self, measured: Memory, without: Collection[Place] = ()) -> Memory:
        """What is left, were the holders in `without` gone."""
        staying = [r for holder, r in self._reservations.items() if holder not in without]
        leaving = [r.plan for holder, r in self._reservations.items() if holder in without and r.is_loaded]
        by_start = self.capacity.less([r.plan for r in staying])
        by_now = measured.less([r.plan for r in staying if not r.is_loaded]).plus(leaving)
        return by_start.smaller(by_now)

    def reserve(self, holder: Place, plan: Plan) -> None:
        self._reservations[holder] = _Reservation(plan)

    def loaded(self, holder: Place) -> None:
        """The holder's bytes are taken by now, so the system's own numbers show them."""
        if reservation := self._reservations.get(holder):
            reservation.is_loaded = True

    def release(self, holder: Place) -> None:
        self._reservations.pop(holder, None)

    def plan_of(self, holder: Place) -> Plan | None:
        reservation = self._reservations.get(holder)
        return reservation.plan if reservation else None
