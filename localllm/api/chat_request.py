"""A chat request, whatever API it came by: the typed form that the chat core answers.

`read_chat_request` reads OpenAI's body; /v1/responses and /v1/messages translate theirs into the same struct. Knows
no model's template or format.
"""

from __future__ import annotations

from typing import Any, Literal, cast

import flask
import msgspec

from localllm.api.fields import Fields
from localllm.api.priority import read_priority
from localllm.api.sampling import read_grammar, read_logprobs, read_sampling
from localllm.api.thinking import read_thinking
from localllm.chat.messages import normalise
from localllm.chat.tools import ToolChoice, read_tool_choice, read_tools
from localllm.engine.messages import Priority
from localllm.errors import InvalidRequest
from localllm.sampling_params import Grammar, SamplingParams

Truncation = Literal["auto", "disabled"]
MAX_CHOICES = 128


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`messages` are normalised, `tools` are checked functions in OpenAI's shape."""

    model: str
    messages: list[dict[str, Any]]
    params: SamplingParams
    tools: list[dict[str, Any]] = []
    tool_choice: Any = "auto"  # as it came, and checked against the tools
    parallel_tool_calls: bool = True
    response_grammar: Grammar | None = None
    n: int = 1
    stream: bool = False
    include_usage: bool = False
    continue_final_message: bool = False
    add_generation_prompt: bool = True
    parse_reasoning: bool = True
    template_kwargs: dict[str, Any] = {}
    truncation: Truncation | None = None  # None: as the model's entry has it
    priority: Priority = "chat"
    history_field: str = "messages"  # what the body calls them, for errors
    given: dict[str, Any] = {}  # what the body said, as it came: for a model that another server runs

    @property
    def choice(self) -> ToolChoice:
        """What tool_choice means for the tools."""
        return read_tool_choice(self.tool_choice, self.tools)

    @property
    def callable_tools(self) -> list[dict[str, Any]]:
        """The tools that the model is shown: none where it may not call any."""
        return [] if self.choice.mode == "none" else self.tools

    @property
    def continued(self) -> str:
        """The text that the answer goes on with, where it continues the last message."""
        return str(self.messages[-1].get("content") or "") if self.continue_final_message else ""


def read_chat_request(body: Fields, model: str, defaults: SamplingParams) -> ChatRequest:
    """OpenAI's body with llama.cpp's additions. `model`: the name to echo; `defaults`: the entry's sampling.

    Raises InvalidRequest.
    """
    if "messages" not in body:
        raise InvalidRequest(
            "`messages` is missing; it is the list of what was said so far.", param="messages"
        )
    logprobs = read_logprobs(body, defaults.logprobs)
    thinking = read_thinking(body)
    params = msgspec.structs.replace(thinking.limit(read_sampling(body, defaults)), logprobs=logprobs)
    tools = read_tools(body.raw("tools"))
    read_tool_choice(body.raw("tool_choice"), tools)
    options = body.object("stream_options")
    is_continued = _is_continued(body)
    return ChatRequest(
        model=model,
        messages=normalise(body.raw("messages")),
        params=params,
        tools=tools,
        tool_choice=body.raw("tool_choice") or "auto",
        parallel_tool_calls=body.flag("parallel_tool_calls", True),
        response_grammar=read_grammar(body, defaults.grammar),
        n=body.integer("n", 1, MAX_CHOICES) or 1,
        stream=body.flag("stream"),
        include_usage=options.flag("include_usage") if options is not None else False,
        continue_final_message=is_continued,
        add_generation_prompt=body.flag("add_generation_prompt", True),
        parse_reasoning=body.text("reasoning_format") != "none",
        template_kwargs=thinking.template_kwargs,
        truncation=cast(Truncation | None, body.choice("truncation", ("auto", "disabled"))),
        priority=read_priority(
            flask.request.headers.get("x-priority"),
            body.text("service_tier"),
            body.raw("messages"),
            stream=body.flag("stream"),
        ),
    )


def _is_continued(body: Fields) -> bool:
    """A last message of the assistant's is the beginning of the answer, unless the client says it is not."""
    messages = body.raw("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    is_beginning = (
        isinstance(last, dict)
        and last.get("role") == "assistant"
        and bool(last.get("content"))
        and not last.get("tool_calls")
    )
    return is_beginning and body.flag("continue_final_message", True)
