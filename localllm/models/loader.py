"""Loads models: refuses what cannot fit, finds memory for who waits, starts engines, and ends them.

One thread finds memory for the models that are to be loaded (line.py says who is next); each load then runs in a
thread of its own. A model that has to leave for another lets its users finish first. Acts on the pool's places, under
the pool's lock; knows nobody who uses a model, and no keep-alive.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from localllm.engine.engine import Engine
from localllm.engine.loading import LoadParams
from localllm.models import room, workers
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.ledger import Ledger
from localllm.models.line import Line
from localllm.models.memory import Memory, Plan
from localllm.models.model import Model, build_model, load_params
from localllm.models.place import Place
from localllm.paths import Paths

MakeEngine = Callable[[LoadParams], Engine]
MakePlan = Callable[..., Plan | None]  # as room.make_plan
WAIT_S = 0.5


class Loader:
    """What stands between a place in the pool and its engine."""

    def __init__(
        self,
        catalog: Catalog,
        paths: Paths,
        ledger: Ledger,
        make_engine: MakeEngine,
        make_plan: MakePlan,
        *,
        places: dict[str, Place],
        changed: threading.Condition,
        closed: threading.Event,
    ) -> None:
        """places: the pool's, by model id, which `changed` guards; it tells of whatever a load may wait for.

        closed: set when the pool ends, and `changed` notified; then nothing is loaded any more.
        """
        self._catalog = catalog
        self._paths = paths
        self._ledger = ledger
        self._make_engine = make_engine
        self._make_plan = make_plan
        self._places = places
        self._changed = changed
        self._closed = closed
        self._workers = workers.Workers()
        self._line = Line(ledger, lambda place: self._planner(place.entry))
        threading.Thread(target=self._admit_all, name="pool-memory", daemon=True).start()

    # ── before a load ───────────────────────────────────────────────────────────────────────────────────────

    def turn(self, entry: Entry) -> contextlib.AbstractContextManager[object]:
        """Checking and beginning the load of a model with workers is done by one at a time."""
        return self._workers.turn(entry)

    def check(self, entry: Entry) -> None:
        """Make sure that the entry can be loaded at all, its workers included.

        Raises ModelLoadFailed where it is too big, NotReady where a worker is in use, WorkerUnavailable.
        """
        self._claim_workers(entry)
        self._refuse_too_big(entry)

    def _claim_workers(self, entry: Entry) -> None:
        """End idle models that hold workers of the entry, and ask the workers. Raises NotReady."""
        with self._changed:
            rivals = workers.rivals(entry, self._places.values())
            for place in rivals:
                del self._places[place.entry.id]
            addresses = workers.not_held(entry, self._places.get(entry.id))
        for place in rivals:
            self.close(place)
        self._workers.ask(addresses)

    def _refuse_too_big(self, entry: Entry) -> None:
        """Raises ModelLoadFailed at once where the model would not fit into an empty computer."""
        make_plan = self._planner(entry)
        if make_plan(self._ledger.capacity) is not None:
            return
        if not self._ledger.refresh() or make_plan(self._ledger.capacity) is None:
            capacity = self._workers.beside(self._ledger.capacity, entry)
            raise room.too_big(entry, self._paths, self._catalog, capacity)

    # ── make room and load ──────────────────────────────────────────────────────────────────────────────────

    def load(self, place: Place) -> None:
        """Load the place's model once there is memory for it; `place.load` tells of the end. Call it with the lock."""
        self._line.join(place)
        self._changed.notify_all()

    def _admit_all(self) -> None:
        """Give memory to those who wait for it, as long as the pool is open."""
        while self._wait_for_somebody():
            try:
                measured = self._ledger.measured()
            except BaseException as e:  # noqa: BLE001 -- whoever waits must be told, whatever it was
                for place in self._line.leave_all():
                    place.load.set_exception(e)
                continue
            with self._changed:
                done = self._line.round(measured, self._places.values())
                for victim in done.victims:
                    self._retire(victim)
                for place, error in done.failed:
                    place.load.set_exception(error)
                for place, plan in done.admitted:
                    name = f"load-{place.entry.id}"
                    threading.Thread(target=self._load, args=(place, plan), name=name, daemon=True).start()
                if self._line and not done.admitted:
                    self._changed.wait(WAIT_S)
        for place in self._line.leave_all():
            place.load.set_exception(place.unloaded_meanwhile)

    def _wait_for_somebody(self) -> bool:
        """True when a model waits for memory; False when the pool was closed."""
        with self._changed:
            while not (self._line or self._closed.is_set()):
                self._changed.wait()
        return not self._closed.is_set()

    def _planner(self, entry: Entry) -> Callable[[Memory], Plan | None]:
        draft = self._draft_of(entry)
        options = {"draft": draft} if draft is not None else {}
        return lambda free: self._make_plan(entry, self._paths, self._workers.beside(free, entry), **options)

    def _draft_of(self, entry: Entry) -> Entry | None:
        return self._catalog.find(entry.draft) if entry.draft else None

    def _load(self, place: Place, plan: Plan) -> None:
        try:
            model = self._started(place, plan)
        except BaseException as e:  # noqa: BLE001 -- whoever waits must be told, whatever it was
            error = place.unloaded_meanwhile if place.is_closed else e
            self.close(place)
            place.load.set_exception(error)
            return
        with self._changed:
            self._ledger.loaded(place)
            place.last_used = time.monotonic()
            place.load.set_result(model)

    def _started(self, place: Place, plan: Plan) -> Model:
        with contextlib.suppress(OSError):
            self._paths.logs.mkdir(parents=True, exist_ok=True)
        draft = self._draft_of(place.entry)
        place.engine = self._make_engine(load_params(place.entry, self._paths, plan, draft))
        if not place.is_closed:
            place.engine.start()
        if place.is_closed:  # before or while it was started
            raise place.unloaded_meanwhile
        return build_model(place.entry, place.engine, self._paths)

    # ── end ─────────────────────────────────────────────────────────────────────────────────────────────────

    def close(self, place: Place) -> None:
        """End the engine of a place that is in the pool no more, and give its memory back. May take seconds."""
        place.is_closed = True
        if place.engine is not None:
            place.engine.close()
        with self._changed:
            self._ledger.release(place)
            self._changed.notify_all()

    def close_later(self, place: Place) -> None:
        """As `close`, in a thread of its own."""
        place.is_closed = True
        threading.Thread(target=self.close, args=(place,), daemon=True).start()

    def _retire(self, place: Place) -> None:
        """Let its users finish, then close it; its next request gets a new place."""
        del self._places[place.entry.id]
        place.is_closed = True
        threading.Thread(target=self._close_when_unused, args=(place,), daemon=True).start()

    def _close_when_unused(self, place: Place) -> None:
        with self._changed:
            while place.num_users and not self._closed.is_set():
                self._changed.wait(WAIT_S)
        self.close(place)
