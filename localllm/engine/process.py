"""One run of an engine process: start the child, own its pipe, read its events, notice its death and its silence.

One reader thread per process hands events to streams and calls (reading.py says when a stream's own thread does);
another one ends a child that has not been heard of for too long. Knows no model and no request.
"""

from __future__ import annotations

import contextlib
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
from localllm.engine.loading import LoadParams, ModelInfo, pack_load_params
from localllm.engine.reading import PipeReader
from localllm.engine.stream import Stream
from localllm.log_tail import last_lines

State = Literal["unloaded", "loading", "ready", "dead"]
POLL_S = 0.25
KILLED = (-9, -15)  # from outside: by a person, or by the system for want of memory
ILLEGAL_INSTRUCTION = (-4, 0xC000001D)  # SIGILL; as Windows has it
SILENCE_LIMIT_S = 30.0
START_FACTOR = 4  # so much longer before its first word: Python starts, perhaps from a cold disk


class Process:
    """One run of the child: its pipe, its reader thread, and who waits for what."""

    def __init__(self, params: LoadParams, silence_limit_s: float = SILENCE_LIMIT_S) -> None:
        """Raises OSError where the system has no room for another process."""
        self.params = params
        self._silence_limit_s = silence_limit_s
        self.state: State = "loading"
        self.progress = 0.0
        self.info: ModelInfo | None = None
        self.streams: dict[int, Stream] = {}
        self.calls: dict[int, queue.SimpleQueue[m.Event | errors.LocalllmError]] = {}
        self._error: errors.LocalllmError | None = None
        self._settled = threading.Event()
        self._send_lock = threading.Lock()
        self._is_heard = False  # since the watch looked last
        self._has_fallen_silent = False
        self._is_closing = False
        self._ended = threading.Event()
        self._connection, child = multiprocessing.Pipe()
        self.pipe = PipeReader(self._connection, self._take, self._has_one_stream)
        _forget_log(params.log_path)
        self._child = _spawn(child, params)
        child.close()
        self.pid = self._child.pid
        self._reader = threading.Thread(target=self._read, name=f"engine-{params.model_id}", daemon=True)
        self._reader.start()
        threading.Thread(target=self._watch, name=f"watch-{params.model_id}", daemon=True).start()

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
        self.pipe.call_back()
        with contextlib.suppress(OSError), self._send_lock:
            self._connection.send_bytes(data)

    def close(self, timeout_s: float) -> None:
        """Ask the child to end, and end it where it does not within `timeout_s`."""
        self._is_closing = True
        # beside us: a child that was stopped may leave the pipe full
        threading.Thread(target=self.send, args=(m.Shutdown(),), name="shutdown", daemon=True).start()
        self._reader.join(timeout_s)  # it ends after the child
        if self._reader.is_alive():
            self._kill()
            self._reader.join()

    def _kill(self) -> None:
        with contextlib.suppress(ValueError):  # it has just ended by itself
            self._child.kill()

    # ── whoever reads the pipe ──────────────────────────────────────────────────────────────────────────────

    def _read(self) -> None:
        try:
            self.pipe.run()
        except (EOFError, OSError):
            pass
        finally:  # whatever it was: a child that nobody reads ends, and whoever waits is told
            with self._send_lock:
                self.pipe.close()
            self._die()

    def _has_one_stream(self) -> bool:
        return len(self.streams) == 1 and not self.calls

    def _take(self, data: bytes) -> bool:
        """Hand an event to whom it is for. True where a stream has got something that is not its end."""
        event = m.unpack_event(data)
        self._is_heard = True
        match event:
            case m.Step():
                return self._deliver(event.deltas)
            case m.Accepted():
                if stream := self.streams.get(event.request_id):
                    stream.put(event)
            case m.Refused():
                if stream := self.streams.pop(event.request_id, None):
                    stream.put(_refusal(event))
            case m.Beat():
                pass
            case m.Loading():
                self.progress = event.progress
            case m.Ready():
                self.info, self.progress, self.state = event.info, 1.0, "ready"
                self._settled.set()
            case m.LoadFailed() | m.WorkerGone():
                self._error = self._last_words(event)
            case _:
                self._answer(event)
        return False

    def _answer(self, event: m.Reply) -> None:
        if reply := self.calls.pop(event.call_id, None):
            reply.put(event)

    def _deliver(self, deltas: list[m.Delta]) -> bool:
        has_served = False
        for delta in deltas:
            stream = self.streams.get(delta.request_id)
            if stream is None:  # cancelled meanwhile
                continue
            if stream.put(delta):
                self.streams.pop(delta.request_id, None)
            else:
                has_served = True
        return has_served

    def _die(self) -> None:
        """The pipe is closed: whoever waits gets a typed error with the last lines the child printed."""
        was_ready, self.state = self.state == "ready", "dead"
        self._ended.set()
        exitcode = self._reap()
        how = _exit_description(exitcode)
        if self._has_fallen_silent:
            how = f"did not answer for {self._silence_limit_s:.0f} s and was ended"
        may_work = was_ready or self._has_fallen_silent or exitcode in KILLED
        error = self._error = self._error or self._obituary(how, may_work=may_work)
        self._settled.set()
        for stream in list(self.streams.values()):
            stream.put(error)
        self.streams.clear()
        for reply in list(self.calls.values()):
            reply.put(error)

    def _reap(self) -> int | None:
        """Wait for the child's end, or make it end, and give its file descriptors back. Its own exit code."""
        self._child.join(2.0)
        exitcode = self._child.exitcode
        if exitcode is None:
            self._child.kill()
            self._child.join()
        self._child.close()
        return exitcode

    def _last_words(self, event: m.LoadFailed | m.WorkerGone) -> errors.LocalllmError:
        if isinstance(event, m.LoadFailed):
            return _error_of(event.kind, errors.ModelLoadFailed, event.message, code=event.code)
        return errors.WorkerLost(
            f"The worker {event.address}, which holds layers of {self.params.model_id!r}, was lost. The model is "
            "loaded again for the next request, as soon as the worker is back."
        )

    def _obituary(self, how: str, *, may_work: bool) -> errors.LocalllmError:
        """What is told to everybody who waits for the child. may_work: another try may do better."""
        who = f"The engine of {self.params.model_id!r}"
        if self._is_closing:
            return errors.EngineDied(
                f"{who} was unloaded before the answer was complete. Send the request again."
            )
        said = last_lines(Path(self.params.log_path)) if self.params.log_path else ""
        if may_work:
            return errors.EngineDied(f"{who} {how}; it is started again for the next request.{said}")
        return errors.ModelLoadFailed(f"{who} {how} while it loaded {self.params.path}.{said}")

    # ── the watching thread ─────────────────────────────────────────────────────────────────────────────────

    def _watch(self) -> None:
        """End a child that is silent for too long: it was stopped, or the system gives it no time at all.

        Beats that were missed are counted, not seconds: while the whole computer sleeps only one is missed.
        """
        num_missed, limit = 0.0, self._silence_limit_s * START_FACTOR
        while not self._ended.wait(m.BEAT_S):
            if self._is_heard:
                self._is_heard, num_missed, limit = False, 0.0, self._silence_limit_s
                continue
            num_missed += 1
            if num_missed * m.BEAT_S >= limit:
                self._has_fallen_silent = True
                self._kill()  # which closes the pipe: the reader tells whoever waits
                return


