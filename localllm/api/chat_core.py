"""The chat core: a ChatRequest → prompt → engine deltas → parsed events. Every chat API is a translation onto it.

    answer = ChatAnswer(services, request, client_gone())
    while not answer.prepare(1.0): …
    for event in answer.events(): …          # Part, End, or Note/None while nothing new comes
    answer.usage(); answer.timings()         # exact once the events have ended
    answer.cancel()                          # always

Knows no wire format: no chunk, no SSE.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from localllm.api.chat_prompt import fitted, make_prompt
from localllm.api.chat_request import ChatRequest
from localllm.api.counts import Rhythm, Usage
from localllm.api.job import Job, Prompt, Services
from localllm.api.sse import Note
from localllm.chat.deltas import Content, Reasoning
from localllm.chat.deltas import Delta as ChatDelta
from localllm.chat.parser import ChatParser
from localllm.engine.messages import Delta, Finish, TokenLogprob
from localllm.models.model import Model

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class Part(msgspec.Struct, frozen=True):
    """A piece of choice `index`. logprobs: of the tokens that content came from, where they were asked for."""

    index: int
    delta: ChatDelta
    logprobs: list[TokenLogprob] | None = None


class End(msgspec.Struct, frozen=True):
    """Choice `index` is complete. stop: the stop string that ended it."""

    index: int
    finish_reason: FinishReason
    stop: str | None = None


Event = Part | End | Note | None


class ChatAnswer:
    """One chat request being answered. Used by one thread."""

    def __init__(self, services: Services, request: ChatRequest, is_gone: Callable[[], bool]) -> None:
        """Raises Busy where too many requests are under way."""
        self.request = request
        self.num_truncated = 0  # messages that were left out because they did not fit
        self._prompt = ""
        self.job = Job(services, request.model, self._make_prompts, is_gone)
        self._choices: dict[int, _Choice] = {}

    def prepare(self, timeout_s: float | None = None) -> bool:
        """See Job.prepare: False while the model is still being loaded."""
        return self.job.prepare(timeout_s)

    def cancel(self) -> None:
        self.job.cancel()

    def abandon(self) -> None:
        """See Job.abandon."""
        self.job.abandon()

    @property
    def model_id(self) -> str:
        return self.request.model

    @property
    def rhythm(self) -> Rhythm:
        return self.job.rhythm

    def loading_note(self) -> Note:
        return self.job.loading_note()

    def events(self) -> Iterator[Event]:
        """Parts and ends in the order they come. Raises EngineDied, ClientGone."""
        for delta in self.job.deltas():
            if delta is None or isinstance(delta, Note):
                yield delta
            else:
                yield from self._choice(delta.index).take(delta)

    def headers(self) -> dict[str, str]:
        """What the response says beside its body, as far as it is known when headers are sent."""
        return {"x-localllm-truncated": str(self.num_truncated)} if self.num_truncated else {}

    def usage(self) -> Usage:
        num_reasoning = sum(choice.num_reasoning_tokens for choice in self._choices.values())
        return msgspec.structs.replace(self.job.usage(), num_reasoning_tokens=num_reasoning)

    def timings(self) -> dict[str, Any]:
        """{"timings": …} as llama.cpp has it; empty before anything has ended, because null breaks clients."""
        return self.job.timings()

    def remarks(self) -> dict[str, Any]:
        """What else there is to say: how many messages were left out, where some were."""
        return {"truncated_messages": self.num_truncated} if self.num_truncated else {}

    def _make_prompts(self, model: Model) -> list[Prompt]:
        request = fitted(model, self.request)
        self.num_truncated = len(self.request.messages) - len(request.messages)
        prompt = make_prompt(model, request)
        self._prompt = str(prompt.prompt)
        return [prompt]

    def _choice(self, index: int) -> _Choice:
        if index not in self._choices:
            parser = ChatParser(
                self.job.model.format,
                tools=self.request.callable_tools or None,
                parse_reasoning=self.request.parse_reasoning,
                prompt=self._prompt,
                continued=self.request.continued,
            )
            self._choices[index] = _Choice(index, parser)
        return self._choices[index]


class _Choice:
    """The parser of one choice, and what must be counted beside it."""

    def __init__(self, index: int, parser: ChatParser) -> None:
        self._index = index
        self._parser = parser
        self._logprobs: list[TokenLogprob] = []
        self._num_pending_tokens = 0
        self._num_pending_chars = 0
        self.num_reasoning_tokens = 0

    def take(self, delta: Delta) -> Iterator[Event]:
        self._logprobs += delta.logprobs or []
        self._num_pending_tokens += delta.num_tokens
        self._num_pending_chars += len(delta.text)
        yield from self._parts(self._parser.feed(delta.text) if delta.text else [])
        if delta.finish is not None:
            yield from self._parts(self._parser.flush())
            if delta.finish.reason != "cancelled":
                yield self._end(delta.finish)

    def _parts(self, deltas: list[ChatDelta]) -> Iterator[Part]:
        """Tokens whose text is held back wait for what it is."""
        if not deltas:
            return
        self.num_reasoning_tokens += self._num_thought(deltas)
        self._num_pending_tokens = self._num_pending_chars = 0
        for delta in deltas:
            is_content = isinstance(delta, Content)
            yield Part(self._index, delta, self._logprobs or None if is_content else None)
            self._logprobs = []

    def _num_thought(self, deltas: list[ChatDelta]) -> int:
        """How many of the tokens were thinking: all, none, or where it ended among them by their part of the text."""
        num_chars = sum(len(delta.text) for delta in deltas if isinstance(delta, Reasoning))
        if all(isinstance(delta, Reasoning) for delta in deltas):
            return self._num_pending_tokens
        return math.ceil(self._num_pending_tokens * num_chars / max(self._num_pending_chars, num_chars, 1))

    def _end(self, finish: Finish) -> End:
        if self._parser.num_tool_calls and finish.reason == "stop":
            return End(self._index, "tool_calls", finish.stop)
        return End(self._index, "length" if finish.reason == "length" else "stop", finish.stop)
