"""The app's side of one engine process: start it, submit prompts, read streams, survive its death.

    engine = Engine(LoadParams(path="guide.gguf")); engine.start()
    stream = engine.submit("Hello", SamplingParams(max_tokens=16))      # raises before any token if it cannot run
    for delta in stream: print(delta.text, end="")

Threads: any thread may call any method. One reader thread per process hands events to streams. Knows no HTTP, no
chat, no catalog. Does not import llama_cpp: that happens only in the child.
"""

from __future__ import annotations

import itertools
import multiprocessing
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from localllm import errors
from localllm.engine import messages as m
from localllm.engine.log_tail import last_lines
from localllm.sampling_params import SamplingParams

State = Literal["unloaded", "loading", "ready", "dead"]
CALL_TIMEOUT_S = 120.0
POLL_S = 0.25


class Stream:
    """One submitted request. Deltas come out in order; each completion's last one carries `finish`."""

    def __init__(self, engine: Engine, request_id: int, n: int) -> None:
        self.request_id = request_id
        self.num_prompt_tokens = 0
        self._engine = engine
        self._num_open = n  # completions whose end was not handed out yet
        self._num_undelivered = n  # completions whose end was not received yet
        self._events: queue.SimpleQueue[m.Delta | m.Accepted | errors.LocalllmError] = queue.SimpleQueue()

    def next(self, timeout_s: float | None = None) -> m.Delta | None:
        """The next delta, or None when `timeout_s` passed without one. Raises EngineDied if the process is gone."""
        try:
            event = self._events.get(timeout=timeout_s)
        except queue.Empty:
            return None
        if isinstance(event, errors.LocalllmError):
            self._num_open = 0
            raise event
        assert isinstance(event, m.Delta)
        if event.finish is not None:
            self._num_open -= 1
        return event

    @property
    def is_finished(self) -> bool:
        """True once every completion's `finish` has been handed out."""
        return self._num_open <= 0

    def __iter__(self) -> Iterator[m.Delta]:
        while not self.is_finished:
            delta = self.next()
            if delta is not None:
                yield delta

    def cancel(self) -> None:
        """Free the request's slots at the next step. Harmless when it has finished."""
        self._engine._cancel(self)

    def _wait_accepted(self, timeout_s: float | None) -> bool:
        """True once accepted, False when `timeout_s` passed. Raises what the engine refused it with."""
        try:
            event = self._events.get(timeout=timeout_s)
        except queue.Empty:
            return False
        if isinstance(event, errors.LocalllmError):
            raise event
        assert isinstance(event, m.Accepted)
        self.num_prompt_tokens = event.num_prompt_tokens
        return True


