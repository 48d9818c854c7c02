"""Asks the workers of an entry what they have free, for the app: in a short child process, all at the same time."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

import msgspec

from localllm import errors
from localllm.engine import rpc_probe
from localllm.engine.devices import has_library
from localllm.engine.rpc_probe import WorkerReport
from localllm.engine.short_child import ask_child

TIMEOUT_S = 30.0


class _Outcome(msgspec.Struct, frozen=True):
    """A report, or the error that stands for it (the name of its class in localllm.errors)."""

    report: WorkerReport | None = None
    kind: str = ""
    message: str = ""
    code: str | None = None


def ask_workers(addresses: Sequence[str]) -> tuple[WorkerReport, ...]:
    """One report per address, in order. Raises WorkerUnavailable, or ModelLoadFailed where trying again is no use."""
    if not has_library("rpc"):
        raise errors.ModelLoadFailed(rpc_probe.NOT_BUILT_IN, code="no_rpc")
    said = ask_child(_tell, list(addresses), timeout_s=TIMEOUT_S)
    outcomes = msgspec.msgpack.decode(said, type=list[_Outcome]) if said else []
    for outcome in outcomes:
        if outcome.report is None:
            raise getattr(errors, outcome.kind)(outcome.message, code=outcome.code)
    if not outcomes:
        raise errors.WorkerUnavailable(f"The workers {', '.join(addresses)} could not be asked. Try again.")
    return tuple(outcome.report for outcome in outcomes if outcome.report is not None)


def _tell(connection: Connection, addresses: list[str]) -> None:
    """The child's main."""
    with ThreadPoolExecutor(len(addresses)) as threads:
        outcomes = list(threads.map(_outcome, addresses))
    with contextlib.suppress(OSError):
        connection.send_bytes(msgspec.msgpack.encode(outcomes))


def _outcome(address: str) -> _Outcome:
    try:
        return _Outcome(report=rpc_probe.ask(address))
    except errors.LocalllmError as e:
        return _Outcome(kind=type(e).__name__, message=e.message, code=e.code)
