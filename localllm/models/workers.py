"""The workers of `rpc` entries: what they have free, asked before each load, and who holds them.

A worker serves one engine at a time, so a model that is idle gives its workers up to the next one that needs them.
Decides and asks; the loader ends engines.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from localllm import errors
from localllm.engine.rpc_ask import ask_workers
from localllm.engine.rpc_probe import WorkerReport
from localllm.models.entry import Entry
from localllm.models.memory import Memory
from localllm.models.place import Place

HEADROOM_BYTES = 512 << 20  # compute buffers of its own, and what else runs on that computer
PROCESSOR_SHARE = 0.75  # a processor tells all its memory as free, whatever uses it
FAILURE_HOLDS_S = 2.0  # who comes so soon after a failure is told the same, instead of waiting once more

Ask = Callable[[Sequence[str]], tuple[WorkerReport, ...]]


class Workers:
    """What all workers that were ever asked have free."""

    def __init__(self, ask: Ask = ask_workers) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._free: dict[str, int] = {}
        self._failure: tuple[float, Sequence[str], errors.LocalllmError] | None = None

    def turn(self, entry: Entry) -> contextlib.AbstractContextManager[object]:
        """Asking workers and beginning the load is done by one at a time: a second one would find them busy."""
        return self._lock if entry.rpc else contextlib.nullcontext()

    def ask(self, addresses: Sequence[str]) -> None:
        """Ask what they have free. Takes half a second. Raises WorkerUnavailable, ModelLoadFailed."""
        if not addresses:
            return
        if self._failure is not None:
            until, failed, error = self._failure
            if failed == addresses and time.monotonic() < until:
                raise error
        try:
            reports = self._ask(addresses)
        except errors.LocalllmError as e:
            self._failure = (time.monotonic() + FAILURE_HOLDS_S, addresses, e)
            raise
        self._free |= {report.address: usable_bytes(report) for report in reports}

    def beside(self, memory: Memory, entry: Entry) -> Memory:
        """This computer's memory with that of the entry's workers."""
        if not entry.rpc:
            return memory
        return replace(memory, on_workers=sum(self._free.get(address, 0) for address in entry.rpc))


def usable_bytes(report: WorkerReport) -> int:
    """What layers may take of a worker's memory."""
    shares = (free if free < total else int(free * PROCESSOR_SHARE) for free, total in report.devices)
    return sum(max(0, share - HEADROOM_BYTES) for share in shares)


def rivals(entry: Entry, places: Iterable[Place]) -> list[Place]:
    """The places of other models that hold a worker of this entry. Raises NotReady where one of them is in use."""
    found = [p for p in places if p.entry.id != entry.id and _shared(entry, p)]
    for place in found:
        if not place.is_idle:
            raise errors.NotReady(
                f'The worker {_shared(entry, place)[0]} computes for the model "{place.entry.id}" at the moment, and '
                "serves one model at a time. Send the request again when that one has ended.",
                code="worker_busy",
            )
    return found


def not_held(entry: Entry, own: Place | None) -> list[str]:
    """The workers that the entry's own engine does not hold already."""
    held: Collection[str] = () if own is None or own.needs_load else own.entry.rpc
    return [address for address in entry.rpc if address not in held]


def _shared(entry: Entry, place: Place) -> list[str]:
    return [] if place.needs_load else [address for address in entry.rpc if address in place.entry.rpc]
