"""A request's way to another server: submit, read payloads, count, let go. The counterpart of api/job.py.

    job = ForwardedJob(services, entry, name, Task("/chat/completions", body, has_text), client_gone())
    while not job.prepare(timeout_s=1.0): …            # nothing has come yet
    for payload in job.payloads(): …                   # None: time has passed
    job.cancel()                                       # always, once; harmless at the end

Knows no chunk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import flask
import msgspec

from localllm import errors
from localllm.api.counts import Rhythm
from localllm.api.job import POLL_S, Services, poll_client
from localllm.api.sse import Note
from localllm.models.entry import Entry
from localllm.upstream.call import END, Call
from localllm.upstream.upstreams import VIA, Upstream

LAST_WORDS_S = 2.0  # for usage and the end mark, after every choice has ended
# what may be sent otherwise, or not at all, where the server refuses it by its name
REFUSABLE = frozenset({"stream_options", "parallel_tool_calls", "max_tokens"})


class Task(msgspec.Struct, frozen=True):
    """What is asked. is_start: whether a payload carries the answer on. droppable: fields the client may miss."""

    path: str
    body: dict[str, Any]
    is_start: Callable[[Any], bool]
    droppable: frozenset[str] = frozenset()


def upstream_of(services: Services, entry: Entry) -> Upstream:
    """The servers of a forwarded entry."""
    assert entry.upstream is not None
    return services.pool.upstreams.of(entry.upstream)


def via() -> str:
    """Through which localllms the request has come; nothing outside a request."""
    return flask.request.headers.get(VIA, "") if flask.has_request_context() else ""


class ForwardedJob:
    """Used by one thread."""

    def __init__(
        self, services: Services, entry: Entry, model_id: str, task: Task, is_gone: Callable[[], bool]
    ) -> None:
        """model_id: the name the request gave. Raises Busy where too many requests are under way."""
        self.model_id = model_id
        self.rhythm = Rhythm()
        self._upstream = upstream_of(services, entry)
        self._task = task
        self._via = via()
        self._poll_client = poll_client(is_gone)
        self._call: Call | None = None
        self._is_prepared = False
        self._admission = services.admission
        self._admission.enter()
        self._is_inside = True

    @property
    def who(self) -> str:
        """The server that answers, for messages."""
        return self._call.who if self._call is not None else "that"

    @property
    def is_complete(self) -> bool:
        """At the end: the server has marked it."""
        return self._call is not None and self._call.is_complete

    def prepare(self, timeout_s: float | None = None) -> bool:
        """Wait until the answer begins: False when `timeout_s` passed. Raises what the server refused it with."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._is_prepared:
            self._poll_client()
            try:
                self._is_prepared = self._running().accept(POLL_S)
                if self._is_prepared and self._running().is_empty:
                    self._ask_for_a_whole_answer()
            except errors.InvalidRequest as e:
                self._ask_otherwise(e)
            if not self._is_prepared and deadline is not None and time.monotonic() >= deadline:
                return False
        return True

    def loading_note(self) -> Note:
        return Note("waiting for the other server")

    def headers(self) -> dict[str, str]:
        return {}

    def payloads(self, has_all_ends: Callable[[], bool]) -> Iterator[Any]:
        """Payloads as they come, None while nothing does. Once every choice has ended, the rest is not waited for."""
        self.prepare()
        call = self._running()
        ended_at: float | None = None
        while (payload := call.next(POLL_S)) is not END:
            self._poll_client()
            yield payload
            if has_all_ends():
                ended_at = ended_at or time.monotonic()
                if time.monotonic() - ended_at > LAST_WORDS_S:
                    return

    def cancel(self) -> None:
        """The server sees at once that nobody waits any more."""
        if self._call is not None:
            self._call.close()
        if self._is_inside:
            self._is_inside = False
            self._admission.leave()

    def _ask_for_a_whole_answer(self) -> None:
        """A stream without a single event hides an error, which a whole answer tells (llama_cpp.server does so)."""
        if self._task.body.get("stream"):
            body = {
                key: value
                for key, value in self._task.body.items()
                if key not in ("stream", "stream_options")
            }
            self._task = msgspec.structs.replace(self._task, body=body)
            self._start_again()

    def _start_again(self) -> None:
        if self._call is not None:
            self._call.close()
        self._call, self._is_prepared = None, False

    def _running(self) -> Call:
        if self._call is None:
            body = {key: value for key, value in self._task.body.items() if key not in self._dropped}
            if body.get("tool_choice") == "required" and self._upstream.says_any:
                body["tool_choice"] = "any"
            self._call = self._upstream.call(
                self._task.path, body, is_start=self._task.is_start, is_answer=_has_choices, via=self._via
            )
        return self._call

    @property
    def _dropped(self) -> frozenset[str]:
        return self._upstream.refuses & (REFUSABLE | self._task.droppable)

    def _ask_otherwise(self, refusal: errors.InvalidRequest) -> None:
        """Ask again without a field that the server does not know. Raises the refusal where that is not the reason."""
        named = (
            {refusal.param}
            if refusal.param
            else set(refusal.message.replace("'", '"').replace("`", '"').split('"'))
        )
        body = self._task.body
        culprits = {key for key in body if key in named} - self._dropped
        if (
            body.get("tool_choice") == "required"
            and "tool_choice" in culprits
            and not self._upstream.says_any
        ):
            self._upstream.says_any = True  # Mistral's word, and LitServe's
        elif culprits := culprits & (REFUSABLE | self._task.droppable):
            self._upstream.refuses = self._upstream.refuses | culprits
        else:
            raise refusal
        self._start_again()


def _has_choices(payload: Any) -> bool:
    return isinstance(payload, dict) and "choices" in payload
