"""`localllm check`: silent on our own server, and on a server with a fault it finds that fault and nothing else."""

from __future__ import annotations

import json
import socket

import pytest
from click.testing import CliRunner

from localllm.check import rules, stream_rules
from localllm.check.event_lint import lint_messages, lint_responses
from localllm.check.run import CHECKS, run
from localllm.check.target import Target
from localllm.cli.check import command
from tests.check.conftest import KEY


def test_our_own_server_has_no_findings(ours):
    """Every check, every endpoint, over a real engine and with a key."""
    report = run(Target(ours, KEY))
    assert report.checked == list(CHECKS)
    assert report.model == "tiny"
    assert not report.findings, "\n".join(f"{f.rule.id}: {f.sent} → {f.came_back}" for f in report.findings)


def is_stream(headers):
    return headers["content-type"].startswith("text/event-stream")


def typed(content_type):
    def spoil(environ, status, headers, body):
        if is_stream(headers):
            headers["content-type"] = content_type
        return status, headers, body

    return spoil


def without_models(environ, status, headers, body):
    if environ["PATH_INFO"].startswith("/v1/models"):
        error = {
            "error": {
                "message": "no such route",
                "type": "invalid_request_error",
                "param": None,
                "code": None,
            }
        }
        return "404 Not Found", headers, json.dumps(error).encode()
    return status, headers, body


def litserve_like(environ, status, headers, body):
    """The first of the two bugs that began the project: streams as application/json, and no model list."""
    return without_models(environ, *typed("application/json")(environ, status, headers, body))


def html_errors(environ, status, headers, body):
    if status.startswith(("404", "405")):
        return status, headers | {"content-type": "text/html"}, b"<h1>Not Found</h1>"
    return status, headers, body


def replaced(old, new, in_path="/chat/completions"):
    def spoil(environ, status, headers, body):
        if is_stream(headers) and in_path in environ["PATH_INFO"]:
            body = body.replace(old, new)
        return status, headers, body

    return spoil


def every_error_is_a_500(environ, status, headers, body):
    return ("500 Oops" if status.startswith("400") else status), headers, body


FAILED = b'data: {"error":{"message":"x","type":"server_error","param":null,"code":null}}\n\n'
AFTER_A_FAILURE = {rules.TOOL_REQUIRED, rules.CONCURRENCY}  # no call comes, and nobody of three is answered


def every_stream_fails(environ, status, headers, body):
    """What had a clean bill once: whatever is streamed is an error event, and nothing else."""
    return status, headers, FAILED if is_stream(headers) else body


def open_to_all(environ, status, headers, body):
    return status, headers | {"access-control-allow-origin": "*"}, body


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (litserve_like, {rules.MODELS_LIST, rules.STREAM_TYPE}),
        (typed("application/x-ndjson"), {rules.STREAM_TYPE}),
        (html_errors, {rules.ERROR_ENVELOPE}),
        (every_stream_fails, {stream_rules.STREAM_ERROR, rules.RESPONSES, rules.ANTHROPIC, *AFTER_A_FAILURE}),
        (every_error_is_a_500, {rules.ERROR_STATUS}),
        (replaced(b"data: [DONE]\n\n", b""), {stream_rules.DONE}),
        (replaced(b'"role":"assistant",', b""), {stream_rules.ROLE}),
        (replaced(b'"finish_reason":"stop"', b'"finish_reason":null'), {stream_rules.FINISH}),
        (replaced(b"data: [DONE]", b"event: end\n\ndata: [DONE]"), {stream_rules.FRAMING}),
        (replaced(b'"choices":[],', b""), {stream_rules.ENVELOPE, stream_rules.USAGE}),
        (replaced(b'"response.content_part.added"', b'"response.other"', "/responses"), {rules.RESPONSES}),
        (replaced(b"event: message_stop\n", b"", "/messages"), {rules.ANTHROPIC}),
        (open_to_all, {rules.FOREIGN_ORIGIN}),
    ],
)
def test_a_fault_is_found_and_nothing_else(broken, spoil, expected):
    """Ours with one thing spoiled on the wire; among them the two faults that began this project."""
    report = run(Target(broken(spoil), model="guide"))
    found = {finding.rule.id for finding in report.findings}
    assert found == {rule.id for rule in expected}, [
        (f.rule.id, f.sent, f.came_back) for f in report.findings
    ]


def test_the_command_prints_findings_and_ends_with_status_1(broken):
    """What was sent, what came back, who breaks, and with --fix-hints what to do."""
    url = broken(typed("application/json"))
    result = CliRunner().invoke(command, [url, "--model", "guide", "--fix-hints"])
    assert result.exit_code == 1
    for word in ("stream-type (must", "Open WebUI", "sent:", "came back:", "fix:", "must be fixed"):
        assert word in result.output


