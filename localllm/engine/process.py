"""One run of an engine process: start the child, own its pipe, read its events, notice its death.

One reader thread per process hands events to streams and calls. Knows no model and no request.
"""

from __future__ import annotations

import multiprocessing
import queue
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Literal

from localllm import errors
from localllm.engine import messages as m
from localllm.engine.log_tail import last_lines
from localllm.engine.stream import Stream

State = Literal["unloaded", "loading", "ready", "dead"]
POLL_S = 0.25


class Process:
    """One run of the child: its pipe, its reader thread, and who waits for what."""

    def __init__(self, params: m.LoadParams) -> None:
        self.params = params
        self.state: State = "loading"
        self.progress = 0.0
        self.info: m.ModelInfo | None = None
        self.streams: dict[int, Stream] = {}
        self.calls: dict[int, queue.SimpleQueue[m.Event | errors.LocalllmError]] = {}
        self._error: errors.LocalllmError | None = None
        self._settled = threading.Event()
        self._send_lock = threading.Lock()
        self._connection, child = multiprocessing.Pipe()
        self._child = _spawn(child, params)
        child.close()
        self._reader = threading.Thread(target=self._read, name=f"engine-{params.model_id}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int | None:
        return self._child.pid

    def wait_ready(self, poll: Callable[[], None] | None) -> None:
        while not self._settled.wait(POLL_S):
            if poll is not None:
                poll()
        if self._error is not None:
            raise self._error

    def raise_if_dead(self) -> None:
        """To be called after registering: whoever registered later than the death is told here."""
        if self.state == "dead":
            raise self._error or errors.EngineDied("The engine has ended. Send the request again.")

    def send(self, message: m.Message) -> None:
        """Hand a command to the child. A dead child is noticed by the reader, which tells the streams."""
        data = m.pack(message)
        try:
            with self._send_lock:
                self._connection.send_bytes(data)
        except OSError:
            self._die()

    def close(self, timeout_s: float) -> None:
        self.send(m.Shutdown())
        self._child.join(timeout_s)
        if self._child.is_alive():
            self._child.kill()
            self._child.join()
        self._reader.join(timeout_s)

    # ── the reader thread ───────────────────────────────────────────────────────────────────────────────────

    def _read(self) -> None:
        try:
            while True:
                self._dispatch(m.unpack_event(self._connection.recv_bytes()))
        except (EOFError, OSError):
            self._die()
        finally:
            self._connection.close()

    def _dispatch(self, event: m.Event) -> None:
        match event:
            case m.Step():
                self._deliver(event.deltas)
            case m.Accepted():
                if stream := self.streams.get(event.request_id):
                    stream.put(event)
            case m.Refused():
                if stream := self.streams.pop(event.request_id, None):
                    stream.put(_refusal(event))
            case m.Loading():
                self.progress = event.progress
            case m.Ready():
                self.info, self.progress, self.state = event.info, 1.0, "ready"
                self._settled.set()
            case m.LoadFailed():
                self._error = errors.ModelLoadFailed(event.message)
            case _:
                if reply := self.calls.pop(event.call_id, None):
                    reply.put(event)

    def _deliver(self, deltas: list[m.Delta]) -> None:
        for delta in deltas:
            stream = self.streams.get(delta.request_id)  # None: cancelled meanwhile
            if stream is not None and stream.put(delta):
                self.streams.pop(delta.request_id, None)

    def _die(self) -> None:
        """The pipe is closed: whoever waits gets a typed error with the last lines the child printed."""
        with self._send_lock:
            if self.state == "dead":
                return
            was_ready, self.state = self.state == "ready", "dead"
        self._child.join(2.0)
        said = last_lines(Path(self.params.log_path)) if self.params.log_path else ""
        how = _exit_description(self._child.exitcode)
        if self._error is None and not was_ready:
            self._error = errors.ModelLoadFailed(
                f"The engine of {self.params.model_id!r} {how} while it loaded {self.params.path}.{said}"
            )
        error = self._error or errors.EngineDied(
            f"The engine of {self.params.model_id!r} {how}; it is started again for the next request.{said}"
        )
        self._error = error
        self._settled.set()
        for stream in list(self.streams.values()):
            stream.put(error)
        self.streams.clear()
        for reply in list(self.calls.values()):
            reply.put(error)


def _spawn(child: Connection, params: m.LoadParams) -> SpawnProcess:
    from localllm.engine import worker

    process = multiprocessing.get_context("spawn").Process(
        target=worker.main,
        args=(child, m.pack_load_params(params)),
        name=f"localllm-engine {params.model_id}",
        daemon=True,
    )
    process.start()
    return process


def _refusal(event: m.Refused) -> errors.LocalllmError:
    error_class = getattr(errors, event.kind, errors.InvalidRequest)
    error: errors.LocalllmError = error_class(event.message, param=event.param, code=event.code)
    return error


def _exit_description(exitcode: int | None) -> str:
    if exitcode is None:
        return "stopped answering"
    if exitcode < 0:
        return f"was ended by signal {-exitcode}"
    return f"ended with status {exitcode}"
