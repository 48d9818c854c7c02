"""The loaded models: load on demand, one load for all who wait, hold while in use, make room, unload when idle.

    with pool.use("guide", poll=give_up_if_client_left) as model:
        model.engine.submit(...)

Threads: any thread may call any method. Loads run in threads of their own (loader.py), so that a client which leaves
does not stop one and `statuses()` never waits. Knows no HTTP.
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
from localllm.models import room
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry, keep_alive_s
from localllm.models.ledger import Ledger
from localllm.models.loader import Loader, MakeEngine, MakePlan
from localllm.models.machine import free_memory
from localllm.models.memory import Memory
from localllm.models.model import Model, build_model, load_params
from localllm.models.place import Loaded, Place, Status
from localllm.models.presence import Presence
from localllm.models.sources import find_file
from localllm.paths import Paths
from localllm.upstream.upstreams import Upstreams

Poll = Callable[[], None]
POLL_S = 0.25
SWEEP_S = 1.0
KEEP_ALIVE = "10m"


class Pool:
    """All models of the app."""

    def __init__(
        self,
        catalog: Catalog,
        paths: Paths,
        make_engine: MakeEngine = Engine,
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
        self._keep_alive = keep_alive
        self._ledger = Ledger(measure, memory_limit_bytes)
        # Reentrant: the garbage collector may end a forgotten `use` in the middle of another's turn, in its thread.
        self._lock = threading.RLock()
        # Told when a place was asked for or became idle, or a process has ended.
        self._changed = threading.Condition(self._lock)
        self._places: dict[str, Place] = {}
        self.upstreams = Upstreams(catalog.path.parent)
        self._presence = Presence(catalog, paths)
        self._closed = threading.Event()
        self._loader = Loader(
            catalog,
            paths,
            self._ledger,
            make_engine,
            make_plan,
            places=self._places,
            changed=self._changed,
            closed=self._closed,
        )
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
        with self._loader.turn(entry):
            place = self._places.get(entry.id)
            if place is None or place.needs_load or place.entry != entry:
                find_file(entry, self.paths)
                self._loader.check(entry)
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
                self._loader.close_later(place)

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
        self._loader.close_later(place)
        return None

    def _replaced(self, place: Place | None, entry: Entry) -> Place:
        """A fresh place whose load is asked for. The engine of the old one, if there was one, has ended by itself."""
        if place is not None:
            self._ledger.release(place)
        fresh = self._places[entry.id] = Place(entry)
        self._loader.load(fresh)
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
            self._loader.close(place)
        return place is not None

    def close(self) -> None:
        """End every engine."""
        self._closed.set()
        self.upstreams.close()
        with self._lock:
            self._changed.notify_all()
            places = list(self._places.values())
            self._places.clear()
        threads = [threading.Thread(target=self._loader.close, args=(place,)) for place in places]
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
                    self._loader.close_later(place)

    def _sweep_all(self) -> None:
        while not self._closed.wait(SWEEP_S):
            self.sweep()
            self._presence.read_new_headers()

    def _keep_alive_s(self, place: Place) -> float | None:
        return None if place.entry.pinned else keep_alive_s(place.entry.keep_alive or self._keep_alive)


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
