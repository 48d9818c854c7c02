"""OpenAI's messages → the order and shape chat templates accept.

One bad turn in a history must not make every later request fail: what is odd is put in order, only what is no
message at all is refused, with the field's name. Knows no template.
"""

from __future__ import annotations

import json
from typing import Any

from localllm.errors import InvalidRequest

Message = dict[str, Any]

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant",
         "tool": "tool", "function": "tool"}  # fmt: skip
TEXT_PARTS = {"text": "text", "input_text": "text", "output_text": "text", "refusal": "refusal"}
REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")


def normalise(messages: Any) -> list[Message]:
    """Turns of system, user, assistant and tool in their order; none is empty, and but for tool none comes twice.

    Contents are text. A call's arguments are an object where their JSON is one, else the text as it came.
    Raises InvalidRequest with the field (`messages[2].content`) where a value has the wrong type, or is an image.
    """
    if not isinstance(messages, list):
        raise InvalidRequest("`messages` must be a list of messages.", param="messages")
    if not messages:
        raise InvalidRequest("`messages` is empty; send at least one message.", param="messages")
    read = [_read(message, f"messages[{index}]") for index, message in enumerate(messages)]
    turns = _merge([m for m in read if not _is_empty(m)])
    _name_results(turns)
    return turns


def _read(message: Any, where: str) -> Message:
    if not isinstance(message, dict):
        raise InvalidRequest(f"`{where}` must be an object with role and content.", param=where)
    role = message.get("role")
    if not isinstance(role, str) or role not in ROLES:
        known = ", ".join(ROLES)
        raise InvalidRequest(f"`{where}.role` must be one of {known}.", param=f"{where}.role")
    read: Message = {"role": ROLES[role], "content": _text(message.get("content"), f"{where}.content")}
    if role == "assistant":
        read |= _reasoning(message, where) | _calls(message, where)
    elif ROLES[role] == "tool":
        read |= {key: message[key] for key in ("tool_call_id", "name") if isinstance(message.get(key), str)}
    return read


def _text(content: Any, where: str) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        content = [content]
    if not isinstance(content, list):
        raise InvalidRequest(f"`{where}` must be text, a list of parts, or null.", param=where)
    return "\n".join(_part(part, f"{where}[{index}]") for index, part in enumerate(content))


def _part(part: Any, where: str) -> str:
    if isinstance(part, str):
        return part
    kind = part.get("type", "text") if isinstance(part, dict) else None
    if not isinstance(kind, str):
        raise InvalidRequest(f"`{where}` must be a content part with a type.", param=where)
    if kind not in TEXT_PARTS:
        raise InvalidRequest(
            f"`{where}` is a part of type {kind!r}; localllm reads text only. Send it without this part.",
            param=where,
        )
    text = part.get(TEXT_PARTS[kind])
    if not isinstance(text, str | None):
        raise InvalidRequest(
            f"`{where}.{TEXT_PARTS[kind]}` must be text.", param=f"{where}.{TEXT_PARTS[kind]}"
        )
    return text or ""


def _reasoning(message: Message, where: str) -> Message:
    for key in REASONING_KEYS:
        value = message.get(key)
        if value is None or value == "":
            continue
        if not isinstance(value, str):
            if key == "reasoning_content":
                raise InvalidRequest(f"`{where}.{key}` must be text or null.", param=f"{where}.{key}")
            continue  # `reasoning` and `thinking` are other things in other APIs
        return {"reasoning_content": value}
    return {}


def _calls(message: Message, where: str) -> Message:
    calls = message.get("tool_calls") or []
    if not isinstance(calls, list):
        raise InvalidRequest(f"`{where}.tool_calls` must be a list.", param=f"{where}.tool_calls")
    if not calls and isinstance(message.get("function_call"), dict):  # the older way to write one call
        calls = [{"function": message["function_call"]}]
    read = [_call(call, f"{where}.tool_calls[{index}]", index) for index, call in enumerate(calls)]
    return {"tool_calls": read} if read else {}


def _call(call: Any, where: str, index: int) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise InvalidRequest(f"`{where}.function` must be an object.", param=f"{where}.function")
    name = function.get("name")
    if not isinstance(name, str) or not name:
        raise InvalidRequest(f"`{where}.function.name` must be a name.", param=f"{where}.function.name")
    call_id = call.get("id")
    return {
        "id": call_id if isinstance(call_id, str) and call_id else f"call_{index}",
        "type": "function",
        "function": {"name": name, "arguments": _arguments(function.get("arguments"))},
    }


def _arguments(arguments: Any) -> Any:
    """The object the text describes; text that describes none stays text."""
    if arguments is None or arguments == "":
        return {}
    if not isinstance(arguments, str):
        return arguments if isinstance(arguments, dict) else json.dumps(arguments, ensure_ascii=False)
    try:
        value = json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
    return value if isinstance(value, dict) else arguments


def _is_empty(message: Message) -> bool:
    """A turn that says nothing: a system message, or the assistant's where a generation was stopped."""
    if message["role"] == "system":
        return not message["content"]
    says_something = (
        message["content"].strip() or message.get("tool_calls") or message.get("reasoning_content")
    )
    return message["role"] == "assistant" and not says_something


def _merge(turns: list[Message]) -> list[Message]:
    merged: list[Message] = []
    for turn in turns:
        last = merged[-1] if merged else None
        if last and last["role"] == turn["role"] != "tool" and not last.get("tool_calls"):
            merged[-1] = _joined(last, turn)
        else:
            merged.append(turn)
    return merged


def _joined(first: Message, second: Message) -> Message:
    joined = {**first, **second}
    for key in ("content", "reasoning_content"):
        if first.get(key) and second.get(key):
            joined[key] = f"{first[key]}\n\n{second[key]}"
        elif key in joined:
            joined[key] = first.get(key) or second.get(key) or ""
    return joined


def _name_results(turns: list[Message]) -> None:
    """Tool results get what templates look for: the id of their call, and the function's name."""
    names: dict[str, str] = {}
    unanswered: list[dict[str, Any]] = []
    for turn in turns:
        if "tool_calls" in turn:
            unanswered = list(turn["tool_calls"])
            names |= {call["id"]: call["function"]["name"] for call in unanswered}
        elif turn["role"] == "tool":
            matching = [call for call in unanswered if call["id"] == turn.get("tool_call_id")]
            for call in (matching or ([] if "tool_call_id" in turn else unanswered))[:1]:
                unanswered.remove(call)
                turn.setdefault("tool_call_id", call["id"])
            turn.setdefault("tool_call_id", "call_0")
            turn.setdefault("name", names.get(turn["tool_call_id"], "tool"))
