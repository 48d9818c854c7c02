"""The chunks of another server's chat answer → parts and ends, exact whatever is odd about them.

Repaired: no role, a role in every chunk, reasoning under three names, calls without index or id or with both in every
fragment, arguments as an object, `message` instead of `delta`, finish_reason missing, twice or before the last text,
usage anywhere, finish_reason tool_calls without a call. What is not repaired is an answer that was cut off, or a call
without a name: that is an error. Arguments that are no JSON object go out as they came, as an answer cut short.
Knows no HTTP.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

from localllm import errors
from localllm.api.chat_core import End, FinishReason, Part
from localllm.api.forwarding.figures import Figures
from localllm.api.forwarding.logprobs import read_chat_logprobs
from localllm.chat.deltas import Content, Reasoning, ToolCallArguments, ToolCallStart
from localllm.chat.deltas import Delta as ChatDelta

REASONING_KEYS = ("reasoning_content", "reasoning", "thinking")
FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop", "eos": "stop", "eos_token": "stop", "end_turn": "stop", "stop_sequence": "stop",
    "length": "length", "max_tokens": "length", "model_length": "length",
    "tool_calls": "tool_calls", "tool_use": "tool_calls", "function_call": "tool_calls",
    "content_filter": "content_filter",
}  # fmt: skip
FAILURES = frozenset({"error", "abort", "aborted", "cancelled"})
CUT = ("length", "content_filter")
MAX_CALLS = 1024


def has_text(payload: Any) -> bool:
    """Whether the payload carries the answer on: before that, another server may still take over."""
    for choice in _choices(payload):
        said = _said(choice)
        if choice.get("finish_reason") or choice.get("text"):
            return True
        if any(said.get(key) for key in ("content", "tool_calls", "function_call", *REASONING_KEYS)):
            return True
    return False


def has_end(payload: Any) -> bool:
    """Whether a choice ends here: what counts for whole answers, which another server may begin anew until then."""
    return any(choice.get("finish_reason") for choice in _choices(payload))


def _choices(payload: Any) -> list[dict[str, Any]]:
    choices = payload.get("choices") if isinstance(payload, dict) else None
    return [c for c in choices if isinstance(c, dict)] if isinstance(choices, list) else []


def _said(choice: dict[str, Any]) -> dict[str, Any]:
    """The delta of a chunk, or the message where a whole answer came instead."""
    said = choice.get("delta") or choice.get("message")
    return said if isinstance(said, dict) else {}


class ChatReader:
    """One answer. Payloads go in, parts come out; ends come at the end, because some servers say them too early."""

    def __init__(self, num_choices: int, who: str) -> None:
        """who: the server, for errors."""
        self.figures = Figures()
        self._who = who
        self._choices = [_Choice(index) for index in range(num_choices)]

    @property
    def has_all_ends(self) -> bool:
        """Every choice has said how it ends."""
        return all(choice.finish_reason for choice in self._choices)

    def take(self, payload: Any) -> Iterator[Part]:
        """Raises UpstreamFailed where the server says that the answer has failed."""
        self.figures.take(payload)
        for given in _choices(payload):
            index = given.get("index")
            if not isinstance(index, int) or not 0 <= index < len(self._choices):
                if index is not None:
                    continue
                index = 0
            choice = self._choices[index]
            for part in choice.take(given):
                self.figures.num_pieces += 1
                yield part
            reason = given.get("finish_reason")
            if not isinstance(reason, str) or not reason:
                continue
            if reason in FAILURES:
                raise errors.UpstreamFailed(f'The server {self._who} ended the answer with "{reason}".')
            choice.finish_reason = choice.finish_reason or FINISH_REASONS.get(reason, "stop")

    def ends(self, *, is_complete: bool) -> Iterator[Part | End]:
        """How each choice ended. is_complete: the server has marked the end of its answer.

        Raises UpstreamFailed for an answer that was cut off, or has a call that cannot be told.
        """
        for choice in self._choices:
            if choice.finish_reason is None:
                self.figures.check_end(self._who, is_complete=is_complete)
            if choice.has_nameless_calls and choice.finish_reason not in CUT:
                raise errors.UpstreamFailed(f"The server {self._who} sent a tool call without a name.")
            yield from choice.end()


class _Choice:
    def __init__(self, index: int) -> None:
        self.finish_reason: FinishReason | None = None
        self._index = index
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}

    def take(self, given: dict[str, Any]) -> Iterator[Part]:
        said = _said(given)
        logprobs = read_chat_logprobs(given.get("logprobs"))
        for delta in self._deltas(said, given):
            is_content = isinstance(delta, Content)
            yield Part(self._index, delta, logprobs if is_content else None)
            logprobs = None if is_content else logprobs

    @property
    def has_nameless_calls(self) -> bool:
        return any(call.is_nameless for call in self._calls)

    def end(self) -> Iterator[Part | End]:
        reason = self.finish_reason or "stop"
        calls = [call for call in self._calls if call.is_open]
        if reason not in CUT:
            for call in calls:
                yield from (Part(self._index, delta) for delta in call.end())
            reason = self._reason_of(calls)
        yield End(self._index, reason)

    @staticmethod
    def _reason_of(calls: list[_Call]) -> FinishReason:
        """Half a call under `tool_calls` would be carried out by some clients, without its arguments."""
        if not calls:
            return "stop"
        return "tool_calls" if all(call.is_whole for call in calls) else "length"

    def _deltas(self, said: dict[str, Any], given: dict[str, Any]) -> Iterator[ChatDelta]:
        reasoning = next((said[k] for k in REASONING_KEYS if isinstance(said.get(k), str) and said[k]), "")
        if reasoning:
            yield Reasoning(reasoning)
        if text := _text(said.get("content")) or _text(said.get("refusal")) or _text(given.get("text")):
            yield Content(text)
        calls = said.get("tool_calls")
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                yield from self._take_call(call)
        if isinstance(said.get("function_call"), dict):  # the older way to write one call
            yield from self._take_call({"index": 0, "function": said["function_call"]})

    def _take_call(self, given: dict[str, Any]) -> Iterator[ChatDelta]:
        function = given.get("function")
        function = function if isinstance(function, dict) else {}
        call = self._call_of(given, function)
        if call is not None:
            yield from call.take(given.get("id"), function.get("name"), function.get("arguments"))

    def _call_of(self, given: dict[str, Any], function: dict[str, Any]) -> _Call | None:
        """The call that a fragment belongs to: by its index, or by its id, or the last one."""
        index = given.get("index")
        known = self._by_index.get(index) if isinstance(index, int) else self._without_index(given, function)
        if known is not None and not known.is_another(given.get("id"), function.get("name")):
            return known
        if len(self._calls) >= MAX_CALLS:
            return None
        call = _Call(len(self._calls))
        self._calls.append(call)
        if isinstance(index, int):
            self._by_index[index] = call
        return call

    def _without_index(self, given: dict[str, Any], function: dict[str, Any]) -> _Call | None:
        by_id = [call for call in self._calls if given.get("id") and call.given_id == given["id"]]
        if by_id:
            return by_id[0]
        return self._calls[-1] if self._calls and not function.get("name") else None


class _Call:
    """One tool call, put together."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._arguments = ""
        self.is_open = False  # its name is there
        self.given_id = ""

    @property
    def is_nameless(self) -> bool:
        """There is something of it, but nothing that says whom it calls."""
        return not self.is_open and bool(self.given_id or self._arguments.strip())

    @property
    def is_whole(self) -> bool:
        """Its arguments are an object, which is what clients read them as."""
        return self._arguments.lstrip().startswith("{") and _is_json(self._arguments)

    def is_another(self, call_id: Any, name: Any) -> bool:
        """A new id and name after complete arguments under the same index: some servers number every call 0."""
        is_new = isinstance(call_id, str) and call_id and self.given_id and call_id != self.given_id
        return bool(is_new and name and _is_json(self._arguments))

    def take(self, call_id: Any, name: Any, arguments: Any) -> Iterator[ChatDelta]:
        if isinstance(call_id, str) and call_id and not self.given_id:
            self.given_id = call_id
        if arguments is not None and not isinstance(arguments, str):
            arguments = json.dumps(arguments, ensure_ascii=False)
        text = arguments or ""
        if not self.is_open:
            if not isinstance(name, str) or not name:
                self._arguments += text  # until the name comes
                return
            self.is_open = True
            yield ToolCallStart(self._index, self.given_id or f"call_{secrets.token_hex(12)}", name)
            text, self._arguments = self._arguments + text, ""
        self._arguments += text
        if text:
            yield ToolCallArguments(self._index, text)

    def end(self) -> Iterator[ChatDelta]:
        """No arguments at all are an empty object: the text must be JSON."""
        if not self._arguments.strip():
            self._arguments += "{}"
            yield ToolCallArguments(self._index, "{}")


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _text(content: Any) -> str:
    """Text, or the texts of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(str(p.get("text") or "") if isinstance(p, dict) else "" for p in content)
    return ""
