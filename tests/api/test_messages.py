"""/v1/messages over fake engines: the events, the whole body, what requests may hold, Anthropic's errors."""

from __future__ import annotations

import json

import pytest

from localllm.api.anthropic.blocks import BlockWriter
from localllm.api.anthropic.history import read_history
from localllm.api.fields import Fields
from localllm.chat.deltas import Content, Delta, Reasoning, ToolCallArguments, ToolCallStart
from tests.api.fakes import finish, say
from tests.api.http import Answer, Client
from tests.api.messages_lint import blocks_of, error_of, events_of

PATH = "/v1/messages"
USER = {"role": "user", "content": "Hi"}
TOOL = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CALL = ["<tool", "_call>", '{"name": "get_weather", ', '"arguments": {"city": "Bern"}}', "</tool_call>"]
THOUGHT = ["<think>", "hmm", " yes", "</think>", "\n\n"]
BILLING = "x-anthropic-billing-header: cc_version=2.1; cch=1a2b3;"


def ask(
    client: Client, messages: object = None, headers: dict[str, str] | None = None, **fields: object
) -> Answer:
    body = {"model": "guide", "max_tokens": 100, "messages": messages or [USER]} | fields
    return client.post(PATH, body, headers)


def prompt_of(client, engine, messages=None, **fields):
    """The prompt that the messages become."""
    answer = ask(client, messages, **fields)
    assert answer.status == 200, answer.body
    return str(engine.submits[-1].prompt)


def test_a_whole_message_has_anthropics_shape(client):
    """Content blocks, stop_reason, usage with the cached tokens apart."""
    body = ask(client).json
    assert body["content"] == [{"type": "text", "text": "Hello there."}]
    assert body["id"].startswith("msg_")
    assert (body["type"], body["role"], body["model"]) == ("message", "assistant", "guide")
    assert (body["stop_reason"], body["stop_sequence"]) == ("end_turn", None)
    assert body["usage"]["output_tokens"] == 3


