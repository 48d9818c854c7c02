"""The lint itself: it finds what breaks clients, and nothing in what does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localllm.check import stream_rules as rules
from localllm.check.stream_lint import lint_stream

BASE = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m"}


def chunk(delta: Any = None, finish: Any = None, **changes: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}
    return {**BASE, "choices": [choice], **changes}


ROLE = chunk({"role": "assistant", "content": ""})
TEXT = chunk({"content": "Hi"})
END = chunk(finish="stop")
USAGE = {**BASE, "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}


FAILURE = {"error": {"message": "x", "type": "y", "param": None, "code": None}}


def raw(*items: Any, done: bool = True) -> bytes:
    frames = [item if isinstance(item, str) else f"data: {json.dumps(item)}\n\n" for item in items]
    return ("".join(frames) + ("data: [DONE]\n\n" if done else "")).encode()


def found(data: bytes, **options: Any) -> set[str]:
    return {finding.rule.id for finding in lint_stream(data, **options)}


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (raw(ROLE, TEXT, END), {}),
        (raw(": ping\n\n", ROLE, ": prefill 1/2\n\n: x\n\n", TEXT, END), {}),
        (raw(ROLE, TEXT, END, USAGE), {"include_usage": True}),
        (raw({**ROLE, "usage": None}, {**END, "usage": None}, USAGE), {"include_usage": True}),
        (raw(ROLE, END).replace(b"\n", b"\r\n"), {}),
        (raw(ROLE, TEXT, FAILURE, done=False), {"may_fail": True}),
    ],
)
def test_a_clean_stream_has_no_findings(data, options):
    """Comments, CRLF and usage null are all right, and an error frame where an error was provoked."""
    assert not found(data, **options)


def call(
    index: Any = 0, call_id: Any = "call_1", name: Any = "f", arguments: Any = "{}", **more: Any
) -> dict[str, Any]:
    function = {"name": name, "arguments": arguments}
    fragment = {"index": index, "id": call_id, "type": "function", "function": function, **more}
    return chunk({"tool_calls": [{key: value for key, value in fragment.items() if value is not None}]})


CALL_END = chunk(finish="tool_calls")


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (raw(ROLE, TEXT, END, done=False), rules.DONE),
        (raw(ROLE, TEXT, END).rstrip(b"\n"), rules.LAST_FRAME),
        (raw("retry: 1000\n\n", ROLE, END), rules.FRAMING),
        (raw("id: 1\n\n", ROLE, END), rules.FRAMING),
        (raw("event: ping\n\n", ROLE, END), rules.FRAMING),
        (raw("data: \n\n", ROLE, END), rules.FRAMING),
        (raw("data: {oops\n\n", ROLE, END), rules.JSON_DATA),
        (raw(TEXT, END), rules.ROLE),
        (raw(ROLE, chunk({"role": "assistant", "content": "x"}), END), rules.ROLE),
        (raw(chunk({"role": "", "content": ""}), END), rules.ROLE),
        (raw(ROLE, TEXT), rules.FINISH),
        (raw(ROLE, END, END), rules.FINISH),
        (raw(ROLE, chunk(finish="eos")), rules.FINISH),
        (raw(ROLE, END, TEXT), rules.FINISH_EMPTY),
        (raw(ROLE, chunk({"content": "x"}, "stop")), rules.FINISH_EMPTY),
        (raw(ROLE, END, USAGE), rules.USAGE),
        (raw(ROLE, {**TEXT, "usage": USAGE["usage"]}, END), rules.USAGE),
        (raw(ROLE, {**TEXT, "error": None}, END), rules.FORBIDDEN),
        (raw(ROLE, {**TEXT, "timings": None}, END), rules.FORBIDDEN),
        (raw(ROLE, {**TEXT, "type": None}, END), rules.FORBIDDEN),
        (raw(ROLE, {**TEXT, "id": "c2"}, END), rules.SAME_ID),
        (raw(ROLE, {**TEXT, "created": 1.5}, END), rules.ENVELOPE),
        (raw(ROLE, {**TEXT, "object": "chunk"}, END), rules.ENVELOPE),
        (raw(ROLE, chunk({"content": ["x"]}), END), rules.CONTENT_TYPES),
        (raw(ROLE, {**BASE, "choices": [{"index": 0, "delta": None, "finish_reason": None}]}, END), rules.CHOICE),
        (raw(ROLE, {**BASE, "choices": [{"delta": {}, "finish_reason": None}]}, END), rules.CHOICE),
        (raw(ROLE, {"error": "oops"}, done=False), rules.ERROR_FRAME),
        (raw(ROLE, {**TEXT, "error": {"message": "oops"}}, done=False), rules.ERROR_FRAME),
        (raw(ROLE, {"error": {"message": "oops"}}, TEXT, done=False), rules.ERROR_FRAME),
        (raw(ROLE, call(index=None), CALL_END), rules.TOOL_DELTA),
        (raw(ROLE, call(arguments={}), CALL_END), rules.TOOL_DELTA),
        (raw(ROLE, call(), call(arguments=""), CALL_END), rules.TOOL_DELTA),
        (raw(ROLE, call(arguments="{"), CALL_END), rules.TOOL_DELTA),
        (raw(ROLE, call(call_id=None), CALL_END), rules.TOOL_DELTA),
        (raw(ROLE, call(), END), rules.FINISH),
        (raw(ROLE, TEXT, FAILURE, done=False), rules.STREAM_ERROR),
        (raw(FAILURE, done=False), rules.STREAM_ERROR),
        (raw(ROLE, {**TEXT, "usage": []}, END), rules.USAGE),
        (raw(ROLE, {**TEXT, "usage": 5}, END), rules.USAGE),
        (raw(ROLE, chunk(finish=["stop"])), rules.FINISH),
        (raw(ROLE, {**BASE, "choices": ["a"]}, END), rules.CHOICE),
        (raw(ROLE, chunk({"tool_calls": 5}), END), rules.TOOL_DELTA),
        (raw(ROLE, chunk({"tool_calls": [{"index": 0, "function": "f"}]}), CALL_END), rules.TOOL_DELTA),
        (raw("data: " + "[" * 100_000 + "\n\n", ROLE, END), rules.JSON_DATA),
    ],
)  # fmt: skip
def test_what_breaks_a_client_is_found(data, rule):
    """Each line is a defect that was measured to break a real client (contract, section 2.1)."""
    assert rule.id in found(data)


def test_usage_that_was_asked_for_must_come():
    """Once, with the numbers adding up."""
    assert found(raw(ROLE, TEXT, END), include_usage=True) == {rules.USAGE.id}
    wrong = {**USAGE, "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 3}}
    assert found(raw(ROLE, TEXT, END, wrong), include_usage=True) == {rules.USAGE.id}


def test_every_rule_says_whom_it_protects():
    """A finding without a victim is an opinion."""
    assert len({rule.id for rule in rules.ALL}) == len(rules.ALL)
    assert all(rule.breaks and rule.fix and rule.text for rule in rules.ALL)
