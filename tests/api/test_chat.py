"""Chat completions over fake engines: shapes, streams, reasoning, tools, usage."""

from __future__ import annotations

import math
from typing import Any

import pytest

from localllm.engine import messages as m
from tests.api import schema_lint
from tests.api.fakes import finish, say
from tests.api.wire_lint import chunks_of, text_of

TOOLS: list[dict[str, Any]] = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "description": "The weather of a city.",
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        },
    }
]
CALL = ["<tool", "_call>", '{"name": "get_weather", ', '"arguments": {"city": "Bern"}}', "</tool_call>"]


def test_a_whole_answer_has_openais_shape(client):
    """Message, finish_reason and exact usage, valid against OpenAI's schema."""
    answer = client.chat("What is this?")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"
    body = answer.json
    schema_lint.check(body, "CreateChatCompletionResponse")
    assert body["choices"][0]["message"]["content"] == "Hello there."
    assert body["choices"][0]["finish_reason"] == "stop"
    assert "tool_calls" not in body["choices"][0]["message"]
    usage = body["usage"]
    assert usage["completion_tokens"] == 3
    assert usage["total_tokens"] == usage["prompt_tokens"] + 3


def test_a_stream_keeps_every_rule_of_the_wire(client):
    """Role first, text as it came, one finish_reason, no usage unasked, [DONE]."""
    chunks = chunks_of(client.chat(stream=True))
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert text_of(chunks) == "Hello there."
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["timings"]["predicted_n"] == 3


def test_usage_comes_in_a_chunk_of_its_own_when_asked_for(client):
    """OpenAI's stream_options: null everywhere, the counts once, with llama.cpp's timings beside them."""
    chunks = chunks_of(client.chat(stream=True, stream_options={"include_usage": True}), include_usage=True)
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-1]["usage"]["completion_tokens"] == 3
    assert chunks[-1]["timings"]["predicted_n"] == 3
    assert all("timings" not in chunk for chunk in chunks[:-1])


