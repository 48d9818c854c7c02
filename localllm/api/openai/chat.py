"""POST /v1/chat/completions: OpenAI's chat API over the chat core, streamed and whole."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from localllm.api import fields, reply, sse
from localllm.api.answers import AnyChatAnswer, chat_answer
from localllm.api.chat_core import End, Part
from localllm.api.chat_request import read_chat_request
from localllm.api.forwarding.body import read_forwarded_chat
from localllm.api.job import Services
from localllm.api.openai import wire
from localllm.chat.deltas import Delta, fold
from localllm.engine.messages import TokenLogprob


def blueprint(services: Services) -> Blueprint:
    """The route, relative to `/v1` and to the root."""
    routes = Blueprint("chat", __name__)

    @routes.post("/chat/completions")
    def create() -> Response:
        body = fields.json_body()
        name = reply.model_name(body.text("model"), services)
        entry = services.pool.catalog.find(name)
        if entry.is_forwarded:
            request = read_forwarded_chat(body, name, entry)
        else:
            request = read_chat_request(body, name, entry.sampling)
        answer = chat_answer(services, request, sse.client_gone())
        if request.stream:
            return reply.streamed(answer, lambda: stream_chunks(answer), services.config)
        return reply.whole(answer, lambda: whole_body(answer))

    return routes


def stream_chunks(answer: AnyChatAnswer) -> sse.Source:
    """The chunks of one stream: role, deltas, one finish_reason a choice, then usage where it was asked for."""
    request = answer.request
    envelope = wire.Envelope("chatcmpl", "chat.completion.chunk", request.model)
    extra: dict[str, Any] = {"usage": None} if request.include_usage else {}
    for index in range(request.n):
        role = {"role": "assistant", "content": ""}
        yield envelope.wrap([wire.chat_choice(index, role)], **extra)
    num_open = request.n
    for event in answer.events():
        if isinstance(event, Part):
            yield envelope.wrap([_part_choice(event)], **extra)
        elif isinstance(event, End):
            num_open -= 1
            last = _last_words(answer) if not num_open and not request.include_usage else {}
            yield envelope.wrap([wire.chat_choice(event.index, {}, event.finish_reason)], **extra, **last)
        else:
            yield event
    if request.include_usage:
        yield envelope.wrap([], usage=wire.usage_body(answer.usage()), **_last_words(answer))


def _last_words(answer: AnyChatAnswer) -> dict[str, Any]:
    """llama.cpp's timings, and what else there is to say of the answer."""
    return answer.timings() | answer.remarks()


def _part_choice(part: Part) -> dict[str, Any]:
    choice = wire.chat_choice(part.index, wire.delta_body(part.delta))
    if part.logprobs is not None:
        choice["logprobs"] = wire.chat_logprobs(part.logprobs)
    return choice


def whole_body(answer: AnyChatAnswer) -> dict[str, Any]:
    """The answer in one body."""
    request = answer.request
    deltas: list[list[Delta]] = [[] for _ in range(request.n)]
    logprobs: list[list[TokenLogprob]] = [[] for _ in range(request.n)]
    reasons: dict[int, str] = {}
    for event in answer.events():
        if isinstance(event, Part):
            deltas[event.index].append(event.delta)
            logprobs[event.index] += event.logprobs or []
        elif isinstance(event, End):
            reasons[event.index] = event.finish_reason
    wants_logprobs = request.params.logprobs is not None
    choices = [
        {
            "index": index,
            "message": wire.message_body(fold(deltas[index])),
            "logprobs": wire.chat_logprobs(logprobs[index]) if wants_logprobs else None,
            "finish_reason": reasons.get(index, "stop"),
        }
        for index in range(request.n)
    ]
    envelope = wire.Envelope("chatcmpl", "chat.completion", request.model)
    return envelope.wrap(choices, usage=wire.usage_body(answer.usage()), **_last_words(answer))