def test_a_stream_has_anthropics_order(client):
    """message_start, the block's start, deltas and stop, message_delta, message_stop."""
    events = events_of(ask(client, stream=True))
    assert [event["type"] for event in events] == [
        "message_start", "content_block_start", "content_block_delta", "content_block_delta",
        "content_block_delta", "content_block_stop", "message_delta", "message_stop",
    ]  # fmt: skip
    assert events[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert events[-2]["usage"]["output_tokens"] == 3


def test_thinking_text_and_a_call_are_blocks_of_their_own(client, engine):
    """The input of a call is streamed as JSON text and starts as an empty object."""
    engine.script = say(*THOUGHT, "Let me look.", *CALL)
    events = events_of(ask(client, tools=[TOOL], stream=True))
    thinking, text, call = blocks_of(events)
    assert thinking["thinking"] == "hmm yes"
    assert text["text"] == "Let me look."
    assert (call["name"], call["input"]) == ("get_weather", {"city": "Bern"})
    assert events[-2]["delta"]["stop_reason"] == "tool_use"
    usage = events[-2]["usage"]
    assert 0 < usage["output_tokens_details"]["thinking_tokens"] < usage["output_tokens"] == 11


def test_whole_and_streamed_are_the_same(client, engine):
    """One path makes both; thinking is signed in both, because clients send back only what is signed."""

    def comparable(blocks):
        return [{k: v for k, v in block.items() if k not in ("id", "signature")} for block in blocks]

    engine.script = say(*THOUGHT, "So.", *CALL, *CALL)
    events = events_of(ask(client, tools=[TOOL], stream=True))
    whole = ask(client, tools=[TOOL]).json
    assert comparable(whole["content"]) == comparable(blocks_of(events))
    assert len(whole["content"]) == 4
    signature = next(
        e["delta"]["signature"] for e in events if e.get("delta", {}).get("type") == "signature_delta"
    )
    assert whole["content"][0]["signature"] == signature != ""


def test_a_call_that_was_cut_short_is_whole_anyway():
    """`input` is always an object: SDKs read it as one."""
    writer = BlockWriter()
    deltas: list[Delta] = [ToolCallStart(0, "call_1", "f"), ToolCallArguments(0, '{"city": "Be')]
    assert [e["type"] for d in deltas for e in writer.take(d)] == [
        "content_block_start",
        "content_block_delta",
    ]
    assert [e["type"] for e in writer.close()] == ["content_block_stop"]
    assert writer.blocks == [{"type": "tool_use", "id": "call_1", "name": "f", "input": {}}]


def test_text_after_a_call_is_a_new_block():
    """Blocks are never opened again."""
    writer = BlockWriter()
    deltas: list[Delta] = [
        Content("a"),
        ToolCallStart(0, "1", "f"),
        ToolCallArguments(0, "{}"),
        Content("b"),
        Reasoning("c"),
    ]
    events = [event for delta in deltas for event in writer.take(delta)] + list(writer.close())
    assert [event["index"] for event in events] == sorted(event["index"] for event in events)
    assert [block["type"] for block in writer.blocks] == ["text", "tool_use", "text", "thinking"]


@pytest.mark.parametrize(
    ("end", "reason", "sequence"),
    [
        (finish(1), "end_turn", None),
        (finish(1, reason="length"), "max_tokens", None),
        (finish(1, stop="END"), "stop_sequence", "END"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_the_stop_reason_is_anthropics(client, engine, end, reason, sequence, stream):
    """And the stop sequence that was found is named."""
    engine.script = lambda prompt, params: ["Hel", end]
    answer = ask(client, stop_sequences=["END"], stream=stream)
    told = events_of(answer)[-2]["delta"] if stream else answer.json
    assert (told["stop_reason"], told["stop_sequence"]) == (reason, sequence)
    assert engine.submits[-1].params.stop == ("END",)


def test_cached_tokens_are_counted_apart(client, engine):
    """input_tokens and cache_read_input_tokens add up to the prompt, as Anthropic counts."""
    engine.script = lambda prompt, params: ["Hi", finish(1, cached=2)]
    start, *_, delta, _ = events_of(ask(client, stream=True))
    usage = delta["usage"]
    assert usage["cache_read_input_tokens"] == 2
    assert usage["input_tokens"] + 2 == start["message"]["usage"]["input_tokens"]


def test_claude_codes_request_is_accepted_as_it_is(client, engine):
    """Everything that Claude Code sends, in one request."""
    system = [
        {"type": "text", "text": BILLING},
        {"type": "text", "text": "You are an agent.", "cache_control": {}},
    ]
    messages = [
        {"role": "user", "content": [
            {"type": "text", "text": "<system-reminder>x</system-reminder>"},
            {"type": "text", "text": "List the files.", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "I look.", "signature": "localllm"},
            {"type": "redacted_thinking", "data": "gibberish"},
            {"type": "text", "text": "Looking."},
            {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}},
            {"type": "tool_use", "id": "toolu_2", "name": "Read", "input": {}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_1", "content": "a.txt", "is_error": False},
            {"type": "tool_result", "tool_use_id": "toolu_2", "content": [
                {"type": "text", "text": "b.txt"}, {"type": "image", "source": {}},
                {"type": "document", "title": "T", "source": {"type": "text", "data": "c.txt"}}]},
            {"type": "text", "text": "And now?"}]},
        {"role": "system", "content": "Be quick."},
    ]  # fmt: skip
    answer = client.post(
        "/v1/messages?beta=true",
        {
            "model": "claude-sonnet-9", "max_tokens": 32000, "system": system, "messages": messages, "stream": True,
            "tools": [TOOL, {"type": "web_search_20250305", "name": "web_search", "max_uses": 8},
                      {"type": "custom", **TOOL, "name": "other"}],
            "metadata": {"user_id": "u"}, "thinking": {"type": "adaptive"}, "output_config": {"effort": "high"},
            "context_management": {"edits": []}, "temperature": 1, "speed": "standard",
        },
        {"anthropic-version": "2023-06-01", "anthropic-beta": "a,b", "Authorization": "Bearer x"},
    )  # fmt: skip
    assert events_of(answer)[0]["message"]["model"] == "guide"
    prompt = str(engine.submits[-1].prompt)
    wanted = ["You are an agent.", "List the files.", "Looking.", '"ls"', "a.txt", "b.txt",
              "image left out", "T\nc.txt", "And now?", "Be quick."]  # fmt: skip
    places = [prompt.index(text) for text in wanted]
    assert places == sorted(places)
    assert "billing" not in prompt
    assert "web_search" not in prompt


@pytest.mark.parametrize(
    ("system", "kept"),
    [
        (BILLING, ""),
        (f"{BILLING}\n\nYou are an agent.", "You are an agent."),
        ([{"type": "text", "text": BILLING}, {"type": "text", "text": "You"}], "You"),
        ("You", "You"),
        (None, ""),
    ],
)
def test_the_billing_header_is_left_out(system, kept):
    """It differs in every request, so that no prompt would ever be found in the cache."""
    turns = read_history(Fields({"system": system, "messages": [USER]}))
    assert [m["content"] for m in turns.messages if m["role"] == "system"] == ([kept] if kept else [])


def test_a_last_assistant_message_is_the_beginning_of_the_answer(client, engine):
    """Anthropic's prefill."""
    messages = [USER, {"role": "assistant", "content": [{"type": "text", "text": "One, two,"}]}]
    assert prompt_of(client, engine, messages).endswith("One, two,")


def test_tool_choice_is_translated(client, engine):
    """any and tool force a call, none forbids it, disable_parallel_tool_use allows one only."""

    def grammar(**choice):
        ask(client, tools=[TOOL], tool_choice=choice)
        return engine.submits[-1].params.grammar

    auto, required = grammar(type="auto"), grammar(type="any")
    assert auto.triggers
    assert not required.triggers
    assert grammar(type="tool", name="get_weather") == required
    assert grammar(type="any", disable_parallel_tool_use=True) != required
    assert grammar(type="none") is None
    assert "get_weather" not in str(engine.submits[-1].prompt)


def test_structured_output_constrains_the_answer(client, engine):
    """output_config.format, and output_format as it was called before."""
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    for fields in (
        {"output_config": {"format": {"type": "json_schema", "schema": schema}}},
        {"output_format": {"type": "json_schema", "schema": schema}},
    ):
        ask(client, **fields)
        assert json.loads(engine.submits[-1].params.grammar.text) == schema


def test_thinking_reaches_the_template(client, monkeypatch):
    """disabled is the off switch; adaptive and enabled switch it on, effort says how much."""
    seen: list[dict[str, object]] = []

    def render(self: object, *args: object, **kwargs: object) -> str:
        seen.append(kwargs)
        return "prompt"

    monkeypatch.setattr("localllm.chat.template.ChatTemplate.render", render)
    ask(client, thinking={"type": "disabled"})
    ask(client, thinking={"type": "enabled", "budget_tokens": 1024}, output_config={"effort": "low"})
    ask(client)
    assert [kwargs.get("enable_thinking") for kwargs in seen] == [False, True, None]
    assert seen[1]["reasoning_effort"] == "low"


def test_a_claude_that_is_not_here_is_the_default_model(client, serve):
    """Claude Code asks for several; the answer says which model it really was. Other names are a 404."""
    assert ask(client, model="claude-haiku-4-5").json["model"] == "guide"
    assert ask(serve(model="other"), model="claude-haiku-4-5").json["model"] == "other"
    assert ask(client, model="alias-guide").json["model"] == "alias-guide"
    assert error_of(ask(client, model="gpt-9"))["type"] == "not_found_error"


def test_count_tokens_counts_what_the_request_would_cost(client, engine):
    """System, tools and messages, without generating and without max_tokens."""
    plain = client.post("/v1/messages/count_tokens?beta=true", {"model": "guide", "messages": [USER]}).json
    body = {"model": "guide", "messages": [USER], "system": "Be short.", "tools": [TOOL]}
    more = client.post("/v1/messages/count_tokens", body).json
    assert plain.keys() == {"input_tokens"}
    assert more["input_tokens"] > plain["input_tokens"] > 0
    assert not engine.submits


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"messages": []}, "`messages`"),
        ({"messages": "Hi"}, "`messages`"),
        ({"messages": [5]}, "`messages[0]`"),
        ({"messages": [{"content": "x"}]}, "`messages[0].role`"),
        ({"messages": [{"role": "king"}]}, "`messages[0].role`"),
        ({"messages": [{"role": "user", "content": 5}]}, "`messages[0].content`"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "`messages[0].content[0]`"),
        ({"messages": [{"role": "user", "content": [5]}]}, "`messages[0].content[0]`"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "tool_use_id`"),
        ({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "1"}]}]}, "content[0].name`"),
        (
            {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "base64"}}]}]},
            "`messages[0].content[0]`",
        ),
        ({"system": [{"type": "image"}]}, "`system[0]`"),
        ({"tools": [{"input_schema": {}}]}, "`tools[0].name`"),
        ({"tools": [{"name": "f", "input_schema": []}]}, "`tools[0].input_schema`"),
        ({"tool_choice": {"type": "any"}}, "`tool_choice`"),
        ({"tool_choice": {"type": "sometimes"}}, "`tool_choice.type`"),
        ({"temperature": "hot"}, "`temperature`"),
        ({"stop_sequences": 5}, "`stop_sequences`"),
        ({"max_tokens": "many"}, "`max_tokens`"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_anthropics_400_that_names_it(client, fields, place):
    """In the message, because Anthropic's envelope has no `param`."""
    answer = client.post(PATH, {"model": "guide", "max_tokens": 10, "messages": [USER]} | fields)
    assert answer.status == 400, answer.body
    error = error_of(answer)
    assert error["type"] == "invalid_request_error"
    assert place in error["message"]


def test_every_refusal_on_these_routes_is_in_anthropics_envelope(serve):
    """401, 404, 405, 413, 415 and no JSON; the other routes keep OpenAI's."""
    client = serve(api_key="secret", max_body_bytes=1000)
    key = {"x-api-key": "secret"}
    refusals = [
        (ask(client), 401, "authentication_error"),
        (ask(client, model="nope", headers=key), 404, "not_found_error"),
        (client.get("/v1/messages/batches", key), 404, "not_found_error"),
        (client.get(PATH, key), 405, "invalid_request_error"),
        (ask(client, [{"role": "user", "content": "x" * 2000}], key), 413, "request_too_large"),
        (client.post(PATH, b"{broken", key), 400, "invalid_request_error"),
        (client.post(PATH, b"x=1", key | {"Content-Type": "text/plain"}), 415, "invalid_request_error"),
        (client.post("/messages/count_tokens", {}), 401, "authentication_error"),
        (client.post(PATH, {}, {"Host": "evil.example"}), 403, "permission_error"),
    ]
    assert [(a.status, error_of(a)["type"]) for a, _, _ in refusals] == [(s, t) for _, s, t in refusals]
    assert client.get("/v1/models").error["code"] == "invalid_api_key"


def test_both_kinds_of_key_are_taken(serve):
    """SDKs send x-api-key or a Bearer token."""
    client = serve(api_key="secret")
    assert ask(client, headers={"x-api-key": "secret"}).status == 200
    assert ask(client, headers={"Authorization": "Bearer secret"}).status == 200
    assert ask(client, headers={"x-api-key": "wrong"}).status == 401
