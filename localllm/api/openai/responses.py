"""POST /v1/responses and /v1/responses/input_tokens: OpenAI's Responses API over the chat core, streamed and whole.

Stateless: the client sends the whole history. Knows no engine. docs/responses.md has the order of the events.
"""

from __future__ import annotations

import time
from typing import Any

import msgspec
from flask import Blueprint, Response

from localllm import errors
from localllm.api import fields, reply, sse
from localllm.api.answers import AnyChatAnswer, chat_answer
from localllm.api.chat_core import End, Part
from localllm.api.counts import Usage
from localllm.api.envelope import json_response
from localllm.api.forwarding.body import with_given
from localllm.api.forwarding.vectors import fetch_num_tokens
from localllm.api.job import Services
from localllm.api.openai.item_memory import ItemMemory
from localllm.api.openai.responses_output import OutputWriter, new_id
from localllm.api.openai.responses_request import ResponsesRequest, read_responses_request
from localllm.api.prompt_size import num_prompt_tokens

Json = dict[str, Any]
COUNT_PATH = "/responses/input_tokens"
CHAT_NAMES = {"max_output_tokens": "max_tokens", "reasoning.effort": "reasoning_effort"}


def blueprint(services: Services) -> Blueprint:
    """The routes, relative to `/v1` and to the root."""
    routes = Blueprint("responses", __name__)
    memory = ItemMemory()

    def read() -> tuple[ResponsesRequest, fields.Fields]:
        body = fields.json_body()
        name = reply.model_name(body.text("model"), services)
        entry = services.pool.catalog.find(name)
        request = read_responses_request(body, name, entry, memory.recall)
        if entry.is_forwarded:
            request = msgspec.structs.replace(request, chat=with_given(request.chat, body, CHAT_NAMES))
        return request, body

    @routes.post("/responses")
    def create() -> Response:
        request, _ = read()
        turn = ResponseTurn(request, chat_answer(services, request.chat, sse.client_gone()), memory)
        if request.chat.stream:
            dialect = ResponseStream(turn)
            return reply.streamed(turn.answer, turn.events, services.config, dialect)
        return reply.whole(turn.answer, turn.whole)

    @routes.post(COUNT_PATH)
    def count() -> Response:
        request, body = read()
        entry = services.pool.catalog.find(request.chat.model)
        if entry.is_forwarded:
            num_tokens = fetch_num_tokens(services, entry, COUNT_PATH, dict(body.values), sse.client_gone())
        else:
            num_tokens = num_prompt_tokens(services, request.chat, sse.client_gone())
        return json_response({"object": "response.input_tokens", "input_tokens": num_tokens})

    return routes


class ResponseTurn:
    """One response while it is made: the object that events carry, and the events."""

    def __init__(self, request: ResponsesRequest, answer: AnyChatAnswer, memory: ItemMemory) -> None:
        self.answer = answer
        self._request = request
        self._memory = memory
        self._writer = OutputWriter(as_summary=request.wants_summary, tool_names=request.tool_names)
        self._id = new_id("resp")
        self._created_at = int(time.time())

    def events(self) -> sse.Source:
        """All events of a stream in their order; the sequence numbers are the dialect's."""
        yield {"type": "response.created", "response": self.body("in_progress")}
        yield {"type": "response.in_progress", "response": self.body("in_progress")}
        finish_reason = "stop"
        for event in self.answer.events():
            if isinstance(event, Part):
                yield from self._writer.take(event.delta, event.logprobs or ())
            elif isinstance(event, End):
                finish_reason = event.finish_reason
            else:
                yield event
        status = "incomplete" if finish_reason == "length" else "completed"
        yield from self._writer.close(status)
        if self._request.keeps_items:
            self._memory.keep(self._writer.items)
        yield {"type": f"response.{status}", "response": self.body(status)}

    def whole(self) -> Json:
        """The response in one body: what a stream ends with."""
        last: Json = {}
        for event in self.events():
            last = event if isinstance(event, dict) else last
        response: Json = last["response"]
        return response

    def body(self, status: str, error: errors.LocalllmError | None = None) -> Json:
        """The response object. Usage is there once it has ended."""
        has_ended = status in ("completed", "incomplete")
        body: Json = {
            "id": self._id,
            "object": "response",
            "created_at": self._created_at,
            "status": status,
            "completed_at": int(time.time()) if status == "completed" else None,
            "error": _error_body(error) if error is not None else None,
            "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "output": list(self._writer.items),
            **self._request.echo,
        }
        if has_ended:
            body |= {"usage": _usage_body(self.answer.usage())} | self.answer.timings()
            body |= self.answer.remarks()
        return body


class ResponseStream:
    """How the events are framed: named, numbered, nothing after the last one."""

    def __init__(self, turn: ResponseTurn) -> None:
        self._turn = turn
        self._sequence_number = 0

    def event(self, item: Json) -> bytes:
        numbered = {**item, "sequence_number": self._sequence_number}
        self._sequence_number += 1
        return sse.named_event(item["type"], numbered)

    def ping(self, note: str) -> bytes:
        """An event, because Codex's idle clock does not see comments; a comment only before the first event."""
        if not self._sequence_number:
            return sse.comment(note)
        return self.event({"type": "response.in_progress", "response": self._turn.body("in_progress")})

    def error(self, error: errors.LocalllmError) -> bytes:
        """`error` is what openai-node's stream() listens to, `response.failed` what everybody else does."""
        frames = b""
        if not self._sequence_number:
            frames = self.event({"type": "response.created", "response": self._turn.body("in_progress")})
        told = {"type": "error", "message": error.message, "param": error.param, "code": error.code}
        failed = {"type": "response.failed", "response": self._turn.body("failed", error)}
        return frames + self.event(told) + self.event(failed)

    def end(self) -> bytes:
        return b""


def _usage_body(usage: Usage) -> Json:
    return {
        "input_tokens": usage.num_prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.num_cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.num_completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.num_reasoning_tokens},
        "total_tokens": usage.num_prompt_tokens + usage.num_completion_tokens,
    }


def _error_body(error: errors.LocalllmError) -> Json:
    """One of OpenAI's few codes; beyond them only the one that makes Codex compact its history."""
    if isinstance(error, errors.ContextLengthExceeded):
        code = "context_length_exceeded"
    elif isinstance(error, errors.InvalidRequest):
        code = "invalid_prompt"
    else:
        code = "rate_limit_exceeded" if isinstance(error, errors.Busy) else "server_error"
    return {"code": code, "message": error.message}
