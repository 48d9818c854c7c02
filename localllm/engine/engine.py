"""The app's side of one engine process: start it, submit prompts, read streams, survive its death.

    engine = Engine(LoadParams(path="guide.gguf")); engine.start()
    stream = engine.submit("Hello", SamplingParams(max_tokens=16))      # raises before any token if it cannot run
    for delta in stream: print(delta.text, end="")

Threads: any thread may call any method. One reader thread per process hands events to streams. Knows no HTTP, no
chat, no catalog. Does not import llama_cpp: that happens only in the child.
"""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from localllm import errors
from localllm.engine import messages as m
from localllm.engine.loading import LoadParams, ModelInfo
from localllm.engine.process import POLL_S, SILENCE_LIMIT_S, Process, State
from localllm.engine.stream import Stream
from localllm.sampling_params import SamplingParams, ThinkingMarks

if TYPE_CHECKING:  # slow to import; an app that embeds nothing does without
    import numpy as np
    import numpy.typing as npt

CALL_TIMEOUT_S = 120.0

__all__ = ["Engine", "State", "Stream"]


class Engine:
    """One model in one process. Started on demand, started again after it died."""

    def __init__(self, params: LoadParams, *, silence_limit_s: float = SILENCE_LIMIT_S) -> None:
        """silence_limit_s: a process that is not heard of for so long is ended and started again."""
        self.params = params
        self._silence_limit_s = silence_limit_s
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._process: Process | None = None
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
    def info(self) -> ModelInfo:
        """What the loaded model says of itself. Raises NotReady before it is loaded."""
        process = self._process
        if process is None or process.info is None:
            raise errors.NotReady(f"The model {self.params.model_id!r} is still being loaded.")
        return process.info

    def start(self, *, wait: bool = True, poll: Callable[[], None] | None = None) -> None:
        """Make sure the process runs; with `wait`, until the model is loaded.

        Several threads may call it: one start serves all. `poll` is called a few times a second while waiting and
        may raise to give up waiting (the load goes on). Raises ModelLoadFailed, and NotReady where no process can be
        started.
        """
        with self._lock:
            if self._process is None or self._process.state == "dead":
                self._process = self._new_process()
            process = self._process
        if wait:
            process.wait_ready(poll)

    def _new_process(self) -> Process:
        try:
            process = Process(self.params, self._silence_limit_s)
        except OSError as e:
            raise errors.NotReady(
                f"The system has no room for another process just now ({e.strerror or e}). Close something, and try "
                "again."
            ) from e
        self.num_starts += 1
        return process

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
        thinking: ThinkingMarks | None = None,
        poll: Callable[[], None] | None = None,
    ) -> Stream:
        """Submit a prompt and wait until the engine has accepted it (tokenized, fits, grammar compiles).

        Raises what it was refused with (InvalidRequest, ContextLengthExceeded, Busy) or EngineDied. `poll` is called
        a few times a second while waiting and may raise to cancel.
        """
        process = self._ready_process(poll)
        request_id = next(self._ids)
        stream = Stream(request_id, n, self._cancel, process.pipe.read_one)
        process.streams[request_id] = stream
        text_or_ids = prompt if isinstance(prompt, str) else list(prompt)
        process.send(
            m.Submit(request_id, text_or_ids, params, n, priority, add_special, tuple(markers), thinking)
        )
        process.raise_if_dead()
        try:
            while not stream.wait_accepted(POLL_S):
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
        import numpy as np

        reply = self._call(lambda call_id: m.Embed(call_id, list(prompts)), timeout_s=None)
        assert isinstance(reply, m.Embeddings)
        return [np.frombuffer(v, dtype="<f4") for v in reply.vectors], reply.num_tokens

    def stats(self) -> m.EngineStats:
        reply = self._call(m.GetStats, timeout_s=5.0)
        assert isinstance(reply, m.Stats)
        return reply.stats

    def prefix_report(self) -> list[m.PrefixReport]:
        """What the last admitted requests found in the prefix cache, newest last."""
        reply = self._call(m.GetPrefixReport, timeout_s=5.0)
        assert isinstance(reply, m.PrefixReports)
        return reply.reports

    def _ready_process(self, poll: Callable[[], None] | None = None) -> Process:
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