def _spawn(child: Connection, params: LoadParams) -> SpawnProcess:
    from localllm.engine import worker

    process = multiprocessing.get_context("spawn").Process(
        target=worker.main,
        args=(child, pack_load_params(params)),
        name=f"localllm-engine {params.model_id}",
        daemon=True,
    )
    process.start()
    return process


def _forget_log(log_path: str | None) -> None:
    """What the child before it printed must not look like the last words of one that ends before it can print."""
    if log_path is not None:
        with contextlib.suppress(OSError):
            Path(log_path).unlink(missing_ok=True)


def _refusal(event: m.Refused) -> errors.LocalllmError:
    return _error_of(event.kind, errors.InvalidRequest, event.message, param=event.param, code=event.code)


def _error_of(
    kind: str, otherwise: type[errors.LocalllmError], message: str, **details: str | None
) -> errors.LocalllmError:
    """The error of the tree that the child means; `otherwise` where the tree has no such class."""
    error_class = getattr(errors, kind, None)
    if error_class is None:
        return otherwise(message, **details)
    error: errors.LocalllmError = error_class(message, **details)
    return error


def _exit_description(exitcode: int | None) -> str:
    if exitcode is None:
        return "stopped answering"
    if exitcode in ILLEGAL_INSTRUCTION:
        return (
            "was ended because this processor lacks an instruction that llama.cpp was built with (start localllm by "
            "packaging/start.py, which compiles it for this processor)"
        )
    if exitcode < 0:
        return f"was ended by signal {-exitcode}"
    return f"ended with status {exitcode}"
