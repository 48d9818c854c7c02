"""Anthropic's `system` and `messages` → chat messages: texts, thinking, tool uses and their results.

Blocks that only Anthropic's own tools make are left out. Wrong shapes are refused with their place:
`messages[3].content[0]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localllm.api.fields import Fields
from localllm.api.turns import Turns, read_part, read_text
from localllm.errors import InvalidRequest

TEXT = {"text": "text"}
ROLES = ("user", "assistant", "system")
BILLING = "x-anthropic-billing-header:"
FOREIGN = ("server_tool_use", "redacted_thinking", "container_upload", "compaction")  # and …_tool_result


def read_history(body: Fields) -> Turns:
    """The system text and all messages, in the order they came."""
    turns = Turns()
    if system := _read_system(body.raw("system")):
        turns.say("system", system)
    given = body.items("messages")
    if not given:
        raise InvalidRequest("`messages` is missing or empty; send at least one message.", param="messages")
    for index, message in enumerate(given):
        _add_message(turns, message, f"messages[{index}]")
    return turns


def _read_system(value: Any) -> str:
    """Claude Code's billing header is left out: it differs in every request, so no prompt would be in the cache."""
    blocks = value if isinstance(value, list) else [value]
    texts = [read_part(block, f"system[{i}]", TEXT) for i, block in enumerate(blocks) if block]
    kept = (_without_billing(text) for text in texts)
    return "\n".join(text for text in kept if text)


def _without_billing(text: str) -> str:
    first, _, rest = text.partition("\n")
    return rest.lstrip("\n") if first.startswith(BILLING) else text


def _add_message(turns: Turns, message: Any, where: str) -> None:
    if not isinstance(message, dict):
        raise InvalidRequest(
            f"`{where}` must be an object with role and content.", param=where, code="invalid_type"
        )
    role = Fields(message, f"{where}.").choice("role", ROLES)
    if role is None:
        raise InvalidRequest(f"`{where}.role` is missing.", param=f"{where}.role")
    content = message.get("content")
    if not isinstance(content, list):
        turns.say(role, read_text(content, f"{where}.content", TEXT))
        return
    for index, block in enumerate(content):
        _add_block(turns, role, block, f"{where}.content[{index}]")


def _add_block(turns: Turns, role: str, block: Any, where: str) -> None:
    fields = Fields(block, f"{where}.") if isinstance(block, dict) else Fields({})
    kind = fields.text("type") or ""
    if kind == "thinking":
        if thinking := fields.text("thinking"):
            turns.think(thinking)
    elif kind == "tool_use":
        tool_input = fields.object("input")
        turns.call(
            fields.text("id") or "",
            _required(fields, "name"),
            dict(tool_input.values) if tool_input is not None else {},
        )
    elif kind == "tool_result":
        turns.answer(_required(fields, "tool_use_id"), _result_text(fields, where))
    elif kind == "document" or kind == "search_result":
        turns.say(role, _document_text(fields, where))
    elif kind not in FOREIGN and not kind.endswith("_tool_result"):
        turns.say(role, read_part(block, where, TEXT))


def _required(fields: Fields, name: str) -> str:
    value = fields.text(name)
    if not value:
        raise InvalidRequest(f"`{fields.prefix}{name}` is missing.", param=fields.prefix + name)
    return value


def _result_text(fields: Fields, where: str) -> str:
    content = fields.raw("content")
    if isinstance(content, list):
        content = [_plain(block) for block in content]
    return read_text(content, f"{where}.content", TEXT, is_result=True)


def _plain(block: Any) -> Any:
    """A document or search result in a tool's result, where it has text, as that text."""
    if not isinstance(block, dict) or block.get("type") not in ("document", "search_result"):
        return block
    return _text_of(block) or block


def _document_text(fields: Fields, where: str) -> str:
    text = _text_of(fields.values)
    if text is None:
        raise InvalidRequest(
            f"`{where}` is a document without text; localllm reads text only. Send it as text.", param=where
        )
    return text


def _text_of(block: Mapping[str, Any]) -> str | None:
    """Title and text of a document or search result; None where it is a file."""
    source = block.get("source")
    content: Any = block.get("content")
    if isinstance(source, dict):
        content = source.get("data") if source.get("type") == "text" else source.get("content")
    if isinstance(content, list):
        texts = [part.get("text") for part in content if isinstance(part, dict)]
        content = "\n".join(text for text in texts if isinstance(text, str))
    title = block.get("title")
    if not isinstance(content, str) or not content:
        return None
    return f"{title}\n{content}" if isinstance(title, str) and title else content
