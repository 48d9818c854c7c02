"""/v1/messages when something fails, waits, is hung up on or is too long."""

from __future__ import annotations

import threading

import msgspec
import pytest

from localllm import errors
from localllm.api.anthropic.blocks import BlockWriter
from localllm.api.anthropic.errors import error_body, is_anthropic_route
from localllm.chat.deltas import Content, Reasoning, ToolCallArguments, ToolCallStart
from tests.api.messages_lint import error_of, events_of
from tests.api.responses_lint import named_events
from tests.api.test_messages import PATH, USER, ask


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (errors.Busy("Full."), 429, "rate_limit_error"),
        (errors.EngineDied("It died."), 503, "overloaded_error"),
        (errors.ModelLoadFailed("Broken."), 500, "api_error"),
        (RuntimeError("a secret"), 500, "api_error"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_what_is_refused_before_the_first_token_has_its_own_status(
    client, engine, error, status, kind, stream
):
    """With the headers that tell the SDK whether to try again."""
    engine.refusal = error
    answer = ask(client, stream=stream)
    assert (answer.status, error_of(answer)["type"]) == (status, kind)
    assert ("retry-after" in answer.headers) == (status in (429, 503))
    assert b"secret" not in answer.body


def test_a_prompt_that_is_too_long_says_so_in_anthropics_words(client, engine):
    """Claude Code compacts its history when it reads them."""
    engine.refusal = errors.ContextLengthExceeded(
        "This model's maximum context length is 512 tokens. However, you requested 900 tokens (700 in the messages, "
        "200 in the completion). Please reduce the length of the messages or completion."
    )
    answer = ask(client)
    assert answer.status == 400
    assert error_of(answer)["message"] == "prompt is too long: 700 tokens > 512 maximum"
    other = error_body(errors.ContextLengthExceeded("Too much."))
    assert other["error"]["message"].startswith("prompt is too long")


def test_a_failure_in_mid_stream_is_an_error_event(client, engine):
    """The last thing in the stream."""
    engine.script = lambda prompt, params: ["Hel", errors.EngineDied("It died.")]
    *_, last = named_events(ask(client, stream=True).body)
    assert last == {"type": "error", "error": {"type": "overloaded_error", "message": "It died."}}


def test_a_waiting_stream_sends_pings(client, engine):
    """As events: that is what Anthropic does."""
    go_on = threading.Event()
    engine.script = lambda prompt, params: ["Hel", go_on, "lo"]
    stream = client.open(PATH, {"model": "guide", "max_tokens": 9, "messages": [USER], "stream": True})
    stream.read_until(b'event: ping\ndata: {"type":"ping"}\n\n')
    go_on.set()
    assert b"event: message_stop" in stream.read_to_end()
    stream.close()


def test_hanging_up_cancels(client, engine):
    """As for every stream."""
    engine.script = lambda prompt, params: ["Hel", threading.Event()]
    request = client.open(PATH, {"model": "guide", "max_tokens": 9, "messages": [USER], "stream": True})
    stream = engine.wait_for_stream()
    request.close()
    assert stream.was_cancelled.wait(5)


def test_the_root_answers_head(client):
    """Claude Code asks whether anybody is there."""
    assert client.request("HEAD", "/").status == 200


def test_only_anthropics_routes_have_its_envelope():
    """`/v1/messages` and what is below it, with and without /v1."""
    assert all(
        map(is_anthropic_route, ("/v1/messages", "/messages", "/v1/messages/", "/v1/messages/count_tokens"))
    )
    assert not any(map(is_anthropic_route, ("/v1/chat/completions", "/v1/messages2", "/v1/models", "/")))


def test_however_the_text_is_split_the_blocks_are_the_same():
    """The writer holds nothing back and loses nothing."""
    texts = [(Content, "a b"), (Reasoning, "c d"), (ToolCallArguments, '{"a": 1}'), (Content, "e")]

    def blocks(cut: int) -> list[dict[str, object]]:
        writer = BlockWriter()
        for kind, text in texts:
            if kind is ToolCallArguments:
                list(writer.take(ToolCallStart(0, "call_1", "f")))
            for piece in filter(None, (text[:cut], text[cut:])):
                list(writer.take(ToolCallArguments(0, piece) if kind is ToolCallArguments else kind(piece)))
        list(writer.close())
        return writer.blocks

    assert all(blocks(cut) == blocks(9) for cut in range(9))


def test_a_history_that_was_cut_says_so(client, models, engine):
    """Where the catalog allows it: in the header, in the whole message and in message_delta."""
    text = models.paths.catalog.read_text()
    models.paths.catalog.write_text(text.replace('id = "guide"', 'id = "guide"\ntruncation = "auto"'))
    engine.fake_info = msgspec.structs.replace(engine.fake_info, n_ctx=400)
    turn = [{"role": "user", "content": "q " * 20}, {"role": "assistant", "content": "Yes."}]
    messages = [*turn * 20, USER]
    answer = ask(client, messages)
    assert int(answer.headers["x-localllm-truncated"]) == answer.json["truncated_messages"] > 0
    streamed = events_of(ask(client, messages, stream=True))
    assert streamed[-2]["truncated_messages"] == answer.json["truncated_messages"]
    assert "truncated_messages" not in ask(client).json


def test_background_work_waits(client, engine):
    """As for the chat API."""
    ask(client, headers={"x-priority": "background"})
    ask(client)
    assert [submit.priority for submit in engine.submits] == ["background", "chat"]
