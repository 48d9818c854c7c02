"""One entry's place in the pool: waiting for memory, loading, loaded or failed.

Only the pool makes one; the pool and its loader change it.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal

from localllm import errors
from localllm.engine.engine import Engine
from localllm.models.entry import Entry
from localllm.models.memory import Plan
from localllm.models.model import Model

Status = Literal["unloaded", "loading", "loaded", "failed"]
GRACE_S = 5.0  # a model that was just loaded waits so long for whoever asked for it


@dataclass(frozen=True)
class Loaded:
    """What `ps` shows of one model in memory. Bytes are the reserved ones; expires_s None: never."""

    entry: Entry
    status: Status
    num_users: int
    ram_bytes: int
    device_bytes: int
    n_ctx: int
    n_gpu_layers: int
    idle_s: float
    expires_s: float | None
    note: str


class Place:
    """Guarded by the pool's lock, but for `status` and `progress`, which anybody may read at any time."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.engine: Engine | None = None
        self.load: Future[Model] = Future()
        self.num_users = 0
        self.last_used = time.monotonic()
        self.was_used = False
        self.is_closed = False

    @property
    def status(self) -> Status:
        if not self.load.done():
            return "loading"
        if self.load.exception() is not None or self.engine is None:
            return "failed"
        match self.engine.state:
            case "ready":
                return "loaded"
            case "loading":
                return "loading"
            case _:
                return "unloaded"

    @property
    def problem(self) -> str:
        """Why it could not be loaded; empty where nothing went wrong."""
        error = self.load.exception() if self.load.done() else None
        return "" if error is None else str(error)

    @property
    def progress(self) -> float:
        """How far loading has come, 0 to 1."""
        return self.engine.progress if self.engine is not None else 0.0

    @property
    def needs_load(self) -> bool:
        """True where the next request has to start the engine again: it died, or never came up."""
        return self.status in ("failed", "unloaded")

    @property
    def is_idle(self) -> bool:
        """True where nobody uses it, and nobody is about to."""
        if self.num_users or not self.load.done():
            return False
        return self.was_used or self.needs_load or time.monotonic() - self.last_used > GRACE_S

    @property
    def is_busy(self) -> bool:
        """True where it is loaded and requests are using it."""
        return self.num_users > 0 and self.load.done()

    @property
    def unloaded_meanwhile(self) -> errors.LocalllmError:
        return errors.NotReady(
            f'The model "{self.entry.id}" was unloaded while it was being loaded. Send the request again.'
        )

    def describe(self, plan: Plan | None, keep_alive_s: float | None) -> Loaded:
        """What there is to say of it now; `plan` is None before memory was found."""
        plan = plan or Plan(0, 0, 0, 0)
        idle_s = 0.0 if self.num_users else time.monotonic() - self.last_used
        return Loaded(
            entry=self.entry,
            status=self.status,
            num_users=self.num_users,
            ram_bytes=plan.ram_bytes,
            device_bytes=plan.device_bytes,
            n_ctx=plan.n_ctx,
            n_gpu_layers=plan.n_gpu_layers,
            idle_s=idle_s,
            expires_s=None if keep_alive_s is None else max(0.0, keep_alive_s - idle_s),
            note=plan.note,
        )