class Engine:
    """One model in one process. Started on demand, started again after it died."""

    def __init__(self, params: m.LoadParams) -> None:
        self.params = params
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._process: _Process | None = None
        self.num_starts = 0

    # ── life ────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def state(self) -> State:
        process = self._process
        return process.state if process is not None else "unloaded"

    @property
    def progress(self) -> float:
        """How far loading has come, 0 to 1."""
        process = self._process
        return process.progress if process is not None else 0.0

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process is not None and process.state != "dead" else None

    @property
    def info(self) -> m.ModelInfo:
        """What the loaded model says of itself. Raises NotReady before it is loaded."""
        process = self._process
        if process is None or process.info is None:
            raise errors.NotReady(f"The model {self.params.model_id!r} is still being loaded.")
        return process.info

    def start(self, *, wait: bool = True, poll: Callable[[], None] | None = None) -> None:
        """Make sure the process runs; with `wait`, until the model is loaded.

        Several threads may call it: one start serves all. `poll` is called a few times a second while waiting and
        may raise to give up waiting (the load goes on). Raises ModelLoadFailed.
        """
        with self._lock:
            if self._process is None or self._process.state == "dead":
                self._process = _Process(self.params)
                self.num_starts += 1
            process = self._process
        if wait:
            process.wait_ready(poll)

    def close(self, timeout_s: float = 5.0) -> None:
        """End the process and give all its memory back. Open streams get EngineDied."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.close(timeout_s)

    # ── work ────────────────────────────────────────────────────────────────────────────────────────────────

    def submit(
        self,
        prompt: str | Sequence[int],
        params: SamplingParams,
        *,
        n: int = 1,
        priority: m.Priority = "chat",
        add_special: bool = False,
        markers: Sequence[str] = (),
        poll: Callable[[], None] | None = None,
    ) -> Stream:
        """Submit a prompt and wait until the engine has accepted it (tokenized, fits, grammar compiles).

        Raises what it was refused with (InvalidRequest, ContextLengthExceeded, Busy) or EngineDied. `poll` is called
        a few times a second while waiting and may raise to cancel.
        """
        process = self._ready_process(poll)
        request_id = next(self._ids)
        stream = Stream(self, request_id, n)
        process.streams[request_id] = stream
        text_or_ids = prompt if isinstance(prompt, str) else list(prompt)
        process.send(m.Submit(request_id, text_or_ids, params, n, priority, add_special, tuple(markers)))
        process.raise_if_dead()
        try:
            while not stream._wait_accepted(POLL_S):
                if poll is not None:
                    poll()
        except BaseException:
            self._cancel(stream)
            raise
        return stream

    def tokenize(self, text: str, *, add_special: bool = False, parse_special: bool = True) -> list[int]:
        reply = self._call(lambda call_id: m.Tokenize(call_id, text, add_special, parse_special))
        assert isinstance(reply, m.Tokens)
        return reply.token_ids

    def detokenize(self, token_ids: Sequence[int]) -> str:
        reply = self._call(lambda call_id: m.Detokenize(call_id, list(token_ids)))
        assert isinstance(reply, m.Text)
        return reply.text

    def pieces(self, token_ids: Sequence[int]) -> list[bytes]:
        """The bytes of each token. Raises InvalidRequest for ids that the vocabulary does not have."""
        reply = self._call(lambda call_id: m.Detokenize(call_id, list(token_ids)))
        assert isinstance(reply, m.Text)
        return reply.pieces

    def embed(self, prompts: Sequence[str | list[int]]) -> tuple[list[npt.NDArray[np.float32]], int]:
        """One vector of shape (n_embd,) per prompt, in order, and the number of prompt tokens."""
        reply = self._call(lambda call_id: m.Embed(call_id, list(prompts)), timeout_s=None)
        assert isinstance(reply, m.Embeddings)
        return [np.frombuffer(v, dtype="<f4") for v in reply.vectors], reply.num_tokens

    def stats(self) -> m.EngineStats:
        reply = self._call(m.GetStats, timeout_s=5.0)
        assert isinstance(reply, m.Stats)
        return reply.stats

    def _ready_process(self, poll: Callable[[], None] | None = None) -> _Process:
        self.start(poll=poll)
        process = self._process
        if process is None:
            raise errors.EngineDied(
                f"The model {self.params.model_id!r} was unloaded meanwhile. Send the request again."
            )
        return process

    def _call(self, make: Callable[[int], m.Message], timeout_s: float | None = CALL_TIMEOUT_S) -> m.Event:
        process = self._ready_process()
        call_id = next(self._ids)
        reply: queue.SimpleQueue[m.Event | errors.LocalllmError] = queue.SimpleQueue()
        process.calls[call_id] = reply
        try:
            process.send(make(call_id))
            process.raise_if_dead()
            event = reply.get(timeout=timeout_s)
        except queue.Empty:
            raise errors.EngineDied(
                f"The engine of {self.params.model_id!r} did not answer within {timeout_s:.0f} s."
            ) from None
        finally:
            process.calls.pop(call_id, None)
        if isinstance(event, errors.LocalllmError):
            raise event
        if isinstance(event, m.CallFailed):
            raise errors.InvalidRequest(event.message, param=event.param)
        return event

    def _cancel(self, stream: Stream) -> None:
        process = self._process
        if process is not None and process.streams.pop(stream.request_id, None) is not None:
            process.send(m.Cancel(stream.request_id))


class _Process:
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
                    stream._events.put(event)
            case m.Refused():
                if stream := self.streams.pop(event.request_id, None):
                    stream._events.put(_refusal(event))
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
            stream = self.streams.get(delta.request_id)
            if stream is None:
                continue  # cancelled meanwhile
            stream._num_undelivered -= delta.finish is not None
            if stream._num_undelivered == 0:
                self.streams.pop(delta.request_id, None)
            stream._events.put(delta)

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
            stream._events.put(error)
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
