"""The models that wait for memory, in the order they were asked for: who is loaded now, and who leaves for it.

Only the first may send others away. Those behind it go ahead where they fit into what is free now and leave enough
for everyone before them, so a small model does not wait for a large one's memory, and the large one waits for nobody
who came later. Decides only; the loader acts, and the pool's lock is held around every call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from localllm.models import room
from localllm.models.ledger import Ledger
from localllm.models.memory import Memory, Plan
from localllm.models.place import Place

PATIENCE_S = (
    2.0  # so long the first waits for a model to become idle before it takes one from its users' queue
)

Make = Callable[[Memory], Plan | None]


@dataclass
class Round:
    """What is to be done: load with the plan (reserved already), tell the error, let go."""

    admitted: list[tuple[Place, Plan]] = field(default_factory=list)
    failed: list[tuple[Place, BaseException]] = field(default_factory=list)
    victims: tuple[Place, ...] = ()


class Line:
    """Places without a plan."""

    def __init__(self, ledger: Ledger, planner: Callable[[Place], Make]) -> None:
        """planner: how a place's model is fitted into memory; what it raises is told to the place."""
        self._ledger = ledger
        self._planner = planner
        self._waiting: list[Place] = []
        self._first: Place | None = None
        self._patience_ends = 0.0

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def join(self, place: Place) -> None:
        self._waiting.append(place)

    def leave_all(self) -> list[Place]:
        """Everybody who waits, who waits no longer."""
        left, self._waiting = self._waiting, []
        return left

    def round(self, measured: Memory, places: Collection[Place]) -> Round:
        """Whoever can be loaded, in turn, with its memory reserved. places: those that are in the pool."""
        done = Round()
        ahead: list[Make] = []
        for place in list(self._waiting):
            try:
                if place.is_closed:
                    raise place.unloaded_meanwhile
                make = self._planner(place)
                loaded = [p for p in places if self._ledger.plan_of(p)]
                plan = (
                    self._beside(make, ahead, measured, loaded)
                    if ahead
                    else self._first_plan(place, make, measured, loaded, done)
                )
            except BaseException as e:  # noqa: BLE001 -- whoever waits must be told, whatever it was
                done.failed.append((place, e))
            else:
                if plan is None:
                    ahead.append(make)
                    continue
                self._ledger.reserve(place, plan)
                done.admitted.append((place, plan))
            self._waiting.remove(place)
        return done

    def _first_plan(
        self, place: Place, make: Make, measured: Memory, loaded: list[Place], done: Round
    ) -> Plan | None:
        """The first one's plan, or who has to leave for it. Raises NotReady where waiting will not help."""
        if place is not self._first:
            self._first, self._patience_ends = place, time.monotonic() + PATIENCE_S
        may_drain = time.monotonic() >= self._patience_ends
        choice = room.choose(make, self._ledger, measured, loaded, may_drain=may_drain)
        if choice is None:
            room.check_can_come(place.entry, make, self._ledger, measured)
            return None
        if choice.is_free:
            return choice.plan
        done.victims = choice.victims
        return None

    def _beside(self, make: Make, ahead: list[Make], measured: Memory, loaded: list[Place]) -> Plan | None:
        """A plan with what is free now, if everyone ahead can still be loaded as soon as without it."""
        plan = make(self._ledger.free(measured))
        if plan is None or not all(
            room.leaves_room(plan, other, self._ledger, measured, loaded) for other in ahead
        ):
            return None
        return plan
