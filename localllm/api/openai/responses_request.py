"""The body of /v1/responses → the chat request it stands for, and what the response repeats of it.

Knows no model. Tools that only OpenAI can run (web_search, custom, …) are left out, as every agent expects.
"""

from __future__ import annotations

from typing import Any, cast

import flask
import msgspec

from localllm.api.chat_request import ChatRequest, Truncation
from localllm.api.fields import Fields
from localllm.api.openai.namespaces import Names, chosen, flattened
from localllm.api.openai.responses_input import Recall, read_input
from localllm.api.priority import read_priority
from localllm.api.sampling import json_schema, read_sampling
from localllm.api.thinking import read_thinking
from localllm.chat.messages import normalise
from localllm.chat.tools import ToolChoice, read_tool_choice, read_tools
from localllm.errors import InvalidRequest, UnsupportedParameter
from localllm.models.entry import Entry
from localllm.sampling_params import Grammar, SamplingParams

# What needs a server that keeps conversations: the field, and what to do instead.
STATEFUL = {
    "previous_response_id": "Send the earlier items in `input`",
    "conversation": "Send the earlier items in `input`",
    "prompt": "Send `instructions` and `input` themselves",
}
SUMMARIES = ("auto", "concise", "detailed")
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh")
LOGPROBS = "message.output_text.logprobs"
Tool = dict[str, Any]


class ResponsesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`echo` is the part of the response object that repeats the request. keeps_items: `store`.
    wants_summary: `reasoning.summary`. tool_names: which functions are a namespace's."""

    chat: ChatRequest
    echo: dict[str, Any]
    keeps_items: bool
    wants_summary: bool
    tool_names: Names = {}


def read_responses_request(body: Fields, model: str, entry: Entry, recall: Recall) -> ResponsesRequest:
    """`model`: the name to echo, `entry`: the model it stands for. Raises InvalidRequest."""
    _refuse_stateful(body)
    turns = read_input(body, recall)
    given, names = flattened(body.items("tools"))
    tools = read_tools([_chat_tool(tool, f"tools[{i}]") for i, tool in enumerate(given)])
    tool_choice = chosen(body.raw("tool_choice"))
    read_tool_choice(tool_choice, tools)
    reasoning = body.object("reasoning") or Fields({})
    thinking = read_thinking(body)
    chat = ChatRequest(
        model=model,
        messages=normalise(turns.messages),
        history_field="input",
        params=thinking.limit(_read_params(body, entry.sampling)),
        tools=tools,
        tool_choice=tool_choice or "auto",
        parallel_tool_calls=body.flag("parallel_tool_calls", True),
        response_grammar=_read_format(body, entry.sampling.grammar),
        stream=body.flag("stream"),
        continue_final_message=turns.is_continued,
        template_kwargs=thinking.template_kwargs,
        truncation=cast(Truncation | None, body.choice("truncation", ("auto", "disabled"))),
        priority=read_priority(
            flask.request.headers.get("x-priority"),
            body.text("service_tier"),
            turns.messages,
            stream=body.flag("stream"),
        ),
    )
    return ResponsesRequest(
        chat=chat,
        echo=_echo(body, chat, reasoning) | {"truncation": chat.truncation or entry.truncation},
        keeps_items=body.flag("store", True),
        wants_summary=reasoning.raw("summary") in SUMMARIES,
        tool_names=names,
    )


def _refuse_stateful(body: Fields) -> None:
    for name, advice in STATEFUL.items():
        if name in body:
            raise UnsupportedParameter(
                f"localllm keeps no conversations, so `{name}` cannot be used. {advice}.", param=name
            )
    if body.flag("background"):
        raise UnsupportedParameter(
            "localllm answers in the request itself, so `background: true` cannot be used. Leave it out.",
            param="background",
        )


def _read_params(body: Fields, defaults: SamplingParams) -> SamplingParams:
    limit, alternatives = body.integer("max_output_tokens"), body.integer("top_logprobs", 0, 20)
    values = dict(body.values) if limit is None else {**body.values, "max_completion_tokens": limit}
    wants_logprobs = bool(alternatives) or LOGPROBS in body.items("include")
    return msgspec.structs.replace(
        read_sampling(Fields(values), defaults),
        logprobs=alternatives or 0 if wants_logprobs else defaults.logprobs,
    )


def _chat_tool(tool: Any, where: str) -> Any:
    """A function in the chat API's shape, which has its fields one level deeper; anything else as it came."""
    if not isinstance(tool, dict) or tool.get("type", "function") != "function" or "function" in tool:
        return tool
    fields = Fields(tool, f"{where}.")
    if not fields.text("name"):
        raise InvalidRequest(f"`{where}.name` is missing.", param=f"{where}.name")
    fields.text("description")
    fields.object("parameters")
    function = {key: tool[key] for key in ("name", "description", "parameters") if key in fields}
    return {"type": "function", "function": function}


def _read_format(body: Fields, default: Grammar | None) -> Grammar | None:
    """`text.format`: what the answer must look like; the entry's default where it is not there."""
    text = body.object("text")
    given = text.object("format") if text is not None else None
    kind = given.choice("type", ("text", "json_object", "json_schema")) if given is not None else None
    if given is None or kind in (None, "text"):
        return None if kind else default
    if kind == "json_object":
        return Grammar("json_object")
    schema = given.raw("schema")
    return json_schema({} if schema is None else schema, "text.format.schema")


def _echo(body: Fields, chat: ChatRequest, reasoning: Fields) -> dict[str, Any]:
    text = body.object("text")
    format_ = text.object("format") if text is not None else None
    metadata = body.object("metadata")
    return {
        "background": False,
        "instructions": body.text("instructions"),
        "max_output_tokens": chat.params.max_tokens,
        "max_tool_calls": None,
        "metadata": metadata.values if metadata is not None else {},
        "model": chat.model,
        "parallel_tool_calls": chat.parallel_tool_calls,
        "previous_response_id": None,
        "reasoning": {
            "effort": _one_of(reasoning, "effort", EFFORTS),
            "summary": _one_of(reasoning, "summary", SUMMARIES),
        },
        "service_tier": "default",
        "store": False,
        "temperature": chat.params.temperature,
        "text": {"format": _echoed_format(format_)},
        "tool_choice": _echoed_tool_choice(chat.choice, chat.tool_choice),
        "tools": [_echoed_tool(tool["function"]) for tool in chat.tools],
        "top_logprobs": chat.params.logprobs or 0,
        "top_p": chat.params.top_p,
    }


def _one_of(fields: Fields, name: str, known: tuple[str, ...]) -> str | None:
    value = fields.raw(name)
    return value if value in known else None


def _echoed_format(given: Fields | None) -> dict[str, Any]:
    kind = (given.text("type") if given is not None else None) or "text"
    if given is None or kind != "json_schema":
        return {"type": kind}
    schema = given.raw("schema")
    return {
        "type": kind,
        "name": given.text("name") or "answer",
        "schema": schema if isinstance(schema, dict) else {},
        "strict": True,
    }


def _echoed_tool_choice(choice: ToolChoice, given: Any) -> Any:
    if isinstance(given, dict) and given.get("type") == "function":
        return {"type": "function", "name": next(iter(choice.names))}
    return choice.mode


def _echoed_tool(function: Tool) -> dict[str, Any]:
    return {
        "type": "function",
        "name": function["name"],
        "description": function.get("description"),
        "parameters": function.get("parameters"),
        "strict": True,
    }
