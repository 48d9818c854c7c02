"""A chat request, whatever API it came by: the typed form that the chat core answers.

`read_chat_request` reads OpenAI's body; /v1/responses and /v1/messages translate theirs into the same struct. Knows
no model's template or format.
"""

from __future__ import annotations

from typing import Any

import msgspec

from localllm.api.fields import Fields
from localllm.api.sampling import read_grammar, read_logprobs, read_sampling
from localllm.chat.messages import normalise
from localllm.engine.messages import Priority
from localllm.errors import InvalidRequest
from localllm.sampling_params import Grammar, SamplingParams

MAX_CHOICES = 128
MAX_TOOLS = 1024
THINKING_OFF = frozenset({"none"})
EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}


class ToolChoice(msgspec.Struct, frozen=True):
    """What the model may or must call. `name`: this function and no other."""

    mode: str = "auto"  # none, auto, required
    name: str | None = None

    @property
    def is_forced(self) -> bool:
        return self.mode == "required"


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`messages` are normalised, `tools` are checked functions in OpenAI's shape."""

    model: str
    messages: list[dict[str, Any]]
    params: SamplingParams
    tools: list[dict[str, Any]] = []
    tool_choice: ToolChoice = ToolChoice()
    parallel_tool_calls: bool = True
    response_grammar: Grammar | None = None
    n: int = 1
    stream: bool = False
    include_usage: bool = False
    continue_final_message: bool = False
    add_generation_prompt: bool = True
    parse_reasoning: bool = True
    template_kwargs: dict[str, Any] = {}
    priority: Priority = "chat"


def read_chat_request(body: Fields, model: str, defaults: SamplingParams) -> ChatRequest:
    """OpenAI's body with llama.cpp's additions. `model`: the name to echo; `defaults`: the entry's sampling.

    Raises InvalidRequest.
    """
    if "messages" not in body:
        raise InvalidRequest(
            "`messages` is missing; it is the list of what was said so far.", param="messages"
        )
    logprobs = read_logprobs(body)
    params = msgspec.structs.replace(read_sampling(body, defaults), logprobs=logprobs)
    tool_choice, tools = read_tool_choice(body), read_tools(body)
    check_tool_choice(tool_choice, tools)
    options = body.object("stream_options")
    is_continued = _is_continued(body)
    return ChatRequest(
        model=model,
        messages=normalise(body.raw("messages")),
        params=params,
        tools=tools,
        tool_choice=tool_choice,
        parallel_tool_calls=body.flag("parallel_tool_calls", True),
        response_grammar=read_grammar(body),
        n=body.integer("n", 1, MAX_CHOICES) or 1,
        stream=body.flag("stream"),
        include_usage=options.flag("include_usage") if options is not None else False,
        continue_final_message=is_continued,
        add_generation_prompt=body.flag("add_generation_prompt", True),
        parse_reasoning=body.text("reasoning_format") != "none",
        template_kwargs=read_template_kwargs(body),
        priority="background" if body.text("service_tier") == "flex" else "chat",
    )


def read_tools(body: Fields) -> list[dict[str, Any]]:
    """The functions among `tools`. Other types (web_search, …) are a provider's own and are left out."""
    given = body.items("tools")
    if len(given) > MAX_TOOLS:
        raise InvalidRequest(f"`tools` may hold {MAX_TOOLS} tools at most.", param="tools")
    read = (_read_tool(tool, f"tools[{i}]") for i, tool in enumerate(given))
    return [tool for tool in read if tool is not None]


def _read_tool(tool: Any, where: str) -> dict[str, Any] | None:
    if not isinstance(tool, dict):
        raise InvalidRequest(f"`{where}` must be an object.", param=where, code="invalid_type")
    fields = Fields(tool, f"{where}.")
    if (fields.text("type") or "function") != "function":
        return None
    function = fields.object("function")
    if function is None:
        raise InvalidRequest(f"`{where}.function` is missing.", param=f"{where}.function")
    name = function.text("name")
    if not name:
        raise InvalidRequest(f"`{where}.function.name` is missing.", param=f"{where}.function.name")
    function.text("description")
    function.object("parameters")
    return {"type": "function", "function": {k: v for k, v in function.values.items() if v is not None}}


def read_tool_choice(body: Fields) -> ToolChoice:
    value = body.raw("tool_choice")
    if value is None:
        return ToolChoice()
    if isinstance(value, str):
        return ToolChoice(body.choice("tool_choice", ("none", "auto", "required")) or "auto")
    choice = body.object("tool_choice")
    function = choice.object("function") if choice is not None else None
    name = function.text("name") if function is not None else None
    if not name:
        raise InvalidRequest(
            '`tool_choice` must be "none", "auto", "required" or {"type": "function", "function": {"name": …}}.',
            param="tool_choice",
        )
    return ToolChoice("required", name)


def check_tool_choice(choice: ToolChoice, tools: list[dict[str, Any]]) -> None:
    names = [tool["function"]["name"] for tool in tools]
    if choice.is_forced and not names:
        raise InvalidRequest("`tool_choice` asks for a call, but `tools` is empty.", param="tool_choice")
    if choice.name is not None and choice.name not in names:
        raise InvalidRequest(
            f'`tool_choice` names the function "{choice.name}", which is not among `tools`.',
            param="tool_choice",
        )


def read_template_kwargs(body: Fields) -> dict[str, Any]:
    """What the template is told besides the messages: chat_template_kwargs, and how much the model should think."""
    kwargs: dict[str, Any] = {}
    effort = body.text("reasoning_effort")
    if effort in THINKING_OFF:
        kwargs["enable_thinking"] = False
    elif effort in EFFORTS:
        kwargs["reasoning_effort"] = EFFORTS[effort]
    if "enable_thinking" in body:
        kwargs["enable_thinking"] = body.flag("enable_thinking")
    given = body.object("chat_template_kwargs")
    return kwargs | dict(given.values if given is not None else {})


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
