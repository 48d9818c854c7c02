"""A history in OpenAI's chat shape, built item by item: what /v1/responses and /v1/messages translate theirs into.

Knows neither of the two, and no template.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localllm.errors import InvalidRequest

Message = dict[str, Any]


class Turns:
    """Messages in the order they are added. What the assistant thought, said and called in one go is one message."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def say(self, role: str, text: str) -> None:
        if role != "assistant":
            self.messages.append({"role": role, "content": text})
            return
        turn = self._assistant(is_open=lambda last: "tool_calls" not in last)
        turn["content"] = f"{turn['content']}\n\n{text}" if turn["content"] else text

    def think(self, text: str) -> None:
        turn = self._assistant(is_open=lambda last: not last["content"] and "tool_calls" not in last)
        before = turn.get("reasoning_content")
        turn["reasoning_content"] = f"{before}\n\n{text}" if before else text

    def call(self, call_id: str, name: str, arguments: Any) -> None:
        """arguments: JSON text or the object itself."""
        turn = self._assistant(is_open=lambda last: True)
        function = {"name": name, "arguments": arguments}
        turn.setdefault("tool_calls", []).append({"id": call_id, "type": "function", "function": function})

    def answer(self, call_id: str, text: str) -> None:
        """What the function gave back."""
        self.messages.append({"role": "tool", "tool_call_id": call_id, "content": text})

    @property
    def is_continued(self) -> bool:
        """The history ends with the beginning of the answer: an assistant's text."""
        last = self.messages[-1] if self.messages else {}
        return last.get("role") == "assistant" and bool(last["content"]) and "tool_calls" not in last

    def _assistant(self, is_open: Callable[[Message], bool]) -> Message:
        """The assistant's message that the next piece belongs to."""
        last = self.messages[-1] if self.messages else None
        if last is None or last["role"] != "assistant" or not is_open(last):
            self.messages.append({"role": "assistant", "content": ""})
        return self.messages[-1]


def read_text(content: Any, where: str, kinds: Mapping[str, str], *, is_result: bool = False) -> str:
    """The text of a content that is text, a list of parts, or null. kinds: part type → the key of its text.

    Parts of other types are refused by name. Not so in a function's result (is_result): no person chose what is in
    it, and one image would end the conversation; there a note takes their place.
    """
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise InvalidRequest(f"`{where}` must be text or a list of parts.", param=where, code="invalid_type")
    texts = [
        read_part(part, f"{where}[{index}]", kinds, is_result=is_result) for index, part in enumerate(content)
    ]
    return "\n".join(texts)


def read_part(part: Any, where: str, kinds: Mapping[str, str], *, is_result: bool = False) -> str:
    """The text of one part; see read_text."""
    if isinstance(part, str):
        return part
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str):
        raise InvalidRequest(f"`{where}` must be an object with a type.", param=where, code="invalid_type")
    if kind not in kinds:
        if is_result:
            return f"[{kind} left out: localllm reads text only]"
        raise InvalidRequest(
            f'`{where}` is of the type "{kind}"; localllm reads text only. Send it without this part.',
            param=where,
        )
    text = part.get(kinds[kind])
    if not isinstance(text, str | None):
        raise InvalidRequest(f"`{where}.{kinds[kind]}` must be text.", param=f"{where}.{kinds[kind]}")
    return text or ""
