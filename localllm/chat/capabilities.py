"""What a chat template can do, found by rendering small samples and looking for their words in the text.

Asking the template is more honest than reading its source: a name in the source may sit in a branch that never runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec

from localllm.chat.limits import TemplateLimit

Message = dict[str, Any]
Render = Callable[[list[Message], list[dict[str, Any]] | None, bool, dict[str, Any]], str]
ArgumentsStyle = Literal["dict", "text"]

_USER = "qqUserqq"
_SYSTEM = "qqSystemqq"
_LATE = "qqLateqq"
_TOOL = "qqtoolqq"
_KEY, _VALUE = "qqkeyqq", "qqvalueqq"
_RESULT = "qqResultqq"
_SECOND = "qqsecondqq"
_SAMPLE_TOOL = {
    "type": "function",
    "function": {
        "name": _TOOL,
        "description": "A sample.",
        "parameters": {
            "type": "object",
            "properties": {_KEY: {"type": "string", "description": "A sample."}},
            "required": [_KEY],
        },
    },
}


class Capabilities(msgspec.Struct, frozen=True):
    """What the template renders by itself; what is False here is done for it in adapt.py.

    late_system: system messages may stand between other turns, and are shown there.
    arguments: whether a call's arguments are given as an object or as JSON text.
    empty_content: what stands for no content in an assistant message that holds only calls.
    parts: message content must be a list of parts. short_ids: call ids must be nine letters and digits.
    empty_tools: no tools are given as an empty list, where the template cannot take None.
    thinking_key: where the template reads earlier reasoning, if not from `reasoning_content`.
    parallel: an assistant message may hold several calls.
    thinking_beside_content: a message with calls may hold both reasoning and content.
    """

    system: bool = True
    late_system: bool = True
    tools: bool = True
    calls: bool = True
    results: bool = True
    arguments: ArgumentsStyle = "dict"
    empty_content: str | None = ""
    parts: bool = False
    short_ids: bool = False
    empty_tools: bool = False
    thinking_key: str = "reasoning_content"
    parallel: bool = True
    thinking_beside_content: bool = True


def probe(render: Render, source: str) -> Capabilities:
    """Renders about ten samples; costs a few milliseconds, once per template. Raises TemplateLimit."""
    parts = not _shows(render, [_user()], None, _USER) and _shows(render, [_user(parts=True)], None, _USER)
    system = [{"role": "system", "content": _part(_SYSTEM, parts)}, _user(parts)]
    empty_tools = not _shows(render, [_user(parts)], None, _USER) and _shows(
        render, [_user(parts)], [], _USER
    )
    no_tools: list[dict[str, Any]] | None = [] if empty_tools else None
    style, empty, calls = _probe_calls(render, parts)
    call = _call(style, empty)
    with_result = [_user(parts), call, _result(parts)]
    results = [_result(parts), {**_result(parts), "tool_call_id": "abcdefgh2", "name": _SECOND}]
    twice = [_user(parts), {**call, "tool_calls": [*call["tool_calls"], _second_call(call)]}, *results]
    thought = {**call, "content": _RESULT, (key := _thinking_key(source)): _SYSTEM}
    return Capabilities(
        system=_shows(render, system, no_tools, _SYSTEM, _USER),
        late_system=_keeps_late_system(render, system, no_tools, parts),
        tools=_shows(render, [_user(parts)], [_SAMPLE_TOOL], _TOOL, _USER),
        calls=calls,
        results=_shows(render, with_result, [_SAMPLE_TOOL], _RESULT),
        arguments=style,
        empty_content=empty,
        parts=parts,
        empty_tools=empty_tools,
        short_ids="length 9" in source,
        thinking_key=key,
        parallel=not calls
        or _try(render, twice, [_SAMPLE_TOOL]).count(_SECOND) >= _num_names(render, with_result),
        thinking_beside_content=_shows(render, [_user(parts), thought], [_SAMPLE_TOOL], _RESULT)
        or not _shows(render, [_user(parts), {**call, "content": _RESULT}], [_SAMPLE_TOOL], _RESULT),
    )


def _keeps_late_system(
    render: Render, system: list[Message], no_tools: list[dict[str, Any]] | None, parts: bool
) -> bool:
    """Whether a system message between an answer and the next question is shown there."""
    answer, late = {"role": "assistant", "content": _part(_RESULT, parts)}, {**system[0]}
    late["content"] = _part(_LATE, parts)
    text = _try(render, [*system, answer, late, {"role": "user", "content": _part(_SECOND, parts)}], no_tools)
    places = [text.find(word) for word in (_SYSTEM, _USER, _RESULT, _LATE, _SECOND)]
    return -1 not in places and places == sorted(places) and text.count(_LATE) == 1


def _thinking_key(source: str) -> str:
    if "message.thinking" in source or "message['thinking']" in source:
        return "thinking"
    is_short = "message.reasoning" in source and "reasoning_content" not in source
    return "reasoning" if is_short else "reasoning_content"


def _probe_calls(render: Render, parts: bool) -> tuple[ArgumentsStyle, str | None, bool]:
    """Of the ways to hand over a call, the first whose name, key and value all appear, written as JSON or XML."""
    candidates: list[tuple[ArgumentsStyle, str | None]] = [
        ("dict", ""),
        ("text", ""),
        ("dict", None),
        ("text", None),
    ]
    for style, empty in candidates:
        text = _try(render, [_user(parts), _call(style, empty), _result(parts)], [_SAMPLE_TOOL])
        turn = text.split(_USER)[-1]
        is_mangled = f'\\"{_KEY}' in turn or f"{{'{_KEY}'" in turn
        if not is_mangled and all(word in turn for word in (_TOOL, _KEY, _VALUE)):
            return style, empty, True
    return "dict", "", False


def _shows(render: Render, messages: list[Message], tools: list[dict[str, Any]] | None, *words: str) -> bool:
    text = _try(render, messages, tools)
    return all(word in text for word in words)


def _try(render: Render, messages: list[Message], tools: list[dict[str, Any]] | None) -> str:
    try:
        return render(messages, tools, True, {})
    except TemplateLimit:
        raise
    except Exception:  # noqa: BLE001 -- whatever a template raises, it means: not like this
        return ""


def _part(text: str, parts: bool) -> Any:
    return [{"type": "text", "text": text}] if parts else text


def _user(parts: bool = False) -> Message:
    return {"role": "user", "content": _part(_USER, parts)}


def _result(parts: bool) -> Message:
    return {"role": "tool", "tool_call_id": "abcdefgh1", "name": _TOOL, "content": _part(_RESULT, parts)}


def _num_names(render: Render, messages: list[Message]) -> int:
    """How often a call and its result say the function's name."""
    return _try(render, messages, [_SAMPLE_TOOL]).split(_USER)[-1].count(_TOOL)


def _second_call(message: Message) -> dict[str, Any]:
    (call,) = message["tool_calls"]
    return {**call, "id": "abcdefgh2", "function": {**call["function"], "name": _SECOND}}


def _call(style: ArgumentsStyle, content: str | None) -> Message:
    arguments = {_KEY: _VALUE} if style == "dict" else f'{{"{_KEY}": "{_VALUE}"}}'
    call = {"id": "abcdefgh1", "type": "function", "function": {"name": _TOOL, "arguments": arguments}}
    return {"role": "assistant", "content": content, "tool_calls": [call]}
