"""The `input` of /v1/responses → chat messages: texts, calls, their outputs and reasoning, in their order.

What another server's tools left behind (custom and shell calls) is kept as calls; what has no meaning here
(web searches, compactions) is left out. Wrong shapes are refused with their place: `input[3].content[0]`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from localllm.api.fields import Fields
from localllm.api.openai.namespaces import joined
from localllm.api.turns import Turns, read_text
from localllm.errors import InvalidRequest

PARTS = {
    "input_text": "text", "output_text": "text", "text": "text", "refusal": "refusal",
    "reasoning_text": "text", "summary_text": "text",
}  # fmt: skip
ROLES = ("user", "assistant", "system", "developer")
Recall = Callable[[str], dict[str, Any] | None]


def read_input(body: Fields, recall: Recall) -> Turns:
    """The instructions and everything that was said. recall: an item of an earlier response by its id."""
    turns = Turns()
    if instructions := body.text("instructions"):
        turns.say("system", instructions)
    given = body.raw("input")
    if given is None or given == []:
        raise InvalidRequest("`input` is missing; it is a text or a list of items.", param="input")
    if isinstance(given, str):
        turns.say("user", given)
        return turns
    if not isinstance(given, list):
        raise body.wrong("input", "text or a list of items")
    for index, item in enumerate(given):
        _add(turns, item, f"input[{index}]", recall)
    if not turns.messages:
        raise InvalidRequest("`input` has no message in it.", param="input")
    return turns


def _add(turns: Turns, item: Any, where: str, recall: Recall) -> None:
    if isinstance(item, str):
        turns.say("user", item)
        return
    if not isinstance(item, dict):
        raise InvalidRequest(f"`{where}` must be an object.", param=where, code="invalid_type")
    fields = Fields(item, f"{where}.")
    kind = fields.text("type") or "message"
    if kind == "message":
        _add_message(turns, fields, where)
    elif kind == "reasoning":
        _add_reasoning(turns, fields, where)
    elif kind == "item_reference":
        _add_recalled(turns, fields, where, recall)
    elif kind.endswith("_output") and "call_id" in fields:
        output = fields.raw("output")
        text = (
            read_text(output, f"{where}.output", PARTS, is_result=True) if _is_text(output) else _json(output)
        )
        turns.answer(fields.text("call_id") or "", text)
    elif kind.endswith("_call") and "call_id" in fields:
        _add_call(turns, fields, kind)


def _add_message(turns: Turns, fields: Fields, where: str) -> None:
    role = fields.choice("role", ROLES) or "user"
    turns.say(role, read_text(fields.raw("content"), f"{where}.content", PARTS))


def _add_reasoning(turns: Turns, fields: Fields, where: str) -> None:
    """Its text, or else its summary. Encrypted reasoning is another server's and cannot be read."""
    text = read_text(fields.raw("content"), f"{where}.content", PARTS)
    text = text or read_text(fields.raw("summary"), f"{where}.summary", PARTS)
    if text:
        turns.think(text)


def _add_recalled(turns: Turns, fields: Fields, where: str, recall: Recall) -> None:
    item_id = fields.text("id") or ""
    item = recall(item_id)
    if item is not None:
        _add(turns, item, where, recall)
    elif not item_id.startswith(
        "rs_"
    ):  # an answer goes on without its old thinking, but not without its text
        raise InvalidRequest(
            f'`{where}` refers to the item "{item_id}", which is not known here (any more). Send the item itself; '
            "clients do so with `store: false`.",
            param=where,
            code="item_not_found",
        )


def _add_call(turns: Turns, fields: Fields, kind: str) -> None:
    """A function's arguments are JSON; custom tools have a text as `input`, shells an `action`."""
    if kind == "function_call":
        name = fields.text("name")
        if not name:
            raise InvalidRequest(f"`{fields.prefix}name` is missing.", param=f"{fields.prefix}name")
        arguments: Any = fields.text("arguments") or "{}"
    else:
        name = fields.text("name") or kind.removesuffix("_call")
        arguments = {key: fields.raw(key) for key in ("input", "action", "arguments") if key in fields}
    turns.call(fields.text("call_id") or "", joined(fields.text("namespace"), name), arguments)


def _is_text(output: Any) -> bool:
    """Text, or parts: not another server's list of something else."""
    is_parts = isinstance(output, list) and all(isinstance(p, dict) and "type" in p for p in output)
    return output is None or isinstance(output, str) or is_parts


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
