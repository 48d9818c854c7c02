"""A chat request → what the engine is given: the rendered prompt, its grammar, fewer messages where they do not fit.

Knows no endpoint and no stream.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from localllm.api.chat_request import ChatRequest
from localllm.api.job import Prompt
from localllm.api.truncation import drop_oldest
from localllm.chat.formats import Format
from localllm.errors import InvalidRequest, UnsupportedParameter
from localllm.models.model import Model
from localllm.sampling_params import Grammar

ANY_OBJECT = '{"type":"object"}'
ANSWER_SHARE = 4  # a quarter of the context is kept for an answer without a limit


def fitted(model: Model, request: ChatRequest) -> ChatRequest:
    """The request with as many of its oldest turns left out as the context demands, where it may be so."""
    if (request.truncation or model.entry.truncation) != "auto":
        return request

    def num_tokens(messages: list[dict[str, Any]]) -> int:
        return len(model.engine.tokenize(render(model, msgspec.structs.replace(request, messages=messages))))

    n_ctx = model.info.n_ctx
    reserved = min(request.params.max_tokens or n_ctx // ANSWER_SHARE, n_ctx // 2)
    messages = drop_oldest(request.messages, num_tokens, n_ctx - reserved - 1)
    return msgspec.structs.replace(request, messages=messages)


def make_prompt(model: Model, request: ChatRequest) -> Prompt:
    """Render the messages and say what the output must look like. Raises what the template refuses."""
    text = render(model, request)
    has_budget = request.params.reasoning_budget is not None
    return Prompt(
        prompt=text,
        params=msgspec.structs.replace(request.params, grammar=constraint(model.format, request, text)),
        n=request.n,
        priority=request.priority,
        markers=markers(model.format),
        field=request.history_field,
        thinking=model.format.thinking_marks(text, request.continued, has_tools=bool(request.callable_tools))
        if has_budget
        else None,
    )


def render(model: Model, request: ChatRequest) -> str:
    """The prompt's text. Thinking that the template begins and the request forbids is ended at once."""
    text = model.template.render(
        request.messages,
        request.callable_tools if request.callable_tools and model.format.has_calls else None,
        add_generation_prompt=request.add_generation_prompt,
        continue_final_message=request.continue_final_message,
        tool_syntax=model.format,
        **request.template_kwargs,
    )
    is_off = request.params.reasoning_budget == 0
    return model.format.without_thought(text, request.continued) if is_off else text


def markers(format_: Format) -> tuple[str, ...]:
    """Control tokens whose text the parser must see."""
    return tuple(dict.fromkeys((*format_.marks, *format_.openers, *(format_.reasoning or ()))))


def constraint(format_: Format, request: ChatRequest, prompt: str) -> Grammar | None:
    """What the answer must match. Forced calls win over response_format; with `auto` both are possible answers."""
    answer = request.response_grammar
    is_forced = request.choice.mode == "required"
    schema = json.loads(answer.text or ANY_OBJECT) if answer and answer.kind.startswith("json") else None
    if request.callable_tools and (is_forced or answer is None or schema is not None):
        calls = _calls(format_, request, prompt, None if is_forced else schema)
        if calls is not None:
            return calls
        if is_forced:
            raise UnsupportedParameter(
                "This model writes no calls (its `tool_format` is plain), so none can be forced.",
                param="tool_choice",
            )
    is_thinking = request.parse_reasoning and format_.starts_in_reasoning(prompt, request.continued)
    if answer is not None and is_thinking and format_.reasoning is not None:
        return msgspec.structs.replace(answer, triggers=(format_.reasoning[1],))
    return answer


def _calls(format_: Format, request: ChatRequest, prompt: str, answer_schema: Any) -> Grammar | None:
    """The grammar of the tools' calls, beside an answer of the schema where there is one."""
    try:
        return format_.grammar(
            request.callable_tools,
            tool_choice=request.tool_choice,
            parallel=request.parallel_tool_calls,
            prompt=prompt,
            continued=request.continued,
            answer_schema=answer_schema,
        )
    except RecursionError:
        raise InvalidRequest(
            "The parameters of a tool are nested too deeply. Describe them with fewer objects inside each other.",
            param="tools",
        ) from None
