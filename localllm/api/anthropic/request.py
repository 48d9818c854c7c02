"""The body of /v1/messages → the chat request it stands for.

Knows no model. Fields that only Anthropic's service has a use for (metadata, cache_control, context_management, …)
are not looked at.
"""

from __future__ import annotations

from typing import Any

import flask

from localllm.api.anthropic.history import read_history
from localllm.api.chat_request import ChatRequest
from localllm.api.fields import Fields
from localllm.api.priority import read_priority
from localllm.api.sampling import json_schema, read_sampling
from localllm.api.thinking import Thinking, read_thinking
from localllm.chat.messages import normalise
from localllm.chat.tools import read_tool_choice, read_tools
from localllm.errors import InvalidRequest
from localllm.sampling_params import Grammar, SamplingParams

TOOL_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def read_messages_request(body: Fields, model: str, defaults: SamplingParams) -> ChatRequest:
    """`model`: the name to echo; `defaults`: the entry's sampling. Raises InvalidRequest.

    A max_tokens beyond the context is no error: the answer then ends where the context does.
    """
    turns = read_history(body)
    tools = read_tools([_chat_tool(tool, f"tools[{i}]") for i, tool in enumerate(body.items("tools"))])
    choice = body.object("tool_choice") or Fields({})
    tool_choice = _read_tool_choice(choice)
    read_tool_choice(tool_choice, tools)
    stops = body.texts("stop_sequences")
    thinking = _read_thinking(body)
    return ChatRequest(
        model=model,
        messages=normalise(turns.messages),
        params=thinking.limit(read_sampling(Fields({**body.values, "stop": stops}), defaults)),
        tools=tools,
        tool_choice=tool_choice,
        parallel_tool_calls=not choice.flag("disable_parallel_tool_use"),
        response_grammar=_read_format(body) or defaults.grammar,
        stream=body.flag("stream"),
        continue_final_message=turns.is_continued,
        template_kwargs=thinking.template_kwargs,
        priority=read_priority(
            flask.request.headers.get("x-priority"),
            body.text("service_tier"),
            turns.messages,
            stream=body.flag("stream"),
        ),
    )


def _chat_tool(tool: Any, where: str) -> dict[str, Any]:
    """A tool of the client's as the chat API has it. Anthropic's own (web_search_…, bash_…) are no functions."""
    if not isinstance(tool, dict):
        raise InvalidRequest(f"`{where}` must be an object.", param=where, code="invalid_type")
    fields = Fields(tool, f"{where}.")
    if (fields.text("type") or "custom") != "custom":
        return {"type": "server"}
    if not fields.text("name"):
        raise InvalidRequest(f"`{where}.name` is missing.", param=f"{where}.name")
    fields.text("description")
    schema = fields.object("input_schema")
    return {
        "type": "function",
        "function": {
            "name": fields.text("name"),
            "description": fields.text("description"),
            "parameters": dict(schema.values) if schema is not None else None,
        },
    }


def _read_tool_choice(choice: Fields) -> Any:
    """Anthropic's tool_choice in OpenAI's words."""
    kind = choice.text("type") or "auto"
    if kind in TOOL_CHOICES:
        return TOOL_CHOICES[kind]
    if kind == "tool" and (name := choice.text("name")):
        return {"type": "function", "function": {"name": name}}
    raise InvalidRequest(
        "`tool_choice.type` must be auto, any, none, or tool with a `name`.", param="tool_choice.type"
    )


def _read_format(body: Fields) -> Grammar | None:
    """Structured output: `output_config.format`, and its earlier name `output_format`."""
    config = body.object("output_config")
    given = config.object("format") if config is not None else None
    given = given or body.object("output_format")
    if given is None or given.choice("type", ("json_schema",)) is None:
        return None
    return json_schema(given.raw("schema") or {}, f"{given.prefix}schema")


def _read_thinking(body: Fields) -> Thinking:
    """`thinking` with its budget, and the effort of `output_config`."""
    thinking, config = body.object("thinking"), body.object("output_config")
    if thinking is not None:
        thinking.text("type")
    effort = config.text("effort") if config is not None else None
    return read_thinking(Fields({**body.values, **({"reasoning_effort": effort} if effort else {})}))
