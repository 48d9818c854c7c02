"""A chat request that another server answers. Has the face of ChatAnswer, so every chat API writes it the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from localllm.api.chat_core import Event
from localllm.api.chat_request import ChatRequest
from localllm.api.counts import Rhythm, Usage
from localllm.api.forwarding.body import chat_body, unknown_fields
from localllm.api.forwarding.chunks import ChatReader, has_end, has_text
from localllm.api.forwarding.job import ForwardedJob, Task
from localllm.api.job import Services
from localllm.api.sse import Note
from localllm.models.entry import Entry

PATH = "/chat/completions"


class ForwardedChat:
    """Used by one thread."""

    def __init__(
        self, services: Services, entry: Entry, request: ChatRequest, is_gone: Callable[[], bool]
    ) -> None:
        """Raises Busy where too many requests are under way."""
        self.request = request
        body = chat_body(request, entry)
        self._num_prompt_chars = _num_chars(body["messages"])
        self._job = ForwardedJob(
            services,
            entry,
            request.model,
            Task(PATH, body, has_text if request.stream else has_end, unknown_fields(body)),
            is_gone,
        )
        self._reader = ChatReader(request.n, "")

    def prepare(self, timeout_s: float | None = None) -> bool:
        """See ForwardedJob.prepare."""
        return self._job.prepare(timeout_s)

    def cancel(self) -> None:
        self._job.cancel()

    def abandon(self) -> None:
        """Nothing: the job itself looks at its client a few times a second."""

    @property
    def model_id(self) -> str:
        return self.request.model

    @property
    def rhythm(self) -> Rhythm:
        return self._job.rhythm

    def loading_note(self) -> Note:
        return self._job.loading_note()

    def headers(self) -> dict[str, str]:
        return {}

    def events(self) -> Iterator[Event]:
        """Parts and ends in the order they come. Raises UpstreamFailed, UpstreamTimeout, ClientGone."""
        self._job.prepare()
        reader = self._reader = ChatReader(self.request.n, self._job.who)
        for payload in self._job.payloads(lambda: reader.has_all_ends):
            if payload is None:
                yield None
                continue
            for part in reader.take(payload):
                self._job.rhythm.beat(part.index)
                yield part
        yield from reader.ends(is_complete=self._job.is_complete)

    def usage(self) -> Usage:
        return self._reader.figures.usage(self._num_prompt_chars)

    def timings(self) -> dict[str, Any]:
        """The other server's, where it sends llama.cpp's."""
        return self._reader.figures.timings

    def remarks(self) -> dict[str, Any]:
        """What else there is to say of the answer: that its usage is an estimate, where it is."""
        return self._reader.figures.remarks


def _num_chars(messages: list[dict[str, Any]]) -> int:
    return sum(len(m["content"]) for m in messages if isinstance(m.get("content"), str))
