"""GET /page/state: models, memory and downloads as the page shows them. Asked for every second, so it never waits.

What takes time to find out (GPUs, headers of files, whether models fit) is kept for a while. Knows no engine's
figures: page_figures.py does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import psutil
from flask import Blueprint, Response

from localllm.api.downloads import progress_body
from localllm.api.envelope import json_response
from localllm.api.job import Services
from localllm.api.monitoring import resident_bytes
from localllm.engine.devices import Device, find_devices
from localllm.models.entry import Entry
from localllm.models.fit import judge
from localllm.models.machine import free_ram
from localllm.models.place import Loaded, Status
from localllm.models.removal import downloaded_files
from localllm.models.sources import Builtin, HubFile, parse_source

T = TypeVar("T")
DEVICES_FOR_S = 60.0
VERDICTS_FOR_S = 30.0


class Kept(Generic[T]):
    """A value that is found out again once it is older than `for_s`, or once `forget` was called."""

    def __init__(self, find_out: Callable[[], T], for_s: float) -> None:
        self._find_out = find_out
        self._for_s = for_s
        self._value: tuple[float, T] | None = None

    def __call__(self) -> T:
        if self._value is None or time.monotonic() - self._value[0] > self._for_s:
            self._value = (time.monotonic(), self._find_out())
        return self._value[1]


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("page_state", __name__)
    state = State(services)

    @routes.get("/page/state")
    def show() -> Response:
        return json_response(state.body())

    return routes


class State:
    """What the page asks for again and again."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pool = services.pool
        self._devices: Kept[tuple[Device, ...]] = Kept(find_devices, DEVICES_FOR_S)
        self._verdicts = Kept(self._judge_all, VERDICTS_FOR_S)
        self._judged: tuple[Entry, ...] = ()

    def body(self) -> dict[str, Any]:
        catalog = self._pool.catalog
        pulls = self._services.pulls
        loaded = {model.entry.id: model for model in self._pool.loaded()}
        statuses: dict[str, Status] = {entry.id: status for entry, status in self._pool.statuses()}
        problems = self._pool.problems()
        return {
            "default_model": self._services.config.model,
            "catalog_error": catalog.error,
            "catalog_path": str(catalog.path),
            "models": [
                self._model(entry, statuses, loaded.get(entry.id), problems.get(entry.id, ""))
                for entry in catalog.entries
            ],
            "memory": self._memory(),
            "downloads": [progress_body(id_, pull) for id_, pull in pulls.all().items()] if pulls else [],
        }

    def _model(
        self, entry: Entry, statuses: dict[str, Status], loaded: Loaded | None, problem: str
    ) -> dict[str, Any]:
        source = None if entry.upstream is not None else parse_source(entry.source)
        is_here = entry.id in statuses
        is_download = isinstance(source, HubFile)
        verdict = self._verdict(entry.id)
        files = (
            downloaded_files(entry, self._pool.catalog, self._pool.paths) if is_here and is_download else []
        )
        return {
            "id": entry.id,
            "name": entry.display_name,
            "description": entry.description,
            "kind": entry.kind,
            "licence": entry.licence,
            "size_bytes": entry.size_bytes,
            "is_here": is_here,
            "is_builtin": isinstance(source, Builtin),
            "is_download": is_download,
            "is_remote": source is None,
            "can_delete": bool(files),
            "sees_images": False,  # content parts of images are refused by every model so far
            "status": statuses.get(entry.id, "unloaded"),
            "progress": self._pool.progress(entry.id) if statuses.get(entry.id) == "loading" else None,
            "problem": problem,
            "fits": verdict.get("fits"),
            "needs_bytes": verdict.get("needs_bytes"),
            "note": loaded.note if loaded else "",
            "n_ctx": loaded.n_ctx if loaded else verdict.get("n_ctx"),
            "num_users": loaded.num_users if loaded else 0,
            "ram_bytes": loaded.ram_bytes if loaded else 0,
            "device_bytes": loaded.device_bytes if loaded else 0,
            "expires_s": loaded.expires_s if loaded else None,
        }

    def _memory(self) -> dict[str, Any]:
        """RAM in four parts that add up: others' use, reservations, what models may take, what stays free."""
        ram = psutil.virtual_memory()
        pids = [engine.pid for engine in self._pool.engines().values()]
        resident = sum(resident_bytes(pid) for pid in pids)
        reserved = sum(model.ram_bytes for model in self._pool.loaded())
        others = max(0, ram.total - ram.available - resident)
        free = max(0, min(free_ram(), ram.total - others - reserved))
        return {
            "total_bytes": ram.total,
            "others_bytes": others,
            "reserved_bytes": reserved,
            "free_bytes": free,
            "kept_free_bytes": max(0, ram.total - others - reserved - free),
            "devices": [
                {
                    "name": device.description or device.name,
                    "total_bytes": device.total_bytes,
                    "free_bytes": device.free_bytes,
                }
                for device in self._devices()
            ],
        }

    def _verdict(self, model_id: str) -> dict[str, Any]:
        if self._judged != self._pool.catalog.entries:
            self._verdicts = Kept(self._judge_all, VERDICTS_FOR_S)
        return self._verdicts().get(model_id, {})

    def _judge_all(self) -> dict[str, dict[str, Any]]:
        """Each model against this computer with nothing loaded: what could run here, not what could right now."""
        memory = self._pool.memory_for_one()
        self._judged = self._pool.catalog.entries
        return {e.id: judge(e, self._pool.paths, memory) for e in self._judged if e.upstream is None}
