"""POST /v1/messages and /v1/messages/count_tokens: Anthropic's Messages API over the chat core, streamed and whole.

Knows no engine. Errors of these routes come in Anthropic's envelope: see errors.py beside it and envelope.py above.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from localllm import errors
from localllm.api import fields, reply, sse
from localllm.api.answers import AnyChatAnswer, chat_answer
from localllm.api.anthropic.blocks import BlockWriter
from localllm.api.anthropic.errors import error_body
from localllm.api.anthropic.request import read_messages_request
from localllm.api.chat_core import End, Part
from localllm.api.chat_request import ChatRequest
from localllm.api.counts import Usage
from localllm.api.envelope import json_response
from localllm.api.forwarding.body import with_given
from localllm.api.forwarding.vectors import fetch_num_tokens
from localllm.api.job import Services
from localllm.api.openai.wire import new_id
from localllm.api.prompt_size import num_prompt_tokens
from localllm.models.entry import Entry

Json = dict[str, Any]

STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
CLAUDE = "claude"
COUNT_PATH = "/messages/count_tokens"
CHAT_NAMES = {"stop_sequences": "stop", "output_config.effort": "reasoning_effort"}


def blueprint(services: Services) -> Blueprint:
    """The routes, relative to `/v1` and to the root."""
    routes = Blueprint("messages", __name__)

    def read() -> tuple[ChatRequest, fields.Fields]:
        body = fields.json_body()
        entry, name = find_entry(body.text("model"), services)
        request = read_messages_request(body, name, entry.sampling)
        return (with_given(request, body, CHAT_NAMES) if entry.is_forwarded else request), body

    @routes.post("/messages")
    def create() -> Response:
        request, _ = read()
        turn = MessageTurn(chat_answer(services, request, sse.client_gone()))
        if request.stream:
            return reply.streamed(turn.answer, turn.events, services.config, MessageStream())
        return reply.whole(turn.answer, turn.whole)

    @routes.post(COUNT_PATH)
    def count() -> Response:
        request, body = read()
        entry = services.pool.catalog.find(request.model)
        if entry.is_forwarded:
            num_tokens = fetch_num_tokens(services, entry, COUNT_PATH, dict(body.values), sse.client_gone())
        else:
            num_tokens = num_prompt_tokens(services, request, sse.client_gone())
        return json_response({"input_tokens": num_tokens})

    return routes


def find_entry(asked: str | None, services: Services) -> tuple[Entry, str]:
    """The model and the name to answer under. A Claude that is not in the catalog is the default model.

    Claude Code asks for several Claudes by name, whatever model it was told to use. Raises ModelNotFound.
    """
    name = reply.model_name(asked, services)
    try:
        return services.pool.catalog.find(name), name
    except errors.ModelNotFound:
        if not name.lower().startswith(CLAUDE):
            raise
    entry = services.pool.catalog.find(reply.model_name(None, services))
    return entry, entry.id


class MessageTurn:
    """One message while it is made."""

    def __init__(self, answer: AnyChatAnswer) -> None:
        self.answer = answer
        self._writer = BlockWriter()
        self._id = new_id("msg").replace("-", "_", 1)
        self._stop_reason: str | None = None
        self._stop_sequence: str | None = None

    def events(self) -> sse.Source:
        """All events of a stream in their order."""
        yield {"type": "message_start", "message": self.body()}
        for event in self.answer.events():
            if isinstance(event, Part):
                yield from self._writer.take(event.delta)
            elif isinstance(event, End):
                self._take_end(event)
            else:
                yield event
        yield from self._writer.close()
        stop = {"stop_reason": self._stop_reason, "stop_sequence": self._stop_sequence}
        usage = _usage_body(self.answer.usage())
        yield {"type": "message_delta", "delta": stop, "usage": usage, **self.answer.remarks()}
        yield {"type": "message_stop"}

    def whole(self) -> Json:
        """The message in one body."""
        for _ in self.events():
            pass
        return self.body()

    def body(self) -> Json:
        """The message as it is now."""
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self.answer.model_id,
            "content": list(self._writer.blocks),
            "stop_reason": self._stop_reason,
            "stop_sequence": self._stop_sequence,
            "usage": _usage_body(self.answer.usage()),
            **(self.answer.remarks() if self._stop_reason else {}),
        }

    def _take_end(self, end: End) -> None:
        self._stop_reason = STOP_REASONS[end.finish_reason]
        if end.finish_reason == "stop" and end.stop is not None:
            self._stop_reason, self._stop_sequence = "stop_sequence", end.stop


class MessageStream:
    """How the events are framed: named after their type, no end mark."""

    def event(self, item: Json) -> bytes:
        return sse.named_event(item["type"], item)

    def ping(self, note: str) -> bytes:
        return self.event({"type": "ping"})

    def error(self, error: errors.LocalllmError) -> bytes:
        return self.event(error_body(error))

    def end(self) -> bytes:
        return b""


def _usage_body(usage: Usage) -> Json:
    """Anthropic counts the tokens that were in the cache apart from `input_tokens`."""
    return {
        "input_tokens": usage.num_prompt_tokens - usage.num_cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": usage.num_cached_tokens,
        "output_tokens": usage.num_completion_tokens,
        "output_tokens_details": {"thinking_tokens": usage.num_reasoning_tokens},
    }
