"""The downloads that the running app does in the background: one per model, watched, paused and stopped by its id."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from localllm import errors
from localllm.models.catalog import Catalog
from localllm.models.disk import Disk
from localllm.models.entry import Entry
from localllm.models.hub import Hub
from localllm.models.machine import free_memory
from localllm.models.memory import Memory
from localllm.models.pull import Pull
from localllm.models.sources import PART_STATE, HubFile, parse_hub, parse_source
from localllm.models.wanted import new_id, wanted
from localllm.paths import Paths


@dataclass(frozen=True)
class _Known:
    """A pull and what it is for; the entry of a new model comes into the catalog when the pull is done."""

    entry: Entry
    pull: Pull


class Pulls:
    """For any thread. A finished pull of a new model puts it into the catalog.

    What an earlier run has left unfinished is there from the start, paused.
    """

    def __init__(
        self,
        catalog: Catalog,
        paths: Paths,
        make_hub: Callable[[], Hub] = Hub,
        measure: Callable[[], Memory] = free_memory,
    ) -> None:
        """measure: what memory there is for a model, asked where its quantization is to be chosen."""
        self._catalog = catalog
        self._paths = paths
        self._make_hub = make_hub
        self._measure = measure
        self._disk = Disk()
        self._lock = threading.Lock()
        self._known = {known.entry.id: known for known in self._unfinished()}

    def start(self, name: str) -> Entry:
        """Begin to download, or go on with it; returns at once.

        Raises ModelNotFound, CatalogError, DownloadFailed, and InvalidRequest for a model that is no download.
        """
        hub = self._make_hub()
        try:
            known = self._known.get(name)
            entry = known.entry if known is not None else wanted(name, self._catalog, hub, self._measure)
            source = parse_source(entry.source)
            if not isinstance(source, HubFile):
                where = entry.source or "another server"
                raise errors.InvalidRequest(
                    f'"{entry.id}" is no download: its source is {where}.', param="model"
                )
            hub.describe(source)  # what is wrong with the name is said now, and not in the background
            is_begun = self._begin(entry, source, hub)
        except BaseException:
            hub.close()
            raise
        if not is_begun:
            hub.close()
        return entry

    def _begin(self, entry: Entry, source: HubFile, hub: Hub) -> bool:
        """False where the model is being downloaded already."""
        with self._lock:
            known = self._known.get(entry.id)
            if known is not None and known.pull.progress.state == "running":
                return False
            before = known.pull if known is not None else None
            pull = Pull(hub, source, self._paths.models, before, self._disk)
            self._known[entry.id] = _Known(entry, pull)
            pull.start(on_done=lambda: self._add(entry), on_end=hub.close)
            return True

    def all(self) -> dict[str, Pull]:
        """Every pull of this run and what earlier ones left, by model id; `progress` tells how each stands."""
        return {model_id: known.pull for model_id, known in self._known.copy().items()}

    def pause(self, model_id: str) -> bool:
        """Stop the download and keep what has arrived; `start` goes on with it. False where none is running."""
        known = self._known.get(model_id)
        if known is None or known.pull.progress.state != "running":
            return False
        known.pull.pause()
        return True

    def resume(self, model_id: str) -> bool:
        """Go on with a download that was paused or has failed. False where there is none. Raises DownloadFailed."""
        known = self._known.get(model_id)
        if known is None or known.pull.progress.state not in ("paused", "failed"):
            return False
        self.start(model_id)
        return True

    def cancel(self, model_id: str) -> bool:
        """Stop the download and throw away what is not complete. False where there is nothing to stop."""
        known = self._known.get(model_id)
        if known is None or known.pull.progress.state not in ("running", "paused", "failed"):
            return False
        known.pull.cancel()
        return True

    def _unfinished(self) -> Iterator[_Known]:
        models = self._paths.models
        for state in sorted(models.rglob(f"*{PART_STATE}")):
            try:
                part = parse_hub(state.relative_to(models).as_posix().removesuffix(PART_STATE))
            except errors.CatalogError:  # not ours
                continue
            source = HubFile(part.owner, part.repo, part.shards()[0])
            entry = next((e for e in self._catalog.entries if e.source == source.uri), None)
            entry = entry or Entry(id=new_id(source, self._catalog), source=source.uri)
            yield _Known(entry, Pull.unfinished(source, models))

    def _add(self, entry: Entry) -> None:
        if entry.id not in [known.id for known in self._catalog.entries]:
            self._catalog.add(entry)
