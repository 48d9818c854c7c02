"""The chat core: a ChatRequest → prompt → engine deltas → parsed events. Every chat API is a translation onto it.

    answer = ChatAnswer(services, request, client_gone())
    while not answer.prepare(1.0): …
    for event in answer.events(): …          # Part, End, or Note/None while nothing new comes
    answer.usage(); answer.timings()         # exact once the events have ended
    answer.cancel()                          # always

Knows no wire format: no chunk, no SSE.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from localllm.api.chat_request import ChatRequest
from localllm.api.counts import Usage
from localllm.api.job import Job, Prompt, Services
from localllm.api.sse import Note
from localllm.chat.deltas import Content, Reasoning
from localllm.chat.deltas import Delta as ChatDelta
from localllm.chat.formats import Format
from localllm.chat.parser import ChatParser
from localllm.engine.messages import Delta, Finish, TokenLogprob
from localllm.models.model import Model
from localllm.sampling_params import Grammar

ANY_OBJECT = '{"type":"object"}'
FinishReason = Literal["stop", "length", "tool_calls"]


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
        self._prompt = ""
        self.job = Job(services, request.model, self._make_prompts, is_gone)
        self._choices: dict[int, _Choice] = {}

    def prepare(self, timeout_s: float | None = None) -> bool:
        """See Job.prepare: False while the model is still being loaded."""
        return self.job.prepare(timeout_s)

    def cancel(self) -> None:
        self.job.cancel()

    @property
    def model_id(self) -> str:
        return self.request.model

    def loading_note(self) -> Note:
        return self.job.loading_note()

    def events(self) -> Iterator[Event]:
        """Parts and ends in the order they come. Raises EngineDied, ClientGone."""
        for delta in self.job.deltas():
            if delta is None or isinstance(delta, Note):
                yield delta
            else:
                yield from self._choice(delta.index).take(delta)

    def usage(self) -> Usage:
        num_reasoning = sum(choice.num_reasoning_tokens for choice in self._choices.values())
        return msgspec.structs.replace(self.job.usage(), num_reasoning_tokens=num_reasoning)

    def timings(self) -> dict[str, Any]:
        """{"timings": …} as llama.cpp has it; empty before anything has ended, because null breaks clients."""
        return self.job.timings()

    def _make_prompts(self, model: Model) -> list[Prompt]:
        prompt = make_prompt(model, self.request)
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
        self.num_reasoning_tokens = 0

    def take(self, delta: Delta) -> Iterator[Event]:
        self._logprobs += delta.logprobs or []
        self._num_pending_tokens += delta.num_tokens
        yield from self._parts(self._parser.feed(delta.text) if delta.text else [])
        if delta.finish is not None:
            yield from self._parts(self._parser.flush())
            if delta.finish.reason != "cancelled":
                yield self._end(delta.finish)

    def _parts(self, deltas: list[ChatDelta]) -> Iterator[Part]:
        """Tokens that gave only reasoning are reasoning tokens; tokens whose text is held back wait for what it is."""
        if not deltas:
            return
        if all(isinstance(delta, Reasoning) for delta in deltas):
            self.num_reasoning_tokens += self._num_pending_tokens
        self._num_pending_tokens = 0
        for delta in deltas:
            is_content = isinstance(delta, Content)
            yield Part(self._index, delta, self._logprobs or None if is_content else None)
            self._logprobs = []

    def _end(self, finish: Finish) -> End:
        if self._parser.num_tool_calls and finish.reason == "stop":
            return End(self._index, "tool_calls", finish.stop)
        return End(self._index, "length" if finish.reason == "length" else "stop", finish.stop)


def make_prompt(model: Model, request: ChatRequest) -> Prompt:
    """Render the messages and say what the output must look like. Raises what the template refuses."""
    text = render(model, request)
    return Prompt(
        prompt=text,
        params=msgspec.structs.replace(request.params, grammar=constraint(model.format, request, text)),
        n=request.n,
        priority=request.priority,
        markers=markers(model.format),
    )


def render(model: Model, request: ChatRequest) -> str:
    """The prompt's text."""
    return model.template.render(
        request.messages,
        request.callable_tools or None,
        add_generation_prompt=request.add_generation_prompt,
        continue_final_message=request.continue_final_message,
        tool_syntax=model.format,
        **request.template_kwargs,
    )


def markers(format_: Format) -> tuple[str, ...]:
    """Control tokens whose text the parser must see."""
    return tuple(dict.fromkeys((*format_.marks, *format_.openers, *(format_.reasoning or ()))))


def constraint(format_: Format, request: ChatRequest, prompt: str) -> Grammar | None:
    """What the answer must match. Forced calls win over response_format; with `auto` both are possible answers."""
    answer = request.response_grammar
    is_forced = request.choice.mode == "required"
    schema = json.loads(answer.text or ANY_OBJECT) if answer and answer.kind.startswith("json") else None
    if request.callable_tools and (is_forced or answer is None or schema is not None):
        calls = format_.grammar(
            request.callable_tools,
            tool_choice=request.tool_choice,
            parallel=request.parallel_tool_calls,
            prompt=prompt,
            continued=request.continued,
            answer_schema=None if is_forced else schema,
        )
        if calls is not None:
            return calls
    is_thinking = request.parse_reasoning and format_.starts_in_reasoning(prompt, request.continued)
    if answer is not None and is_thinking and format_.reasoning is not None:
        return msgspec.structs.replace(answer, triggers=(format_.reasoning[1],))
    return answer