def test_json_is_for_scripts(ours):
    """All of it, with status 0 where nothing is wrong."""
    result = CliRunner().invoke(command, [ours, "--key", KEY, "--json"])
    report = json.loads(result.output)
    assert (result.exit_code, report["findings"], report["model"]) == (0, [], "tiny")


def test_a_server_that_is_not_there_is_one_finding():
    """Not a traceback, and not every rule broken."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    report = run(Target(f"http://127.0.0.1:{port}"))
    assert [finding.rule for finding in report.findings] == [rules.ALIVE]
    assert CliRunner().invoke(command, ["ftp://x"]).exit_code == 2


def frames(*events, named=True):
    lines = [f"event: {event['type']}\n" * named + f"data: {json.dumps(event)}\n\n" for event in events]
    return "".join(lines).encode("utf-8", "replace")


USAGE = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
CREATED = {"type": "response.created", "sequence_number": 0, "response": {}}
ADDED = {
    "type": "response.output_item.added",
    "sequence_number": 1,
    "output_index": 0,
    "item": {"type": "message"},
}
PART = {"type": "response.content_part.added", "sequence_number": 2, "output_index": 0, "content_index": 0}
DELTA = {
    "type": "response.output_text.delta",
    "sequence_number": 3,
    "output_index": 0,
    "content_index": 0,
    "delta": "Hi",
}
DONE = {"type": "response.completed", "sequence_number": 4, "response": {"usage": USAGE}}


@pytest.mark.parametrize(
    ("events", "word"),
    [
        ([ADDED, PART, DELTA, DONE], "response.created"),
        ([CREATED, ADDED, PART, DELTA], "response.completed"),
        ([CREATED, ADDED, DELTA, DONE], "content_part.added"),
        ([CREATED, PART, DELTA, DONE], "output_item.added"),
        ([CREATED, ADDED, PART, DELTA, {**DONE, "response": {}}], "usage"),
        ([CREATED, ADDED, PART, {**DELTA, "sequence_number": 1}, DONE], "does not grow"),
        ([CREATED, {**ADDED, "item": {"type": "function_call"}}, DONE], "no id"),
        ([CREATED, {"type": "response.failed", "sequence_number": 1, "response": {}}], "failed"),
        ([CREATED, {"type": "error", "sequence_number": 1, "message": "x"}, DONE], "failed"),
        ([CREATED, {**ADDED, "item": None}, DONE], "`item`"),
        ([CREATED, {**ADDED, "output_index": [0]}, DONE], "`output_index`"),
        ([CREATED, ADDED, PART, {**DELTA, "delta": 5}, DONE], "`delta`"),
        ([{**CREATED, "type": ["x"]}, DONE], "no text"),
    ],
)
def test_a_response_out_of_order_is_found(events, word):
    """Each line is what made a real client raise (contract, section 5)."""
    assert lint_responses(frames(CREATED, ADDED, PART, DELTA, DONE)) == []
    assert any(word in problem for problem in lint_responses(frames(*events)))


START = {"type": "message_start", "message": {"usage": {"input_tokens": 1}}}
OPEN = {"type": "content_block_start", "index": 0, "content_block": {}}
TEXT = {"type": "content_block_delta", "index": 0, "delta": {}}
CLOSE = {"type": "content_block_stop", "index": 0}
END = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 1}}
STOP = {"type": "message_stop"}


@pytest.mark.parametrize(
    ("events", "word"),
    [
        ([OPEN, TEXT, CLOSE, END, STOP], "message_start"),
        ([START, TEXT, END, STOP], "not open"),
        ([START, OPEN, TEXT, END, STOP], "never closed"),
        ([START, {**OPEN, "index": 1}, END, STOP], "out of order"),
        ([START, OPEN, CLOSE, {**END, "usage": {}}, STOP], "output_tokens"),
        ([START, OPEN, CLOSE, END], "message_stop"),
        ([START, {"type": "error", "error": {"message": "x"}}], "message_stop"),
        ([{**START, "message": None}, OPEN, CLOSE, END, STOP], "`message`"),
        ([START, OPEN, {**TEXT, "delta": None}, CLOSE, END, STOP], "`delta`"),
        ([START, OPEN, CLOSE, {**END, "usage": []}, STOP], "output_tokens"),
    ],
)
def test_a_message_out_of_order_is_found(events, word):
    """Each line is what made a real client raise (contract, section 6)."""
    clean = [START, {"type": "ping"}, OPEN, TEXT, CLOSE, END, STOP]
    assert lint_messages(frames(*clean)) == []
    assert lint_messages(frames(*clean, named=False)) != []
    assert any(word in problem for problem in lint_messages(frames(*events)))
