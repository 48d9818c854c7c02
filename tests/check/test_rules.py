"""Each rule of the check is broken once, by one answer of a good server that is changed on its way in."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from localllm.check import conduct_checks, rules
from localllm.check.finding import Rule
from localllm.check.run import CHECKS, run
from localllm.check.target import Reply, Target
from tests.check.conftest import KEY
from tests.check.test_check import test_a_fault_is_found_and_nothing_else as other_faults


class Spoiled(Target):
    """A target whose replies one function changes: (sent, reply) → reply. `sent`: method, path and body."""

    def __init__(self, url: str, spoil: Any) -> None:
        super().__init__(url, KEY, "guide")
        self._spoil: Callable[..., Reply] = spoil

    def request(self, method: str, path: str, body: Any = None, *args: Any, **options: Any) -> Reply:
        reply = super().request(method, path, body, *args, **options)
        fields = body if isinstance(body, dict) else {}
        return self._spoil(f"{method} {path}", fields, reply)


def change(reply: Reply, **fields: Any) -> Reply:
    if "json" in fields:
        fields["body"] = json.dumps(fields.pop("json")).encode()
    return msgspec.structs.replace(reply, **fields)


def on(path: str, has: str | None = None, *, streamed: bool | None = None, **fields: Any) -> Any:
    """A spoiler for the requests to one path, whose body has this key, and is streamed or not."""

    def spoil(sent: str, body: dict[str, Any], reply: Reply) -> Reply:
        is_meant = sent.endswith(path) and (has is None or has in body)
        is_meant = is_meant and streamed in (None, bool(body.get("stream")))
        return (
            change(reply, **{k: v(reply) if callable(v) else v for k, v in fields.items()})
            if is_meant
            else reply
        )

    return spoil


def header(name: str, value: str) -> Any:
    return lambda reply: reply.headers | {name: value}


def with_choice(**changes: Any) -> Any:
    """A whole answer whose choice is another."""

    def spoil(reply: Reply) -> Any:
        body = reply.json
        return (
            body | {"choices": [choice | changes for choice in body["choices"]]}
            if "choices" in body
            else body
        )

    return spoil


def with_call(**changes: Any) -> Any:
    """A whole answer whose calls are others."""

    def spoil(reply: Reply) -> Any:
        body = reply.json
        for choice in body["choices"]:
            calls = choice["message"].get("tool_calls", [])
            choice["message"]["tool_calls"] = [call | changes for call in calls]
        return body

    return spoil


CHAT, LIST = "/chat/completions", "/models"
TEXT = {"message": {"role": "assistant", "content": "It is sunny."}, "finish_reason": "stop"}
MODEL = {"id": "guide", "object": "model", "created": 1, "owned_by": "x"}
VECTOR = {"object": "embedding", "index": 0, "embedding": [1.0]}
REFUSED: dict[str, Any] = {"status": 400, "json": {"error": "no"}}
CASES = [
    ("models", on(LIST, json={"object": "list", "data": [{"id": "guide"}]}), rules.MODELS_LIST),
    ("models", on(LIST, json={"object": "list", "data": ["guide"]}), rules.MODELS_LIST),
    ("models", on(LIST, json={"object": "list", "data": [MODEL | {"info": None}]}), rules.MODELS_KEYS),
    ("models", on("/models/guide", status=404), rules.MODEL_ONE),
    ("models", on(LIST, headers={"content-type": "text/plain"}), rules.JSON_TYPE),
    ("chat", on(CHAT, headers={"content-type": "text/event-stream"}), rules.STREAM_ASKED),
    ("chat", on(CHAT, json=[]), rules.CHAT_SHAPE),
    ("chat", on(CHAT, json=with_choice(message=None)), rules.CHAT_SHAPE),
    ("chat", on(CHAT, json=lambda reply: reply.json | {"choices": ["a"]}), rules.CHAT_SHAPE),
    ("chat", on(CHAT, json=lambda reply: reply.json | {"usage": 5}), rules.CHAT_SHAPE),
    ("stream", on(CHAT, status=400), rules.STREAM_ASKED),
    ("stream", on(CHAT, headers=header("content-type", "text/html")), rules.STREAM_TYPE),
    ("stream", on(CHAT, headers=header("content-encoding", "gzip")), rules.STREAM_PLAIN),
    ("tolerance", on(CHAT, "stop", status=422), rules.TOLERANCE),
    ("messages", on(CHAT, status=500), rules.MESSAGES),
    ("tools", on(CHAT, "tools", **REFUSED), rules.TOOLS),
    ("tools", on(CHAT, "tools", streamed=True, status=500), rules.TOOLS),
    ("tools", on(CHAT, "tools", streamed=False, json=with_choice(**TEXT)), rules.TOOL_REQUIRED),
    ("tools", on(CHAT, "tools", streamed=False, json=with_choice(finish_reason="stop")), rules.TOOL_CALLS),
    ("tools", on(CHAT, "tools", streamed=False, json=with_call(id=None)), rules.TOOL_CALLS),
    ("tools", on(CHAT, "tools", streamed=False, json=with_call(function="get_weather")), rules.TOOL_CALLS),
    ("tools", on(CHAT, "tools", streamed=False, json=with_call(
        function={"name": "get_weather", "arguments": {"city": "Bern"}})), rules.TOOL_CALLS),
    ("tools", on(CHAT, "tools", streamed=False, json=with_call(
        function={"name": "get_weather", "arguments": "{"})), rules.TOOL_CALLS),
    ("tools", on(CHAT, "tools", streamed=False, json=with_call(
        function={"name": "other", "arguments": "{}"})), rules.TOOL_CALLS),
    ("completions", on("/completions", json={"object": "text_completion", "choices": ["a"]}), rules.COMPLETIONS),
    ("errors", on(CHAT, status=200), rules.UNKNOWN_MODEL),
    ("errors", on(CHAT, status=500), rules.ERROR_STATUS),
    ("errors", on(CHAT, json={"error": "no"}), rules.ERROR_ENVELOPE),
    ("auth", on(LIST, status=200), rules.AUTH),
    ("auth", on(CHAT, json={"error": 5}), rules.AUTH),
    ("overflow", on(CHAT, status=400, json={"error": {"code": "too_long"}}), rules.OVERFLOW),
    ("too large", on(CHAT, status=0), rules.TOO_LARGE),
    ("embeddings", on("/embeddings", json={"data": [VECTOR, VECTOR]}), rules.EMBEDDINGS),
    ("embeddings", on("/embeddings", json={"data": [VECTOR | {"embedding": [10**400]}]}), rules.EMBEDDINGS),
    ("embeddings", on("/embeddings", json={"data": [VECTOR] * 3}), rules.EMBEDDINGS),
    ("responses", on("/responses", status=500), rules.RESPONSES),
    ("anthropic", on("/messages", status=500), rules.ANTHROPIC),
    ("models while busy", on(LIST, elapsed_s=9.0), rules.MODELS_INSTANT),
    ("disconnect", on(CHAT, "max_tokens", elapsed_s=0.1), None),
    ("concurrency", on(CHAT, streamed=False, status=500), rules.CONCURRENCY),
    ("concurrency", on(CHAT, streamed=True, body=b'data: {"error":{"message":"x"}}\n\n'), rules.CONCURRENCY),
    ("host", on(LIST, status=200), rules.HOST),
    ("origins", on(CHAT, headers=header("access-control-allow-origin", "*")), rules.FOREIGN_ORIGIN),
    ("origins", on("OPTIONS /chat/completions", headers={"access-control-allow-origin": "x"}), rules.PREFLIGHT),
]  # fmt: skip


@pytest.mark.parametrize(("name", "spoil", "rule"), CASES)
def test_a_broken_rule_is_found(good, monkeypatch, name, spoil, rule):
    """Only the check that looks for it runs. Without a rule: what is changed breaks none."""
    monkeypatch.setattr(conduct_checks, "time", SimpleNamespace(sleep=lambda _: None))
    found = {finding.rule.id for finding in CHECKS[name](Spoiled(good, spoil))}
    assert (rule.id in found) if rule else not found


def test_an_answer_that_others_have_left_and_that_goes_on_is_found(good, monkeypatch):
    """The next question waits for what nobody reads any more."""
    monkeypatch.setattr(conduct_checks, "time", SimpleNamespace(sleep=lambda _: None))
    seconds = iter([0.1, 60.0, 0.1])

    def late(sent: str, body: dict[str, Any], reply: Reply) -> Reply:
        return change(reply, elapsed_s=next(seconds))

    (finding,) = CHECKS["disconnect"](Spoiled(good, late))
    assert finding.rule is rules.DISCONNECT
    assert "60.0 s" in finding.came_back


def test_what_the_check_cannot_read_is_a_finding_and_the_others_go_on(good, monkeypatch):
    """A traceback tells nobody which server is to blame."""

    def stumble(_: Target) -> Any:
        yield from ()
        raise TypeError("unhashable \x1b[31m")

    monkeypatch.setattr("localllm.check.run.CHECKS", {"a": stumble, "chat": CHECKS["chat"]})
    report = run(Target(good, KEY))
    assert report.checked == ["a", "chat"]
    (finding,) = report.findings
    assert finding.rule is rules.UNDERSTOOD
    assert "the check itself could not understand the answer: TypeError" in finding.came_back
    assert "\x1b" not in finding.came_back


def test_no_rule_is_without_a_fault_that_breaks_it():
    """A rule that no test breaks may be one that nothing ever breaks."""
    named = {rule.id for _, _, rule in CASES if rule is not None} | {"disconnect", "understood", "alive"}
    (marks,) = other_faults.pytestmark
    named |= {rule.id for _, expected in marks.args[1] for rule in expected}
    all_rules = [rule for rule in vars(rules).values() if isinstance(rule, Rule)]
    assert {rule.id for rule in all_rules} <= named
