"""The checks of tools: answers with calls, whole and streamed, and calls that were asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localllm.check import rules
from localllm.check.checks import found, is_chat_completion, linted
from localllm.check.finding import Finding
from localllm.check.reading import as_dict, as_list, decoded, first
from localllm.check.stream_lint import data_objects
from localllm.check.target import Reply, Target

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
QUESTION = "What is the weather in Bern?"
MAX_TOKENS = 64


def check_tools(target: Target) -> Iterator[Finding]:
    """Tools beside an ordinary question, whole and streamed, left to the model and forced."""
    for choice in ("auto", "required"):
        options: dict[str, Any] = {"tools": [TOOL], "tool_choice": choice, "max_tokens": MAX_TOKENS}
        whole, streamed = target.chat(QUESTION, **options), target.chat(QUESTION, stream=True, **options)
        yield from _whole(whole)
        if streamed.status != 200:
            yield found(rules.TOOLS, streamed)
        else:
            yield from linted(streamed)
        if choice == "required":
            yield from _forced(whole, _message_of(whole.json))
            yield from _forced(streamed, _joined(streamed.body))


def _whole(reply: Reply) -> Iterator[Finding]:
    if reply.status != 200 or not is_chat_completion(reply.json):
        yield found(rules.TOOLS, reply)
        return
    message = _message_of(reply.json)
    was_cut = message["finish_reason"] == "length"
    calls = message.get("tool_calls")
    is_right = (
        isinstance(calls, list | None)
        and all(_is_call(call, was_cut=was_cut) for call in as_list(calls))
        and (was_cut or (message["finish_reason"] == "tool_calls") == bool(calls))
    )
    if not is_right:
        yield found(rules.TOOL_CALLS, reply)


def _is_call(call: Any, *, was_cut: bool) -> bool:
    """An id, the name of the offered tool, and arguments that are the text of an object (or its beginning)."""
    fields = as_dict(call)
    function = as_dict(fields.get("function"))
    arguments = function.get("arguments")
    return (
        isinstance(fields.get("id"), str)
        and fields["id"] != ""
        and fields.get("type") == "function"
        and function.get("name") == as_dict(TOOL["function"])["name"]
        and isinstance(arguments, str)
        and (was_cut or _is_object(arguments))
    )


def _is_object(text: str) -> bool:
    try:
        return isinstance(decoded(text), dict)
    except ValueError:
        return False


def _forced(reply: Reply, message: dict[str, Any]) -> Iterator[Finding]:
    """Text instead of a call. An answer that was cut while it was still thinking is none."""
    text = message.get("content")
    text = text.strip() if isinstance(text, str) else ""
    is_thinking = message.get("finish_reason") == "length" and (not text or text.startswith("<"))
    if reply.status == 200 and not message.get("tool_calls") and not is_thinking:
        yield found(rules.TOOL_REQUIRED, reply)


def _message_of(body: Any) -> dict[str, Any]:
    """The first choice's message with its finish_reason."""
    choice = first(as_dict(body).get("choices"))
    return as_dict(choice.get("message")) | {"finish_reason": choice.get("finish_reason")}


def _joined(raw: bytes) -> dict[str, Any]:
    """The message that a stream's deltas add up to: text, whether there are calls, and the finish_reason."""
    choices = [first(chunk.get("choices")) for chunk in data_objects(raw)]
    deltas = [as_dict(choice.get("delta")) for choice in choices]
    return {
        "content": "".join(text for delta in deltas if isinstance(text := delta.get("content"), str)),
        "tool_calls": any(delta.get("tool_calls") for delta in deltas),
        "finish_reason": next(
            (reason for choice in choices if (reason := choice.get("finish_reason"))), None
        ),
    }
