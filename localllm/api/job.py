"""One request's way through the pool and the engine: hold the model, submit, read deltas, count, let go.

    job = Job(services, model_id, make_prompts, client_gone())
    while not job.prepare(timeout_s=1.0): …            # the model is still being loaded
    for delta in job.deltas(): …                       # None and Note: time has passed
    job.cancel()                                       # always, once; harmless at the end

Every endpoint that generates goes this way. Knows no endpoint, no template and no SSE.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from localllm import errors
from localllm.api.counts import Rhythm, Usage, timings
from localllm.api.sse import Note
from localllm.config import Config
from localllm.engine.engine import Stream
from localllm.engine.messages import Delta, Finish, Priority
from localllm.models.model import Model
from localllm.models.pool import Pool
from localllm.models.pulls import Pulls
from localllm.sampling_params import SamplingParams, ThinkingMarks

POLL_S = 0.1
RETRY_WHEN_FULL_S = 2


class Prompt(msgspec.Struct, frozen=True):
    """What is submitted to the engine: see Engine.submit."""

    prompt: str | Sequence[int]
    params: SamplingParams
    n: int = 1
    priority: Priority = "chat"
    add_special: bool = False
    markers: tuple[str, ...] = ()
    thinking: ThinkingMarks | None = None
    field: str = "messages"  # what the request calls it, for errors


class Admission:
    """How many requests may generate or wait at once. The rest are told to come back, so that threads stay free."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.RLock()  # see Pool: a forgotten job may be ended in the middle of `enter`
        self.num_inside = 0

    def enter(self) -> None:
        """Raises Busy where no place is free."""
        with self._lock:
            if self.num_inside >= self._limit:
                raise errors.Busy(
                    f"{self._limit} requests are running or waiting already. Try again in {RETRY_WHEN_FULL_S} s."
                )
            self.num_inside += 1

    def leave(self) -> None:
        with self._lock:
            self.num_inside -= 1


class Services(msgspec.Struct, frozen=True):
    """What the routes are given: everything an app is made of."""

    pool: Pool
    config: Config
    admission: Admission
    pulls: Pulls | None = None


def poll_client(is_gone: Callable[[], bool]) -> Callable[[], None]:
    """For waits that take a `poll`: raises ClientGone once the client has left."""

    def poll() -> None:
        if is_gone():
            raise errors.ClientGone("The client has closed the connection.")

    return poll


class Job:
    """Used by one thread; `cancel` from the same one."""

    def __init__(
        self,
        services: Services,
        model_id: str,
        make_prompts: Callable[[Model], Sequence[Prompt]],
        is_gone: Callable[[], bool],
    ) -> None:
        """Raises Busy where too many requests are under way."""
        self._pool = services.pool
        self._admission = services.admission
        self._model_id = model_id
        self._make_prompts = make_prompts
        self._poll_client = poll_client(is_gone)
        self._resources = contextlib.ExitStack()
        self._admission.enter()
        self._resources.callback(self._admission.leave)
        self._model: Model | None = None
        self._streams: list[Stream] = []
        self.finishes: dict[int, Finish] = {}
        self._widths: list[int] = []
        self._num_tokens: dict[int, int] = {}
        self.rhythm = Rhythm()

    @property
    def model(self) -> Model:
        """The model, once prepared."""
        assert self._model is not None
        return self._model

    @property
    def model_id(self) -> str:
        """The name the request gave."""
        return self._model_id

    @property
    def num_choices(self) -> int:
        return sum(self._widths)

    def prepare(self, timeout_s: float | None = None) -> bool:
        """Wait for the model, render and submit. False when `timeout_s` passed and the model is still being loaded.

        Raises everything that refuses the request: its status is honest while no header was sent.
        """
        if self._streams:
            return True
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        try:
            if self._model is None:
                self._model = self._resources.enter_context(
                    self._pool.use(self._model_id, poll=lambda: self._poll_until(deadline))
                )
            for prompt in self._make_prompts(self._model):
                self._submit(self._model, prompt)
        except _StillLoading:
            return False
        return True

    def loading_note(self) -> Note:
        return Note(f"loading {self._pool.progress(self._model_id):.0%}")

    def deltas(self) -> Iterator[Delta | Note | None]:
        """All deltas, `index` counted over all prompts; `Note` and `None` while nothing new comes.

        Raises EngineDied, and ClientGone where the client left (which a stream notices by itself as well).
        """
        first = 0
        for stream, width in zip(self._streams, self._widths, strict=True):
            while not stream.is_finished:
                self._poll_client()
                yield self._next(stream, first)
            first += width

    def cancel(self) -> None:
        """Stop what still runs and let the model go."""
        for stream in self._streams:
            stream.cancel()
        self._resources.close()

    def abandon(self) -> None:
        """Nobody waits for this any more: the engine stops. Any thread may call it; `cancel` comes as always."""
        for stream in self._streams.copy():
            stream.cancel()

    def headers(self) -> dict[str, str]:
        """What the response says beside its body: nothing, for a prompt that is taken as it is."""
        return {}

    def usage(self) -> Usage:
        return Usage(
            sum(stream.num_prompt_tokens for stream in self._streams),
            self._num_cached_tokens(),
            sum(self._num_tokens.values()),
        )

    def timings(self) -> dict[str, Any]:
        """{"timings": …} as llama.cpp has it; empty before anything has ended, because null breaks clients."""
        return timings(self.usage(), self.finishes.values())

    def _num_cached_tokens(self) -> int:
        """Prompt tokens that were not computed again. Completions of one prompt share it, so the first one counts."""
        first, total = 0, 0
        for width in self._widths:
            total += self.finishes[first].num_cached_tokens if first in self.finishes else 0
            first += width
        return total

    def _submit(self, model: Model, prompt: Prompt) -> None:
        try:
            stream = model.engine.submit(
                prompt.prompt,
                prompt.params,
                n=prompt.n,
                priority=prompt.priority,
                add_special=prompt.add_special,
                markers=prompt.markers,
                thinking=prompt.thinking,
                poll=self._poll_client,
            )
        except errors.ContextLengthExceeded as e:
            raise errors.ContextLengthExceeded(e.message, param=prompt.field) from e
        self._streams.append(stream)
        self._widths.append(prompt.n)

    def _next(self, stream: Stream, first: int) -> Delta | Note | None:
        delta = stream.next(timeout_s=POLL_S)
        if delta is None:
            return None
        if delta.prefilled is not None and not delta.text and delta.finish is None:
            return Note(f"prefill {delta.prefilled[0]}/{delta.prefilled[1]}")
        if first:
            delta = msgspec.structs.replace(delta, index=delta.index + first)
        self._num_tokens[delta.index] = self._num_tokens.get(delta.index, 0) + delta.num_tokens
        if delta.num_tokens:
            self.rhythm.beat(delta.index)
        if delta.finish is not None:
            self.finishes[delta.index] = delta.finish
            self._num_tokens[delta.index] = delta.finish.num_completion_tokens
        return delta

    def _poll_until(self, deadline: float | None) -> None:
        self._poll_client()
        if deadline is not None and time.monotonic() >= deadline:
            raise _StillLoading


class _StillLoading(Exception):
    """The deadline has passed while the model was being loaded; the load goes on."""
