"""Fits a chat to what its template can render, so that every template takes tools, results and a system message.

A template without tools gets them as a paragraph in the system message, with the syntax of a call; earlier calls become
the model's own text in that syntax, and results become user turns. Nothing is left out and nothing is invented.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, Protocol

import msgspec

from localllm.chat.capabilities import Capabilities

Message = dict[str, Any]
Tool = dict[str, Any]


class ToolSyntax(Protocol):
    """How one family of models writes calls."""

    def write_calls(self, calls: list[tuple[str, Any]]) -> str:
        """The calls, (name, arguments) each, as the model itself would write them."""
        ...


class _Hermes:
    def write_calls(self, calls: list[tuple[str, Any]]) -> str:
        bodies = [json.dumps({"name": n, "arguments": a}, ensure_ascii=False) for n, a in calls]
        return "\n".join(f"<tool_call>\n{body}\n</tool_call>" for body in bodies)


HERMES: ToolSyntax = _Hermes()


class Fitted(msgspec.Struct, frozen=True):
    messages: list[Message]
    tools: list[Tool] | None


def fit(
    messages: list[Message], tools: list[Tool] | None, can: Capabilities, syntax: ToolSyntax = HERMES
) -> Fitted:
    """New messages and tools for the template; the ones given stay as they are."""
    messages = messages if can.late_system else _late_system_to_user(messages)
    messages = messages if can.parallel else _one_call_each(messages)
    fitted = [_fit_message(message, can, syntax) for message in messages]
    if tools and not can.tools:
        fitted = _with_system(fitted, describe_tools(tools, syntax))
        tools = None
    if not can.system:
        fitted = _system_into_first_user(fitted)
    fitted = _merged(fitted)
    if can.parts:
        fitted = [_as_parts(message) for message in fitted]
    return Fitted(fitted, tools or ([] if can.empty_tools else None))


def describe_tools(tools: list[Tool], syntax: ToolSyntax = HERMES) -> str:
    """The paragraph that tells a model without tool support what it may call, and how."""
    listed = "\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)
    example = syntax.write_calls([("<function-name>", {"<argument-name>": "<value>"})])
    return (
        "# Tools\n\nYou may call one or more of these functions. They are described in JSON Schema, one per line:\n\n"
        f"{listed}\n\nTo call a function, answer with exactly this, and nothing after it:\n\n{example}\n\n"
        "The result comes back in the next message. Answer in plain words where no function is needed."
    )


def _fit_message(message: Message, can: Capabilities, syntax: ToolSyntax) -> Message:
    message = dict(message)
    if message["role"] == "tool":
        return _fit_result(message, can)
    calls = message.get("tool_calls")
    if calls and message.get("content") and not can.thinking_beside_content:
        message.pop("reasoning_content", None)
    if "reasoning_content" in message:
        message[can.thinking_key] = message["reasoning_content"]
    if not calls:
        return message
    if can.calls:
        message["tool_calls"] = [_fit_call(call, can) for call in calls]
        message["content"] = message.get("content") or can.empty_content
        return message
    del message["tool_calls"]
    written = syntax.write_calls(
        [(call["function"]["name"], call["function"]["arguments"]) for call in calls]
    )
    message["content"] = "\n".join(filter(None, [message.get("content"), written]))
    return message


def bridged(fitted: Fitted) -> Fitted:
    """The same chat with "…" where a turn is missing: a last attempt with templates that insist on taking turns.

    A person who stopped the model in the middle of a call and wrote on has such a history.
    """
    messages: list[Message] = []
    for message in fitted.messages:
        last = messages[-1] if messages else {"role": "system"}
        if message["role"] == "user" and (last["role"] == "tool" or last.get("tool_calls")):
            messages.append(_gap("assistant", message))
        elif message["role"] == "assistant" and last["role"] == "system":
            messages.append(_gap("user", message))
        messages.append(message)
    if messages and messages[-1]["role"] == "system":
        messages.append(_gap("user", messages[-1]))
    return Fitted(messages, fitted.tools)


def without_late_system(fitted: Fitted) -> Fitted:
    """The same chat for a template that after all has no place for a late system message."""
    return Fitted(_merged(_late_system_to_user(fitted.messages)), fitted.tools)


def _gap(role: str, like: Message) -> Message:
    content = [{"type": "text", "text": "…"}] if isinstance(like.get("content"), list) else "…"
    return {"role": role, "content": content}


def _one_call_each(messages: list[Message]) -> list[Message]:
    """A message with several calls becomes several messages, each followed by the result of its call."""
    split: list[Message] = []
    waiting: list[Message] = []  # assistant messages whose call has no result yet
    for message in messages:
        calls = message.get("tool_calls") or []
        if message["role"] == "tool":
            call = next((w for w in waiting if w["tool_calls"][0]["id"] == message.get("tool_call_id")), None)
            split += [message] if call is None else [call, message]
            waiting = [w for w in waiting if w is not call]
            continue
        split += waiting
        waiting = [{**message, "content": "", "tool_calls": [call]} for call in calls]
        if calls:
            waiting[0] = {**message, "tool_calls": calls[:1]}
        else:
            split.append(message)
    return split + waiting


def _fit_call(call: dict[str, Any], can: Capabilities) -> dict[str, Any]:
    arguments = call["function"]["arguments"]
    if can.arguments == "text" and not isinstance(arguments, str):
        arguments = json.dumps(arguments, ensure_ascii=False)
    if can.arguments == "dict" and not isinstance(arguments, dict):
        arguments = {
            "arguments": arguments
        }  # malformed text of an earlier turn: kept, in the form templates take
    call_id = short_id(call["id"]) if can.short_ids else call["id"]
    return {**call, "id": call_id, "function": {**call["function"], "arguments": arguments}}


def _fit_result(message: Message, can: Capabilities) -> Message:
    if can.results:
        if can.short_ids and "tool_call_id" in message:
            message["tool_call_id"] = short_id(message["tool_call_id"])
        return message
    name = message.get("name")
    of = f" of {name}" if name else ""
    return {
        "role": "user",
        "content": f"Result{of}:\n<tool_response>\n{message['content']}\n</tool_response>",
    }


def short_id(call_id: str) -> str:
    """Nine letters and digits for any call id, always the same for the same id (Mistral's templates insist)."""
    if len(call_id) == 9 and call_id.isalnum():
        return call_id
    return hashlib.sha256(call_id.encode()).hexdigest()[:9]


def _with_system(messages: list[Message], paragraph: str) -> list[Message]:
    if messages and messages[0]["role"] == "system":
        first = {**messages[0], "content": f"{messages[0]['content']}\n\n{paragraph}"}
        return [first, *messages[1:]]
    return [{"role": "system", "content": paragraph}, *messages]


def _system_into_first_user(messages: list[Message]) -> list[Message]:
    if not messages or messages[0]["role"] != "system":
        return messages
    system, *rest = messages
    if rest and rest[0]["role"] == "user":
        return [{**rest[0], "content": f"{system['content']}\n\n{rest[0]['content']}"}, *rest[1:]]
    return [{"role": "user", "content": system["content"]}, *rest]


def _late_system_to_user(messages: list[Message]) -> list[Message]:
    """A system message behind the first turn becomes the user's, in its place: what stands before it does not change.

    At the start it would change the whole prompt, and nothing of it would be in the prefix cache.
    """
    first = next((i for i, message in enumerate(messages) if message["role"] != "system"), len(messages))
    late = [{**m, "role": "user"} if m["role"] == "system" else m for m in messages[first:]]
    return messages[:first] + late


def _merged(messages: list[Message]) -> list[Message]:
    """What became a user turn joins its neighbours, as many templates want the roles to alternate; systems likewise."""
    merged: list[Message] = []
    for message in messages:
        if merged and message["role"] == merged[-1]["role"] and message["role"] in ("user", "system"):
            merged[-1] = {**merged[-1], "content": f"{merged[-1]['content']}\n\n{message['content']}"}
        else:
            merged.append(message)
    return merged


def _as_parts(message: Message) -> Message:
    text = message.get("content")
    return {**message, "content": [{"type": "text", "text": text}] if text else []}
