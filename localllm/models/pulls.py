"""The downloads that the running app does in the background: one per model, watched and stopped by the model's id."""

from __future__ import annotations

import threading
from collections.abc import Callable

from localllm import errors
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.hub import Hub
from localllm.models.machine import free_ram
from localllm.models.pull import Pull
from localllm.models.sources import HubFile, parse_source
from localllm.models.wanted import wanted
from localllm.paths import Paths


class Pulls:
    """For any thread. A finished pull of a new model puts it into the catalog."""

    def __init__(self, catalog: Catalog, paths: Paths, make_hub: Callable[[], Hub] = Hub) -> None:
        self._catalog = catalog
        self._paths = paths
        self._make_hub = make_hub
        self._lock = threading.Lock()
        self._pulls: dict[str, Pull] = {}

    def start(self, name: str) -> Entry:
        """Begin to download, or go on with it; returns at once. Raises ModelNotFound, CatalogError, DownloadFailed."""
        hub = self._make_hub()
        try:
            entry = wanted(name, self._catalog, hub, free_ram())
            source = parse_source(entry.source)
            if not isinstance(source, HubFile):
                raise errors.DownloadFailed(f'"{entry.id}" is no download: its source is {entry.source}.')
            hub.describe(source)  # what is wrong with the name is said now, and not in the background
            is_begun = self._begin(entry, Pull(hub, source, self._paths.models), hub)
        except BaseException:
            hub.close()
            raise
        if not is_begun:
            hub.close()
        return entry

    def _begin(self, entry: Entry, pull: Pull, hub: Hub) -> bool:
        """False where the model is being downloaded already."""
        with self._lock:
            before = self._pulls.get(entry.id)
            if before is not None and before.progress.state == "running":
                return False
            self._pulls[entry.id] = pull
            pull.start(on_done=lambda: self._add(entry), on_end=hub.close)
            return True

    def all(self) -> dict[str, Pull]:
        """Every pull since the app was started, by model id; `progress` tells how each stands."""
        return dict(self._pulls)

    def cancel(self, model_id: str) -> bool:
        """Stop the download and throw away what is not complete. False where none is running."""
        pull = self._pulls.get(model_id)
        if pull is None or pull.progress.state != "running":
            return False
        pull.cancel()
        return True

    def close(self) -> None:
        """Pause all; the next start goes on with them."""
        for pull in self.all().values():
            pull.pause()

    def _add(self, entry: Entry) -> None:
        if entry.id not in [known.id for known in self._catalog.entries]:
            self._catalog.add(entry)
