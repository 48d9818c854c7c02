"""A typed request → the body that is sent to the other server.

What the client gave goes on as it was given, fields that localllm does not know included. Nulls are left out,
because some servers refuse them. Knows no server.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from localllm.api.chat_request import ChatRequest, read_chat_request
from localllm.api.fields import Fields
from localllm.api.sampling import FLAGS, INTEGERS, MAX_TOKENS, NUMBERS, STRUCTURED
from localllm.models.entry import Entry
from localllm.sampling_params import SamplingParams

Json = dict[str, Any]

# what the chat request says in its own fields, or what concerns localllm alone
OWN = frozenset(
    {
        "model",
        "messages",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "n",
        "stream",
        "stream_options",
        "truncation",
    }
)
SAMPLING = frozenset({*NUMBERS, *INTEGERS, *FLAGS, *MAX_TOKENS, "stop", "seed", "logit_bias"})
KNOWN = SAMPLING | OWN | {
    "prompt", "input", "suffix", "echo", "best_of", "logprobs", "top_logprobs", "response_format", "json_schema",
    "grammar", "reasoning_effort", "chat_template_kwargs", "continue_final_message", "add_generation_prompt",
    *STRUCTURED,
}  # fmt: skip
# the entry's defaults, in the API's words
DEFAULTS = {field: name for name, (field, *_) in (NUMBERS | INTEGERS).items() if name != "repetition_penalty"}
ROLES = {"developer": "system"}
TEXT_PART = {"type": "text", "text": "[left out]"}


def read_forwarded_chat(body: Fields, model: str, entry: Entry) -> ChatRequest:
    """OpenAI's body for a model elsewhere: checked as for one of ours, but images and other parts may pass.

    Raises InvalidRequest.
    """
    messages = body.raw("messages")
    checked = [_without_media(message) for message in messages] if isinstance(messages, list) else messages
    request = read_chat_request(Fields({**body.values, "messages": checked}), model, entry.sampling)
    given = {key: value for key, value in body.values.items() if key not in OWN}
    return msgspec.structs.replace(request, messages=[_cleaned(message) for message in messages], given=given)


def with_given(request: ChatRequest, body: Fields, names: Mapping[str, str]) -> ChatRequest:
    """The request of another API with what its body says of sampling. names: that API's own names → the chat API's."""
    given = {key: value for key, value in body.values.items() if key in SAMPLING}
    given |= {ours: value for theirs, ours in names.items() if (value := _at(body, theirs)) is not None}
    return msgspec.structs.replace(request, given=given)


def _at(body: Fields, path: str) -> Any:
    """The value at `a.b`; None where there is none."""
    *groups, name = path.split(".")
    for group in groups:
        inner = body.object(group)
        if inner is None:
            return None
        body = inner
    return body.raw(name)


def chat_body(request: ChatRequest, entry: Entry) -> Json:
    """The body for /chat/completions, always streamed: a whole answer would hide whether it is still being made."""
    body = entry_defaults(entry.sampling) | request.given | _shape(request)
    body |= {
        "model": model_there(entry),
        "messages": [_sent(message) for message in request.messages],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    if request.n > 1:
        body["n"] = request.n
    if request.params.logprobs is not None and "logprobs" not in body:
        body |= {"logprobs": True, "top_logprobs": request.params.logprobs}
    return finished(body)


def finished(body: Json) -> Json:
    """Without nulls; a limit of tokens under the name that every server knows."""
    given = next((body[name] for name in MAX_TOKENS if body.get(name) is not None), None)
    if given is not None and not body.get("max_tokens"):
        body = {**body, "max_tokens": given}
    return {key: value for key, value in body.items() if value is not None}


def unknown_fields(body: Json) -> frozenset[str]:
    """What localllm would ignore itself, and so may be left out where the other server does not know it either."""
    return frozenset(body) - KNOWN


def entry_defaults(sampling: SamplingParams) -> Json:
    """What the entry's [model.sampling] says, where it differs from the defaults."""
    plain = SamplingParams()
    fields = {
        field: name for field, name in DEFAULTS.items() if getattr(sampling, field) != getattr(plain, field)
    }
    changed: Json = {name: getattr(sampling, field) for field, name in fields.items()}
    for name in ("seed", "max_tokens"):
        if (value := getattr(sampling, name)) is not None:
            changed[name] = value
    return changed | ({"stop": list(sampling.stop)} if sampling.stop else {})


def model_there(entry: Entry) -> str:
    """What the other server calls the model."""
    assert entry.upstream is not None
    return entry.upstream.model or entry.id


def _shape(request: ChatRequest) -> Json:
    """Tools, and what the answer must look like where another API than OpenAI's chat said it."""
    shape: Json = {}
    if request.tools:
        shape["tools"] = request.tools
        if request.tool_choice != "auto":
            shape["tool_choice"] = request.tool_choice
        if not request.parallel_tool_calls:
            shape["parallel_tool_calls"] = False
    grammar = request.response_grammar
    is_said = any(key in request.given for key in ("response_format", "json_schema", "grammar", *STRUCTURED))
    if grammar is not None and not is_said and grammar.kind == "json_schema":
        schema = {"name": "answer", "schema": json.loads(grammar.text), "strict": True}
        shape["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif grammar is not None and not is_said and grammar.kind == "json_object":
        shape["response_format"] = {"type": "json_object"}
    return shape


def _without_media(message: Any) -> Any:
    """The message as the check of messages knows it: parts that are no text are stood in for."""
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    return {**message, "content": [TEXT_PART if _is_media(part) else part for part in content]}


def _is_media(part: Any) -> bool:
    kind = part.get("type") if isinstance(part, dict) else None
    return isinstance(kind, str) and kind not in ("text", "input_text", "output_text", "refusal")


def _cleaned(message: Json) -> Json:
    """Without nulls that servers refuse, with `system` for `developer`; parts that are all text are one text."""
    cleaned = {key: value for key, value in message.items() if value is not None}
    cleaned["role"] = ROLES.get(message["role"], message["role"])
    content = message.get("content")
    if isinstance(content, list) and not any(_is_media(part) for part in content):
        content = "\n".join(_text(part) for part in content)
    return cleaned | {"content": "" if content is None else content}


def _text(part: Any) -> str:
    if isinstance(part, str):
        return part
    return str(part.get("text") or part.get("refusal") or "")


def _sent(message: Json) -> Json:
    """Arguments as JSON text, which is how they travel."""
    if not message.get("tool_calls"):
        return message
    calls = [
        {**call, "function": {**call["function"], "arguments": _as_text(call["function"].get("arguments"))}}
        for call in message["tool_calls"]
    ]
    return {**message, "tool_calls": calls}


def _as_text(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
