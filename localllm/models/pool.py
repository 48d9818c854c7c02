"""The loaded models: load on demand, one load for all who wait, hold while in use, make room, unload when idle.

    with pool.use("guide", poll=give_up_if_client_left) as model:
        model.engine.submit(...)

Threads: any thread may call any method. One thread finds memory for the models that are to be loaded (line.py says
who is next); each load then runs in a thread of its own, so that a client which leaves does not stop it and
`statuses()` never waits. Knows no HTTP.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError

from localllm import errors
from localllm.engine.engine import Engine
from localllm.engine.messages import LoadParams
from localllm.models import room, workers
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry, keep_alive_s
from localllm.models.ledger import Ledger
from localllm.models.line import Line
from localllm.models.machine import free_memory
from localllm.models.memory import Memory, Plan
from localllm.models.model import Model, build_model, load_params
from localllm.models.place import Loaded, Place, Status
from localllm.models.presence import Presence
from localllm.models.sources import find_file
from localllm.paths import Paths
from localllm.upstream.upstreams import Upstreams

Poll = Callable[[], None]
MakePlan = Callable[..., Plan | None]  # as room.make_plan
POLL_S = 0.25
WAIT_S = 0.5
SWEEP_S = 1.0
KEEP_ALIVE = "10m"


class Pool:
    """All models of the app."""

    def __init__(
        self,
        catalog: Catalog,
        paths: Paths,
        make_engine: Callable[[LoadParams], Engine] = Engine,
        *,
        keep_alive: str = KEEP_ALIVE,
        memory_limit_bytes: int | None = None,
        measure: Callable[[], Memory] = free_memory,
        make_plan: MakePlan = room.make_plan,
    ) -> None:
        """keep_alive: how long an unused model stays where its entry does not say. memory_limit_bytes: for all.

        Raises CatalogError for a keep_alive that means nothing.
        """
        keep_alive_s(keep_alive)
        self.catalog = catalog
        self.paths = paths
        self._make_engine = make_engine
        self._keep_alive = keep_alive
        self._make_plan = make_plan
        self._ledger = Ledger(measure, memory_limit_bytes)
        self._line = Line(self._ledger, lambda place: self._planner(place.entry))
        # Reentrant: the garbage collector may end a forgotten `use` in the middle of another's turn, in its thread.
        self._lock = threading.RLock()
        self._changed = threading.Condition(
            self._lock
        )  # a place was asked for or became idle, or a process has ended
        self._places: dict[str, Place] = {}
        self._workers = workers.Workers()
        self.upstreams = Upstreams(catalog.path.parent)
        self._presence = Presence(catalog, paths)
        self._closed = threading.Event()
        threading.Thread(target=self._admit_all, name="pool-memory", daemon=True).start()
        threading.Thread(target=self._sweep_all, name="pool-keep-alive", daemon=True).start()

    # ── use ─────────────────────────────────────────────────────────────────────────────────────────────────

    def get(self, model_id: str, *, poll: Poll | None = None) -> Model:
        """The loaded model of this id or alias; loads it, or waits for the load that is under way.

        `poll` is called a few times a second while waiting and may raise to give up (the load goes on).
        Raises ModelNotFound, ModelLoadFailed (too big as well), NotReady.
        """
        with self.use(model_id, poll=poll) as model:
            return model

    @contextlib.contextmanager
    def use(self, model_id: str, *, poll: Poll | None = None) -> Iterator[Model]:
        """As `get`, and the model is not unloaded to make room while the block runs."""
        entry = self.catalog.find(model_id)
        if entry.is_forwarded:
            raise _runs_elsewhere(entry)
        place = self._enter(entry)
        try:
            model = _wait(place.load, poll)
            place.was_used = True
            yield model
        finally:
            self._leave(place)

    def _enter(self, entry: Entry) -> Place:
        """The place of the entry, with one more user and a load under way or done."""
        with self._workers.turn(entry):
            place = self._places.get(entry.id)
            if place is None or place.needs_load or place.entry != entry:
                find_file(entry, self.paths)
                self._claim_workers(entry)
                self._refuse_too_big(entry)
            with self._lock:
                place = self._places.get(entry.id)
                if place is not None and place.entry != entry:
                    place = self._follow_edit(place, entry)
                if place is None or place.needs_load:
                    place = self._replaced(place, entry)
                place.num_users += 1
                return place

    def _leave(self, place: Place) -> None:
        with self._lock:
            place.num_users -= 1
            place.last_used = time.monotonic()
            self._changed.notify_all()
            is_over = place.num_users == 0 and place.was_used and self._keep_alive_s(place) == 0
            if is_over and self._places.get(place.entry.id) is place:
                del self._places[place.entry.id]
                self._close_later(place)

    def _follow_edit(self, place: Place, entry: Entry) -> Place | None:
        """The catalog says something new of this model: take it over now, or by a reload once nobody uses it."""
        if place.status == "loaded" and load_params(entry, self.paths) == load_params(
            place.entry, self.paths
        ):
            assert place.engine is not None
            place.load = _done(build_model(entry, place.engine, self.paths))
            place.entry = entry
            return place
        if place.num_users:
            return place
        self._close_later(place)
        return None

    def _replaced(self, place: Place | None, entry: Entry) -> Place:
        """A fresh place whose load is asked for. The engine of the old one, if there was one, has ended by itself."""
        if place is not None:
            self._ledger.release(place)
        fresh = self._places[entry.id] = Place(entry)
        self._line.join(fresh)
        self._changed.notify_all()
        return fresh

    # ── what anybody may see, without waiting ───────────────────────────────────────────────────────────────

    def statuses(self) -> list[tuple[Entry, Status]]:
        """Every model that can be asked, with its state at this moment. Never waits."""
        places = self._places.copy()
        here = self._presence.ids()
        listed = [e for e in self.catalog.entries if e.id in places or e.id in here or e.is_forwarded]
        return [(e, self._status(e, places.get(e.id))) for e in listed]

    def engines(self) -> dict[str, Engine]:
        """The engines that were started, by model id. Never waits, and looking at one does not count as use."""
        return {id_: place.engine for id_, place in self._places.copy().items() if place.engine is not None}

    def status(self, model_id: str) -> Status:
        """The state of one model by id or alias. Never waits. Raises ModelNotFound."""
        entry = self.catalog.find(model_id)
        return self._status(entry, self._places.get(entry.id))

    def _status(self, entry: Entry, place: Place | None) -> Status:
        """A forwarded model can be asked at once, unless all its servers have just failed."""
        if entry.upstream is not None:
            upstream = self.upstreams.known(entry.upstream)
            return "loaded" if upstream is None or upstream.replicas.are_well else "failed"
        return place.status if place is not None else "unloaded"

    def problems(self) -> dict[str, str]:
        """Why models could not be loaded, by id. Never waits."""
        places = self._places.copy().items()
        return {id_: place.problem for id_, place in places if place.problem}

    def progress(self, model_id: str) -> float:
        """How far loading has come, 0 to 1. Never waits."""
        place = self._places.get(self.catalog.find(model_id).id)
        return place.progress if place is not None else 0.0

    def loaded(self) -> list[Loaded]:
        """What is in memory or on its way there, for `ps`. Never waits."""
        places = [p for p in list(self._places.values()) if p.status in ("loading", "loaded")]
        return [p.describe(self._ledger.plan_of(p), self._keep_alive_s(p)) for p in places]

    def memory_for_one(self) -> Memory:
        """What a model may take with nothing else loaded. May take half a second: it asks the GPUs."""
        self._ledger.refresh()
        return self._ledger.capacity

    @property
    def reserved_bytes(self) -> int:
        """What the ledger has given out."""
        return self._ledger.reserved_bytes

    # ── unload ──────────────────────────────────────────────────────────────────────────────────────────────

    def unload(self, model_id: str) -> bool:
        """End the model's engine and give its memory back; its open streams get EngineDied. False if not loaded."""
        entry = self.catalog.find(model_id)
        if entry.is_forwarded:
            raise _runs_elsewhere(entry)
        with self._lock:
            place = self._places.pop(entry.id, None)
        if place is not None:
            self._close(place)
        return place is not None

    def close(self) -> None:
        """End every engine."""
        self._closed.set()
        self.upstreams.close()
        with self._lock:
            self._changed.notify_all()
            places, self._places = list(self._places.values()), {}
        threads = [threading.Thread(target=self._close, args=(place,)) for place in places]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def sweep(self) -> None:
        """Unload what has been idle for longer than its keep-alive."""
        with self._lock:
            for place in list(self._places.values()):
                keep_s = self._keep_alive_s(place)
                if place.is_idle and keep_s is not None and time.monotonic() - place.last_used >= keep_s:
                    del self._places[place.entry.id]
                    self._close_later(place)

    def _sweep_all(self) -> None:
        while not self._closed.wait(SWEEP_S):
            self.sweep()
            self._presence.read_new_headers()

    def _keep_alive_s(self, place: Place) -> float | None:
        return None if place.entry.pinned else keep_alive_s(place.entry.keep_alive or self._keep_alive)

    def _close_later(self, place: Place) -> None:
        place.is_closed = True
        threading.Thread(target=self._close, args=(place,), daemon=True).start()

    def _close(self, place: Place) -> None:
        place.is_closed = True
        if place.engine is not None:
            place.engine.close()
        with self._lock:
            self._ledger.release(place)
            self._changed.notify_all()

    # ── make room and load ──────────────────────────────────────────────────────────────────────────────────

    def _claim_workers(self, entry: Entry) -> None:
        """End idle models that hold workers of the entry, and ask the workers. Raises NotReady."""
        with self._lock:
            rivals = workers.rivals(entry, self._places.values())
            for place in rivals:
                del self._places[place.entry.id]
            addresses = workers.not_held(entry, self._places.get(entry.id))
        for place in rivals:
            self._close(place)
        self._workers.ask(addresses)

    def _refuse_too_big(self, entry: Entry) -> None:
        """Raises ModelLoadFailed at once where the model would not fit into an empty computer."""
        make_plan = self._planner(entry)
        if make_plan(self._ledger.capacity) is not None:
            return
        if not self._ledger.refresh() or make_plan(self._ledger.capacity) is None:
            capacity = self._workers.beside(self._ledger.capacity, entry)
            raise room.too_big(entry, self.paths, self.catalog, capacity)

    def _admit_all(self) -> None:
        """Give memory to those who wait for it, as long as the pool is open."""
        while self._wait_for_somebody():
            try:
                measured = self._ledger.measured()
            except BaseException as e:  # noqa: BLE001 -- whoever waits must be told, whatever it was
                for place in self._line.leave_all():
                    place.load.set_exception(e)
                continue
            with self._lock:
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
        with self._lock:
            while not (self._line or self._closed.is_set()):
                self._changed.wait()
        return not self._closed.is_set()

    def _planner(self, entry: Entry) -> Callable[[Memory], Plan | None]:
        draft = self._draft_of(entry)
        options = {"draft": draft} if draft is not None else {}
        return lambda free: self._make_plan(entry, self.paths, self._workers.beside(free, entry), **options)

    def _draft_of(self, entry: Entry) -> Entry | None:
        return self.catalog.find(entry.draft) if entry.draft else None

    def _retire(self, place: Place) -> None:
        """Let its users finish, then close it; its next request gets a new place."""
        del self._places[place.entry.id]
        place.is_closed = True
        threading.Thread(target=self._close_when_unused, args=(place,), daemon=True).start()

    def _close_when_unused(self, place: Place) -> None:
        with self._lock:
            while place.num_users and not self._closed.is_set():
                self._changed.wait(WAIT_S)
        self._close(place)

    def _load(self, place: Place, plan: Plan) -> None:
        try:
            model = self._started(place, plan)
        except BaseException as e:  # noqa: BLE001 -- whoever waits must be told, whatever it was
            error = place.unloaded_meanwhile if place.is_closed else e
            self._close(place)
            place.load.set_exception(error)
            return
        with self._lock:
            self._ledger.loaded(place)
            place.last_used = time.monotonic()
            place.load.set_result(model)

    def _started(self, place: Place, plan: Plan) -> Model:
        with contextlib.suppress(OSError):
            self.paths.logs.mkdir(parents=True, exist_ok=True)
        draft = self._draft_of(place.entry)
        place.engine = self._make_engine(load_params(place.entry, self.paths, plan, draft))
        if not place.is_closed:
            place.engine.start()
        if place.is_closed:  # before or while it was started
            raise place.unloaded_meanwhile
        return build_model(place.entry, place.engine, self.paths)


def _runs_elsewhere(entry: Entry) -> errors.InvalidRequest:
    return errors.InvalidRequest(
        f'The model "{entry.id}" is run by another server, which its entry forwards to; here it is neither loaded nor '
        "unloaded, and only chats, completions, embeddings and rerankings are sent there.",
        param="model",
        code="model_is_forwarded",
    )


def _wait(load: Future[Model], poll: Poll | None) -> Model:
    while True:
        try:
            return load.result(timeout=POLL_S)
        except FutureTimeoutError:
            if load.done():  # the load itself timed out somewhere
                raise
            if poll is not None:
                poll()


def _done(model: Model) -> Future[Model]:
    future: Future[Model] = Future()
    future.set_result(model)
    return future
