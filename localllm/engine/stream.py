"""What came of one submitted request: a queue that whoever reads the engine's pipe fills and who submitted empties."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator

from localllm import errors
from localllm.engine import messages as m


class Stream:
    """One submitted request. Deltas come out in order; each completion's last one carries `finish`."""

    def __init__(
        self,
        request_id: int,
        n: int,
        cancel: Callable[[Stream], None],
        read_one: Callable[[float | None], bool] = lambda timeout_s: False,
    ) -> None:
        """read_one: see PipeReader."""
        self.request_id = request_id
        self.num_prompt_tokens = 0
        self._cancel = cancel
        self._read_one = read_one
        self._num_open = n  # completions whose end was not handed out yet
        self._num_unreceived = n  # completions whose end was not received yet
        self._events: queue.SimpleQueue[m.Delta | m.Accepted | errors.LocalllmError] = queue.SimpleQueue()

    def next(self, timeout_s: float | None = None) -> m.Delta | None:
        """The next delta, or None where none came in `timeout_s` at most. Raises EngineDied if the process is gone."""
        may_wait = not self._events.empty() or not self._read_one(timeout_s)
        try:
            event = self._events.get(block=may_wait, timeout=timeout_s)
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
        self._cancel(self)

    def wait_accepted(self, timeout_s: float | None) -> bool:
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

    # ── the writer's side ───────────────────────────────────────────────────────────────────────────────────

    def put(self, event: m.Delta | m.Accepted | errors.LocalllmError) -> bool:
        """Hand an event to the reader. True when it was the last one."""
        if isinstance(event, m.Delta) and event.finish is not None:
            self._num_unreceived -= 1
        self._events.put(event)
        return self._num_unreceived == 0 or isinstance(event, errors.LocalllmError)
