"""A completion that another server writes. Has the face of api/job.Job: deltas of our engine's kind come out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from localllm.api.counts import Rhythm, Usage
from localllm.api.forwarding.body import entry_defaults, finished, model_there, unknown_fields
from localllm.api.forwarding.chunks import FINISH_REASONS, has_end, has_text
from localllm.api.forwarding.figures import Figures
from localllm.api.forwarding.job import ForwardedJob, Task
from localllm.api.forwarding.logprobs import read_text_logprobs
from localllm.api.job import Services
from localllm.api.sse import Note
from localllm.engine.messages import Delta, Finish
from localllm.models.entry import Entry

PATH = "/completions"
OWN = frozenset({"model", "stream", "stream_options"})


class ForwardedCompletion:
    """Used by one thread. What the other server does itself: several prompts, `echo`, `suffix`, `best_of`."""

    def __init__(
        self,
        services: Services,
        entry: Entry,
        model_id: str,
        given: dict[str, Any],
        num_choices: int,
        is_gone: Callable[[], bool],
    ) -> None:
        """given: the request's body, checked. Raises Busy where too many requests are under way."""
        self.num_choices = num_choices
        self.finishes: dict[int, Finish] = {}
        body = completion_body(given, entry)
        self._num_prompt_chars = len(str(body.get("prompt", "")))
        self._figures = Figures()
        task = Task(PATH, body, has_text if given.get("stream") else has_end, unknown_fields(body))
        self._job = ForwardedJob(services, entry, model_id, task, is_gone)

    @property
    def model_id(self) -> str:
        return self._job.model_id

    @property
    def rhythm(self) -> Rhythm:
        return self._job.rhythm

    def prepare(self, timeout_s: float | None = None) -> bool:
        """See ForwardedJob.prepare."""
        return self._job.prepare(timeout_s)

    def loading_note(self) -> Note:
        return self._job.loading_note()

    def headers(self) -> dict[str, str]:
        return {}

    def cancel(self) -> None:
        self._job.cancel()

    def abandon(self) -> None:
        """Nothing: the job itself looks at its client a few times a second."""

    def usage(self) -> Usage:
        return self._figures.usage(self._num_prompt_chars)

    def timings(self) -> dict[str, Any]:
        """The other server's, and whether the usage is an estimate."""
        return self._figures.timings | self._figures.remarks

    def deltas(self) -> Iterator[Delta | Note | None]:
        """Texts as they come, then how each choice ended. Raises UpstreamFailed, UpstreamTimeout, ClientGone."""
        reasons: dict[int, str] = {}
        for payload in self._job.payloads(lambda: len(reasons) == self.num_choices):
            if payload is None:
                yield None
                continue
            self._figures.take(payload)
            yield from self._texts(payload, reasons)
        for index in range(self.num_choices):
            if index not in reasons:
                self._figures.check_end(self._job.who, is_complete=self._job.is_complete)
            reason = FINISH_REASONS.get(reasons.get(index, "stop"), "stop")
            finish = Finish("length" if reason == "length" else "stop", 0, 0, 0.0, 0.0, 0.0)
            self.finishes[index] = finish
            yield Delta(0, index=index, finish=finish)

    def _texts(self, payload: Any, reasons: dict[int, str]) -> Iterator[Delta]:
        choices = payload.get("choices") if isinstance(payload, dict) else None
        for choice in choices if isinstance(choices, list) else ():
            index = choice.get("index", 0) if isinstance(choice, dict) else -1
            if not isinstance(index, int) or not 0 <= index < self.num_choices:
                continue
            text, logprobs = choice.get("text"), read_text_logprobs(choice.get("logprobs"))
            if isinstance(text, str) and (text or logprobs):
                self._figures.num_pieces += 1
                self._job.rhythm.beat(index)
                yield Delta(0, index=index, text=text, num_tokens=1, logprobs=logprobs)
            if isinstance(reason := choice.get("finish_reason"), str) and reason:
                reasons.setdefault(index, reason)


def completion_body(given: dict[str, Any], entry: Entry) -> dict[str, Any]:
    """The body for /completions. The best of several can only be told when all are there, so that is not streamed."""
    body = entry_defaults(entry.sampling) | {key: value for key, value in given.items() if key not in OWN}
    body["model"] = model_there(entry)
    if (given.get("best_of") or 1) <= (given.get("n") or 1):
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return finished(body)
