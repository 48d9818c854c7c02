"""The wire lint: raw bytes of a chat or completions stream → what breaks the rules. Knows no network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from localllm.check import stream_rules as rules
from localllm.check.finding import Finding, Rule
from localllm.check.reading import as_dict, as_list, decoded, shown

FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
OBJECTS = {"chat": "chat.completion.chunk", "text": "text_completion"}


def lint_stream(
    raw: bytes, *, include_usage: bool = False, kind: str = "chat", may_fail: bool = False
) -> list[Finding]:
    """Everything wrong with a stream; an empty list for a clean one. kind: chat or text (the older completions).

    may_fail: an error at its end is none of the findings, because it was provoked. Never raises.
    """
    lint = _Lint(include_usage, kind, may_fail=may_fail)
    lint.read(raw)
    return lint.findings


def data_objects(raw: bytes) -> list[dict[str, Any]]:
    """The JSON objects of a stream's data frames."""
    lint = _Lint(False, "chat")
    return [value for value in lint.objects(raw.decode("utf-8", "replace")) if isinstance(value, dict)]


class _Lint:
    """One pass over one stream."""

    def __init__(self, include_usage: bool, kind: str, *, may_fail: bool = False) -> None:
        self.findings: list[Finding] = []
        self._include_usage = include_usage
        self._kind = kind
        self._may_fail = may_fail
        self._envelope: tuple[Any, ...] | None = None
        self._choices: dict[int, _Choice] = {}
        self._num_usages = 0
        self._num_done = 0
        self._has_error = False

    def add(self, rule: Rule, came_back: Any) -> None:
        self.findings.append(Finding(rule, shown(came_back)))

    def read(self, raw: bytes) -> None:
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as e:
            self.add(rules.FRAMING, f"not UTF-8: {e}")
            text = raw.decode("utf-8", "replace")
        for value in self.objects(text):
            self._chunk(value)
        self._at_end()

    def objects(self, text: str) -> Iterator[Any]:
        """The decoded data frames, `[DONE]` left out."""
        text = text.replace("\r\n", "\n")
        if not text.endswith("\n\n"):
            self.add(rules.LAST_FRAME, text[-80:])
        for frame in text.split("\n\n"):
            for data in self._data_lines(frame):
                if self._num_done:
                    self.add(rules.DONE, f"after [DONE]: {data}")
                if data == "[DONE]":
                    self._num_done += 1
                    continue
                try:
                    value = decoded(data)
                except ValueError:
                    self.add(rules.JSON_DATA, data)
                    continue
                yield value

    def _data_lines(self, frame: str) -> list[str]:
        lines = frame.strip("\n").split("\n") if frame.strip("\n") else []
        data = [line[5:].strip() for line in lines if line.startswith("data:")]
        is_comment = bool(lines) and all(line.startswith(":") for line in lines)
        is_data = len(lines) == 1 and len(data) == 1 and bool(data[0])
        if lines and not is_comment and not is_data:
            self.add(rules.FRAMING, frame)
        return [line for line in data if line]

    # ── one chunk ───────────────────────────────────────────────────────────────────────────────────────────

    def _chunk(self, chunk: Any) -> None:
        if self._has_error:
            self.add(rules.ERROR_FRAME, chunk)
        if not isinstance(chunk, dict):
            self.add(rules.JSON_DATA, chunk)
        elif chunk.get("error"):
            self._error(chunk)
        else:
            self._check_envelope(chunk)
            self._check_usage(chunk)
            for choice in as_list(chunk.get("choices")):
                self._check_choice(chunk, choice)

    def _error(self, chunk: dict[str, Any]) -> None:
        self._has_error = True
        if not self._may_fail:
            self.add(rules.STREAM_ERROR, chunk)
        error = chunk["error"]
        is_right = (
            isinstance(error, dict) and isinstance(error.get("message"), str) and "choices" not in chunk
        )
        if not is_right:
            self.add(rules.ERROR_FRAME, chunk)

    def _check_envelope(self, chunk: dict[str, Any]) -> None:
        if {"error", "type", "event"} & chunk.keys() or chunk.get("timings", {}) is None:
            self.add(rules.FORBIDDEN, chunk)
        envelope = tuple(chunk.get(key) for key in ("id", "created", "model"))
        is_right = (
            isinstance(chunk.get("id"), str)
            and chunk.get("object") == OBJECTS[self._kind]
            and type(chunk.get("created")) is int
            and isinstance(chunk.get("model"), str)
            and isinstance(chunk.get("choices"), list)
        )
        if not is_right:
            self.add(rules.ENVELOPE, chunk)
        elif self._envelope not in (None, envelope):
            self.add(rules.SAME_ID, chunk)
        self._envelope = self._envelope or envelope

    def _check_usage(self, chunk: dict[str, Any]) -> None:
        if chunk.get("usage") is None:
            return
        usage = as_dict(chunk["usage"])
        self._num_usages += 1
        counts: list[Any] = [usage.get(f"{name}_tokens") for name in ("prompt", "completion", "total")]
        is_right = (
            self._include_usage
            and self._num_usages == 1
            and chunk.get("choices") == []
            and all(type(count) is int for count in counts)
            and counts[0] + counts[1] == counts[2]
        )
        if not is_right:
            self.add(rules.USAGE, chunk)

    def _check_choice(self, chunk: dict[str, Any], choice: Any) -> None:
        body = "delta" if self._kind == "chat" else "text"
        body_type: type = dict if self._kind == "chat" else str
        is_right = isinstance(choice, dict) and type(choice.get("index")) is int and "finish_reason" in choice
        if not is_right or not isinstance(choice.get(body), body_type):
            self.add(rules.CHOICE, chunk)
            return
        if self._num_usages:
            self.add(rules.USAGE, f"a choice after usage: {choice}")
        state = self._choices.setdefault(choice["index"], _Choice())
        if self._kind == "chat":
            self._check_delta(state, choice["delta"], chunk)
        said = choice[body].values() if self._kind == "chat" else [choice[body]]
        self._check_finish(state, choice, chunk, is_empty=not any(said))
        state.num_chunks += 1

    def _check_delta(self, state: _Choice, delta: dict[str, Any], chunk: dict[str, Any]) -> None:
        is_first = state.num_chunks == 0
        role = delta.get("role")
        if (role is not None) != is_first or (is_first and role != "assistant"):
            self.add(rules.ROLE, chunk)
        for key in ("content", "reasoning_content", "reasoning", "refusal"):
            if not isinstance(delta.get(key), str | None):
                self.add(rules.CONTENT_TYPES, chunk)
        calls = delta.get("tool_calls")
        if not isinstance(calls, list | None) or not all(state.take_call(call) for call in as_list(calls)):
            self.add(rules.TOOL_DELTA, chunk)

    def _check_finish(
        self, state: _Choice, choice: dict[str, Any], chunk: dict[str, Any], *, is_empty: bool
    ) -> None:
        reason = choice["finish_reason"]
        if state.is_finished:
            self.add(rules.FINISH if reason is not None else rules.FINISH_EMPTY, chunk)
        if reason is None:
            return
        state.is_finished, state.was_cut = True, reason == "length"
        is_right = (
            isinstance(reason, str)
            and reason in FINISH_REASONS
            and (state.was_cut or (reason == "tool_calls") == bool(state.calls))
        )
        if not is_right:
            self.add(rules.FINISH, chunk)
        if not is_empty:
            self.add(rules.FINISH_EMPTY, chunk)

    # ── the end ─────────────────────────────────────────────────────────────────────────────────────────────

    def _at_end(self) -> None:
        if self._has_error:
            return
        if self._num_done != 1:
            self.add(rules.DONE, f"[DONE] came {self._num_done} times")
        if not self._choices or not all(choice.is_finished for choice in self._choices.values()):
            self.add(rules.FINISH, "a choice has no finish_reason")
        if self._num_usages != int(self._include_usage):
            self.add(rules.USAGE, f"usage came {self._num_usages} times")
        for choice in self._choices.values():
            for call in choice.calls.values():
                if choice.is_finished and not choice.was_cut and not _is_json(call):
                    self.add(rules.TOOL_DELTA, f"arguments are no JSON: {call}")


class _Choice:
    """What one choice has sent so far."""

    def __init__(self) -> None:
        self.num_chunks = 0
        self.is_finished = False
        self.was_cut = False  # by max_tokens: arguments may end anywhere
        self.calls: dict[int, str] = {}  # arguments by the call's index

    def take_call(self, call: Any) -> bool:
        """False where the fragment breaks the rule."""
        if not isinstance(call, dict) or type(call.get("index")) is not int:
            return False
        index, function = call["index"], call.get("function", {})
        is_first = index not in self.calls
        if not isinstance(function, dict):
            self.calls.setdefault(index, "")
            return False
        arguments = function.get("arguments", "")
        heads = [call.get("id"), call.get("type"), function.get("name")]
        self.calls[index] = self.calls.get(index, "") + (arguments if isinstance(arguments, str) else "")
        if not isinstance(arguments, str):
            return False
        if is_first:
            return all(isinstance(head, str) and head for head in heads) and call["type"] == "function"
        return heads == [None, None, None]


def _is_json(text: str) -> bool:
    try:
        decoded(text)
    except ValueError:
        return False
    return True
