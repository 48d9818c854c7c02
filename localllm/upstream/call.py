"""One request to an upstream: a replica is found and asked, and replaced as long as nothing was handed out.

    call = upstream.call(request, is_start=has_text)
    while (payload := call.next(timeout_s=0.1)) is not END: …    # None: time has passed
    call.close()                                                  # always; the server sees it at once

Payloads that carry nothing on (a role, an empty delta) are held back until one does: until then a replica that dies
costs nobody anything. What may be the request's own fault is held against a replica only once another one has answered
the same request. Used by one thread. Knows no API's payloads.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Literal

from localllm import errors
from localllm.upstream import faults
from localllm.upstream.attempt import Attempt, Reader, Request
from localllm.upstream.faults import Fault
from localllm.upstream.replicas import Replica, Replicas
from localllm.upstream.spec import UpstreamSpec

END: Final[Literal["END"]] = "END"
BEARER = "Bearer "
PATIENCE_S = 1.0  # so long a request waits for servers that all rest


class Call:
    """A request under way."""

    def __init__(
        self,
        replicas: Replicas,
        spec: UpstreamSpec,
        request: Request,
        make_reader: Callable[[], Reader],
        is_start: Callable[[Any], bool],
        is_answer: Callable[[Any], bool] = lambda _: True,
    ) -> None:
        """is_start: whether a payload carries the answer on. is_answer: whether it belongs to one at all.

        A key among the request's headers is cut out of everything the server says.
        """
        self._replicas, self._spec, self._request = replicas, spec, request
        self._make_reader, self._is_start, self._is_answer = make_reader, is_start, is_answer
        self._num_attempts_left = 2 * len(replicas.all) + 1
        self._has_failed = False
        self._refused: set[Replica] = set()  # by these, so they are not asked again
        self._suspected: list[tuple[Replica, float, str]] = []
        self._attempt: Attempt | None = None
        self._has_answered = False  # the attempt under way
        self._ready: deque[Any] = deque()
        self._held: list[Any] = []
        self._has_started = False
        self._is_over = False
        self.is_complete = False  # at the end: the server has said that this is the end

    @property
    def who(self) -> str:
        """The server that answers, for messages."""
        return self._attempt.who if self._attempt is not None else self._replicas.all[0].address.url

    @property
    def is_empty(self) -> bool:
        """It has ended, and no payload has come."""
        return self._is_over and not self._has_started and not self._ready

    def accept(self, timeout_s: float) -> bool:
        """Wait for a first payload, or the end: False where none came in time. Raises what it was refused with."""
        return self._wait(lambda: bool(self._ready or self._held), timeout_s)

    def next(self, timeout_s: float) -> Any:
        """The next payload; None where none came in time; END after the last. Raises LocalllmError."""
        if not self._wait(lambda: bool(self._ready), timeout_s):
            return None
        return self._ready.popleft() if self._ready else END

    def _wait(self, is_there: Callable[[], bool], timeout_s: float) -> bool:
        """True once it is there, or everything is over."""
        left_s, deadline = timeout_s, time.monotonic() + timeout_s
        while not is_there() and not self._is_over:
            if left_s <= 0:
                return False
            self._advance(left_s)
            left_s = deadline - time.monotonic()
        return True

    def close(self) -> None:
        """Let the server go; what still comes is not wanted. Harmless when it has ended."""
        attempt, self._attempt = self._attempt, None
        self._is_over = True
        if attempt is not None:
            attempt.close()

    def _advance(self, timeout_s: float) -> None:
        """One thing that may take this long: get a replica, connect, or receive."""
        try:
            if self._attempt is None:
                self._begin(timeout_s)
            else:
                self._take(self._attempt, self._attempt.receive(timeout_s))
        except Fault as fault:
            self._replace(fault)

    def _begin(self, timeout_s: float) -> None:
        if (rest_s := self._replicas.rest_s(self._refused)) > PATIENCE_S:
            self._is_over = True
            error = errors.UpstreamFailed(f"{self._replicas.problem} It is tried again in {rest_s:.0f} s.")
            error.retry_after_s = round(rest_s)
            raise error
        replica = self._replicas.take(timeout_s, without=self._refused, has_failed=self._has_failed)
        if replica is not None:
            self._num_attempts_left -= 1
            self._has_answered = False
            self._attempt = Attempt(self._replicas, replica, self._spec, self._request, self._make_reader())

    def _take(self, attempt: Attempt, payloads: list[Any] | None) -> None:
        if payloads is None:
            if not self._has_answered and self._has_others:
                raise faults.no_answer(attempt.who)
            self.is_complete = attempt.is_complete
            self._ready.extend(self._held)
            self._is_over = True
            return
        for payload in payloads:
            if isinstance(payload, dict) and payload.get("error"):
                raise faults.of_payload(attempt.who, payload)
            if not self._has_answered and self._is_answer(payload):
                self._acknowledge(attempt)
            if not self._has_started and not self._is_start(payload):
                self._held.append(payload)
                continue
            self._has_started = True
            self._ready.extend([*self._held, payload])
            self._held = []

    @property
    def _has_others(self) -> bool:
        """Whether one may be asked that has not refused this request."""
        assert self._attempt is not None
        return self._replicas.rest_s({*self._refused, self._attempt.replica}) <= PATIENCE_S

    def _acknowledge(self, attempt: Attempt) -> None:
        """It answers: so it is well, and the request was not what was wrong with the others."""
        self._has_answered = True
        self._replicas.answered(attempt.replica, time.monotonic() - attempt.taken_at)
        for replica, taken_at, problem in self._suspected:
            self._replicas.failed(replica, taken_at, problem)
        self._suspected = []

    def _replace(self, fault: Fault) -> None:
        """Another server may do better, as long as nothing was handed out. Raises the error otherwise."""
        attempt, self._attempt, self._held = self._attempt, None, []
        if attempt is not None:
            self._has_failed = True
            self._blame(attempt, fault)
            attempt.close()
        if self._has_started or not self._may_retry(fault):
            self._is_over = True
            raise self._told(fault)

    def _blame(self, attempt: Attempt, fault: Fault) -> None:
        """Let the replica rest, now or once another one has answered; a refusal of the request is an answer."""
        replica, problem = attempt.replica, self._told(fault).message
        if fault.retry == "elsewhere":
            self._refused.add(replica)
        had_accepted = self._has_started and len(self._replicas.all) > 1
        if fault.rests == "always" or (fault.rests == "compared" and had_accepted):
            self._replicas.failed(replica, attempt.taken_at, problem, fault.wait_s)
        elif fault.rests == "compared":
            self._suspected.append((replica, attempt.taken_at, problem))
        else:
            self._replicas.answered(replica)

    def _may_retry(self, fault: Fault) -> bool:
        may_wait = self._replicas.rest_s(self._refused) <= PATIENCE_S
        return fault.retry != "never" and self._num_attempts_left > 0 and may_wait

    def _told(self, fault: Fault) -> errors.LocalllmError:
        """The error, without the key that some servers repeat in theirs."""
        error = fault.error
        for name, value in self._request.headers:
            if name == "Authorization":
                error.message = error.message.replace(value.removeprefix(BEARER), "…")
                error.args = (error.message,)
        if fault.wait_s and error.retry_after_s is not None:
            error.retry_after_s = max(1, round(fault.wait_s))
        return error
