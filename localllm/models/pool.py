"""The loaded models: load on demand, one load for all who wait, hold while in use, unload.

    with pool.use("guide", poll=give_up_if_client_left) as model:
        model.engine.submit(...)

Threads: any thread may call any method. A load runs in a thread of its own, so that a client which leaves does not
stop it and `statuses()` never waits. Knows no HTTP.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Literal

from localllm import errors
from localllm.engine.engine import Engine
from localllm.engine.messages import LoadParams
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.model import Model, build_model, load_params
from localllm.models.sources import find_file
from localllm.paths import Paths

Status = Literal["unloaded", "loading", "loaded", "failed"]
Poll = Callable[[], None]
POLL_S = 0.25


class _Place:
    """One entry's place in the pool: a load under way, a loaded model, or a failed load."""

    def __init__(self, entry: Entry, engine: Engine) -> None:
        self.entry = entry
        self.engine = engine
        self.load: Future[Model] = Future()
        self.num_users = 0
        self.last_used = time.monotonic()
        self.is_closed = False

    @property
    def status(self) -> Status:
        if not self.load.done():
            return "loading"
        if self.load.exception() is not None:
            return "failed"
        match self.engine.state:
            case "ready":
                return "loaded"
            case "loading":
                return "loading"
            case _:
                return "unloaded"

    @property
    def needs_load(self) -> bool:
        """True where the next request has to start the engine again: it died, or never came up."""
        return self.status in ("failed", "unloaded")


class Pool:
    """All models of the app."""

    def __init__(
        self, catalog: Catalog, paths: Paths, make_engine: Callable[[LoadParams], Engine] = Engine
    ) -> None:
        self.catalog = catalog
        self._paths = paths
        self._make_engine = make_engine
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}

    def get(self, model_id: str, *, poll: Poll | None = None) -> Model:
        """The loaded model of this id or alias; loads it, or waits for the load that is under way.

        `poll` is called a few times a second while waiting and may raise to give up (the load goes on).
        Raises ModelNotFound, ModelLoadFailed, NotReady.
        """
        with self.use(model_id, poll=poll) as model:
            return model

    @contextlib.contextmanager
    def use(self, model_id: str, *, poll: Poll | None = None) -> Iterator[Model]:
        """As `get`, and the model is not unloaded to make room while the block runs."""
        place = self._enter(self.catalog.find(model_id))
        try:
            yield _wait(place.load, poll)
        finally:
            with self._lock:
                place.num_users -= 1
                place.last_used = time.monotonic()

    def statuses(self) -> list[tuple[Entry, Status]]:
        """Every entry of the catalog with its state at this moment. Never waits."""
        places = self._places.copy()
        return [(e, places[e.id].status if e.id in places else "unloaded") for e in self.catalog.entries]

    def status(self, model_id: str) -> Status:
        """The state of one model by id or alias. Never waits. Raises ModelNotFound."""
        place = self._places.get(self.catalog.find(model_id).id)
        return place.status if place is not None else "unloaded"

    def progress(self, model_id: str) -> float:
        """How far loading has come, 0 to 1. Never waits."""
        place = self._places.get(self.catalog.find(model_id).id)
        return place.engine.progress if place is not None else 0.0

    def unload(self, model_id: str) -> bool:
        """End the model's engine and give its memory back; its open streams get EngineDied. False if not loaded."""
        with self._lock:
            place = self._places.pop(self.catalog.find(model_id).id, None)
        if place is not None:
            _close(place)
        return place is not None

    def close(self) -> None:
        """End every engine."""
        with self._lock:
            places, self._places = list(self._places.values()), {}
        for place in places:
            _close(place)

    def _enter(self, entry: Entry) -> _Place:
        """The place of the entry, with one more user and a load under way or done."""
        with self._lock:
            place = self._places.get(entry.id)
            if place is not None and place.entry != entry:
                place = self._follow_edit(place, entry)
            if place is None or place.needs_load:
                find_file(entry, self._paths)
                place = place or _Place(entry, self._make_engine(load_params(entry, self._paths)))
                self._places[entry.id] = place
                self._start_load(place)
            place.num_users += 1
            return place

    def _follow_edit(self, place: _Place, entry: Entry) -> _Place | None:
        """The catalog says something new of this model: take it over now, or by a reload once nobody uses it."""
        if place.status == "loaded" and load_params(entry, self._paths) == place.engine.params:
            place.load = _done(build_model(entry, place.engine, self._paths))
            place.entry = entry
            return place
        if place.num_users:
            return place
        threading.Thread(target=_close, args=(place,), daemon=True).start()
        return None

    def _start_load(self, place: _Place) -> None:
        if place.load.done():
            place.load = Future()
        thread = threading.Thread(
            target=self._load, args=(place,), name=f"load-{place.entry.id}", daemon=True
        )
        thread.start()

    def _load(self, place: _Place) -> None:
        load = place.load
        try:
            with contextlib.suppress(OSError):
                self._paths.logs.mkdir(parents=True, exist_ok=True)
            place.engine.start()
            load.set_result(build_model(place.entry, place.engine, self._paths))
        except BaseException as e:  # noqa: BLE001 -- whoever waits must be told, whatever it was
            load.set_exception(_unloaded_meanwhile(place) if place.is_closed else e)


def _wait(load: Future[Model], poll: Poll | None) -> Model:
    while True:
        try:
            return load.result(timeout=POLL_S)
        except FutureTimeoutError:
            if load.done():  # the load itself timed out somewhere
                raise
            if poll is not None:
                poll()


def _close(place: _Place) -> None:
    place.is_closed = True
    place.engine.close()


def _done(model: Model) -> Future[Model]:
    future: Future[Model] = Future()
    future.set_result(model)
    return future


def _unloaded_meanwhile(place: _Place) -> errors.LocalllmError:
    return errors.NotReady(
        f'The model "{place.entry.id}" was unloaded while it was being loaded. Send the request again.'
    )