def test_streaming_is_decided_by_the_body_alone(client):
    """Every SDK sends `Accept: application/json` for streams too."""
    body = {"model": "guide", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    answer = client.post("/v1/chat/completions", body, {"Accept": "application/json"})
    assert chunks_of(answer)


def test_every_choice_has_its_own_role_and_end(client):
    """`n` choices are streamed side by side and each keeps the rules."""
    chunks = chunks_of(client.chat(stream=True, n=3))
    assert [text_of(chunks, index) for index in range(3)] == ["Hello there."] * 3
    body = client.chat(n=3).json
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    assert body["usage"]["completion_tokens"] == 9


def test_reasoning_goes_under_its_own_names_and_is_counted(client, engine):
    """Thinking is never printed as the answer, and usage says how much of it there was."""
    engine.script = say("<think>", "hmm", " yes", "</think>", "\n\nIt is", " so.")
    chunks = chunks_of(client.chat(stream=True, stream_options={"include_usage": True}), include_usage=True)
    assert text_of(chunks) == "It is so."
    assert text_of(chunks, key="reasoning_content") == text_of(chunks, key="reasoning") == "hmm yes"
    assert chunks[-1]["usage"]["completion_tokens_details"]["reasoning_tokens"] in (3, 4)
    message = client.chat().json["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("It is so.", "hmm yes")


def test_a_tool_call_is_streamed_in_fragments(client, engine):
    """Id, type and name once, arguments as they are written, finish_reason tool_calls."""
    engine.script = say(*CALL)
    chunks = chunks_of(client.chat("Weather in Bern?", stream=True, tools=TOOLS))
    calls = [c["delta"]["tool_calls"][0] for k in chunks for c in k["choices"] if "tool_calls" in c["delta"]]
    assert calls[0]["function"] == {"name": "get_weather", "arguments": ""}
    assert "".join(call["function"]["arguments"] for call in calls) == '{"city": "Bern"}'
    assert chunks[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_tool_call_in_a_whole_answer_has_null_content(client, engine):
    """`content: null` beside tool_calls, as OpenAI has it."""
    engine.script = say(*CALL)
    body = client.chat("Weather in Bern?", tools=TOOLS).json
    schema_lint.check(body, "CreateChatCompletionResponse")
    message = body["choices"][0]["message"]
    assert message["content"] is None
    assert message["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city": "Bern"}'}
    assert body["choices"][0]["finish_reason"] == "tool_calls"


def test_without_tools_call_syntax_is_text(client, engine):
    """A person who asks how calls are written gets to read it."""
    engine.script = say(*CALL)
    assert text_of(chunks_of(client.chat(stream=True))) == "".join(CALL)
    assert text_of(chunks_of(client.chat(stream=True, tools=TOOLS, tool_choice="none"))) == "".join(CALL)


def test_tools_are_shown_to_the_model(client, engine):
    """A template without tool support gets them described; nothing is dropped, nothing is a 400."""
    client.chat(tools=TOOLS)
    assert "get_weather" in str(engine.submits[-1].prompt)
    client.chat(tools=TOOLS, tool_choice="none")
    assert "get_weather" not in str(engine.submits[-1].prompt)


def test_the_length_limit_is_told(client, engine):
    """finish_reason "length": aider and others go on from there."""
    engine.script = lambda prompt, params: ["Hel", finish(1, reason="length")]
    assert client.chat(max_tokens=1).json["choices"][0]["finish_reason"] == "length"
    assert engine.submits[-1].params.max_tokens == 1


def test_cached_tokens_are_told(client, engine):
    """prompt_tokens_details.cached_tokens and timings.cache_n."""
    engine.script = lambda prompt, params: ["Hi", finish(1, cached=2)]
    body = client.chat("one two three").json
    assert body["usage"]["prompt_tokens_details"]["cached_tokens"] == 2
    assert body["timings"]["cache_n"] == 2
    assert body["timings"]["prompt_n"] == body["usage"]["prompt_tokens"] - 2


def test_logprobs_come_with_bytes_and_alternatives(client, engine):
    """Every content token once, whole and streamed alike."""
    token = m.TokenLogprob(7, "é", "é".encode(), -0.5, [("é", -0.5, "é".encode()), ("e", -1.5, b"e")])
    engine.script = lambda prompt, params: [m.Delta(0, text="é", num_tokens=1, logprobs=[token])]
    body = client.chat(logprobs=True, top_logprobs=2).json
    schema_lint.check(body, "CreateChatCompletionResponse")
    (entry,) = body["choices"][0]["logprobs"]["content"]
    assert entry["bytes"] == [0xC3, 0xA9]
    assert math.isclose(entry["top_logprobs"][1]["logprob"], -1.5)
    chunks = chunks_of(client.chat(logprobs=True, top_logprobs=2, stream=True))
    streamed = [c["logprobs"]["content"] for k in chunks for c in k["choices"] if c["logprobs"]]
    assert streamed == [[entry]]
    assert engine.submits[-1].params.logprobs == 2


def test_a_last_assistant_message_is_continued(client, engine):
    """Open WebUI's "Continue": the prompt ends inside the message, and the answer does not repeat it."""
    messages = [{"role": "user", "content": "Count."}, {"role": "assistant", "content": "One, two,"}]
    body = {"model": "guide", "messages": messages}
    assert client.post("/v1/chat/completions", body).status == 200
    assert str(engine.submits[-1].prompt).endswith("One, two,")
    client.post("/v1/chat/completions", {**body, "continue_final_message": False})
    assert not str(engine.submits[-1].prompt).endswith("One, two,")


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/chat/completions", "/v1/chat/completions/", "/v1//chat/completions"]
)
def test_the_path_may_be_written_in_every_usual_way(client, path):
    """With and without /v1, with a trailing slash, with the doubled slash of a base URL that ends in one."""
    assert (
        client.post(path, {"model": "guide", "messages": [{"role": "user", "content": "Hi"}]}).status == 200
    )


def test_the_name_that_was_asked_for_is_echoed(client):
    """An alias is answered under the alias, the same in every chunk."""
    body = {"model": "alias-guide", "messages": [{"role": "user", "content": "Hi"}]}
    assert client.post("/v1/chat/completions", body).json["model"] == "alias-guide"


def test_without_a_model_the_first_one_answers(client):
    """A person with curl need not look it up."""
    assert (
        client.post("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}).json["model"]
        == "guide"
    )


def test_a_call_that_the_models_format_does_not_have_cannot_be_forced(client, models):
    """A 400 that says why, instead of an answer without the call that was asked for."""
    rows = models.paths.catalog.read_text(encoding="utf-8")
    models.paths.catalog.write_text(
        rows.replace('id = "guide"\n', 'id = "guide"\ntool_format = "plain"\n'), encoding="utf-8"
    )
    answer = client.chat(tools=TOOLS, tool_choice="required")
    assert (answer.status, answer.error["param"]) == (400, "tool_choice")
    call = {"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    history = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "21"},
    ]
    answer = client.chat(tools=TOOLS, messages=[{"role": "user", "content": "Hi"}, *history])
    assert answer.status == 200
    prompt = str(models.engines["guide"].submits[-1].prompt)
    assert '{"name": "get_weather", "arguments": {}}' in prompt
    assert "The weather of a city." not in prompt
