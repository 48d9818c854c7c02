"""/v1/responses when something fails, waits, is hung up on or is too long."""

from __future__ import annotations

import threading

import msgspec
import pytest

from localllm import errors
from localllm.api.openai.responses_output import OutputWriter
from localllm.chat.deltas import Content, Reasoning, ToolCallArguments, ToolCallStart
from tests.api import schema_lint
from tests.api.responses_lint import named_events
from tests.api.test_responses import PATH, TOOL, respond


@pytest.mark.parametrize("stream", [True, False])
def test_what_is_refused_before_the_first_token_has_its_own_status(client, engine, stream):
    """A too long prompt is a 400 with the code that makes Codex compact its history."""
    engine.refusal = errors.ContextLengthExceeded("This model's maximum context length is 5 tokens.")
    answer = respond(client, stream=stream)
    assert (answer.status, answer.error["code"]) == (400, "context_length_exceeded")
    assert answer.error["param"] == "input"


@pytest.mark.parametrize(
    "error", [errors.EngineDied("It died."), errors.Busy("Full."), RuntimeError("a secret")]
)
def test_a_failure_in_mid_stream_is_response_failed(client, engine, error):
    """`error` for openai-node's helper, `response.failed` with the id and what was said so far for the others."""
    engine.script = lambda prompt, params: ["Hel", error]
    answer = respond(client, stream=True)
    events = named_events(answer.body)
    for event in events:
        schema_lint.check(event, "ResponseStreamEvent")
    assert [event["type"] for event in events[-2:]] == ["error", "response.failed"]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    failed = events[-1]["response"]
    assert (failed["id"], failed["status"]) == (events[0]["response"]["id"], "failed")
    assert failed["error"]["code"] in ("server_error", "rate_limit_exceeded")
    assert b"secret" not in answer.body


def test_a_waiting_stream_sends_events_not_comments(client, engine):
    """Codex's idle clock is reset by events alone."""
    go_on = threading.Event()
    engine.script = lambda prompt, params: ["Hel", go_on, "lo"]
    stream = client.open(PATH, {"model": "guide", "input": "Hi", "stream": True})
    received = stream.read_until(b'"sequence_number":6}')
    assert received.count(b"event: response.in_progress") == 3
    assert b": ping" not in received
    go_on.set()
    assert b"event: response.completed" in stream.read_to_end()
    stream.close()


def test_a_load_that_fails_while_a_stream_waits_begins_and_fails_it(client, engine, monkeypatch):
    """response.created comes first even then: openai-python and -node raise on anything else."""
    monkeypatch.setattr("localllm.api.reply.HEADERS_WITHIN_S", 0.05)
    engine.may_load.clear()
    engine.load_error = errors.ModelLoadFailed("The file is broken.")
    stream = client.open(PATH, {"model": "guide", "input": "Hi", "stream": True})
    stream.read_until(b": loading")
    engine.may_load.set()
    received = stream.read_to_end()
    stream.close()
    assert received.index(b"event: response.created") < received.index(b"event: response.failed")
    assert b"The file is broken." in received


def test_hanging_up_cancels(client, engine):
    """As for every stream."""
    engine.script = lambda prompt, params: ["Hel", threading.Event()]
    request = client.open(PATH, {"model": "guide", "input": "Hi", "stream": True})
    stream = engine.wait_for_stream()
    request.close()
    assert stream.was_cancelled.wait(5)


def test_input_tokens_counts_what_the_request_would_cost(client, engine):
    """Instructions, tools and input, without generating."""
    answer = client.post("/v1/responses/input_tokens", {"model": "guide", "input": "Hi"})
    schema_lint.check(answer.json, "TokenCountsResource")
    more = client.post("/v1/responses/input_tokens", {"model": "guide", "input": "Hi", "tools": [TOOL]})
    assert more.json["input_tokens"] > answer.json["input_tokens"] > 0
    assert not engine.submits


def test_reasoning_effort_reaches_the_template(client, engine, monkeypatch):
    """`reasoning: {"effort": "none"}` is the off switch."""
    seen: list[dict[str, object]] = []

    def render(self: object, *args: object, **kwargs: object) -> str:
        seen.append(kwargs)
        return "prompt"

    monkeypatch.setattr("localllm.chat.template.ChatTemplate.render", render)
    respond(client, reasoning={"effort": "none"})
    respond(client, reasoning={"effort": "minimal", "summary": "auto"})
    assert seen[0]["enable_thinking"] is False
    assert seen[1]["reasoning_effort"] == "low"


def test_however_the_text_is_split_the_items_are_the_same():
    """The writer holds nothing back and loses nothing."""
    texts = [(Content, "a b"), (Reasoning, "c d"), (ToolCallArguments, "{}"), (Content, "e")]

    def items(cut: int) -> list[dict[str, object]]:
        writer = OutputWriter()
        for kind, text in texts:
            if kind is ToolCallArguments:
                list(writer.take(ToolCallStart(0, "call_1", "f")))
            for piece in filter(None, (text[:cut], text[cut:])):
                list(writer.take(ToolCallArguments(0, piece) if kind is ToolCallArguments else kind(piece)))
        list(writer.close("completed"))
        return [{k: v for k, v in item.items() if k != "id"} for item in writer.items]

    assert all(items(cut) == items(9) for cut in range(9))


def test_a_history_that_is_too_long_may_lose_its_oldest_turns(client, engine):
    """`truncation: "auto"`, said in the header and the body, and echoed."""
    engine.fake_info = msgspec.structs.replace(engine.fake_info, n_ctx=400)
    given = [{"role": "user", "content": f"Question {number} {'q ' * 20}"} for number in range(20)]
    history = [item for turn in given for item in (turn, {"role": "assistant", "content": "Yes."})]
    last = {"role": "user", "content": "The last question."}
    answer = respond(client, [*history, last], truncation="auto", max_output_tokens=50)
    assert int(answer.headers["x-localllm-truncated"]) == answer.json["truncated_messages"] > 0
    assert answer.json["truncation"] == "auto"
    assert "last question" in str(engine.submits[-1].prompt)
    assert "truncated_messages" not in respond(client).json
    assert respond(client).json["truncation"] == "disabled"


def test_background_work_waits(client, engine):
    """As for the chat API."""
    client.post(PATH, {"model": "guide", "input": "Hi"}, {"x-priority": "background"})
    respond(client, service_tier="flex")
    respond(client)
    assert [submit.priority for submit in engine.submits] == ["background", "background", "chat"]
