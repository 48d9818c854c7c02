"""anthropic-python doing its ordinary job against the real server: create, stream, tools, counting, error classes."""

from __future__ import annotations

import contextlib
from typing import Any

import anthropic
import pytest

from localllm import errors
from tests.clients.conftest import KEY
from tests.clients.scripted import THOUGHT_TEXT_AND_CALL, scripted_server

USER: Any = {"role": "user", "content": "Tell me a story."}
OPTIONS: dict[str, Any] = {
    "model": "tiny",
    "max_tokens": 8,
    "messages": [USER],
    "extra_body": {"temperature": 0},
}
TOOL: Any = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 6}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
FORCED = OPTIONS | {
    "max_tokens": 100,
    "tools": [TOOL],
    "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
}


@pytest.fixture
def client(base_url):
    with anthropic.Anthropic(base_url=base_url.removesuffix("/v1"), api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def scripted(tmp_path):
    """Starts a server with a script and gives a client of it."""
    with contextlib.ExitStack() as stack:

        def start(script):
            url = stack.enter_context(scripted_server(tmp_path, guide=script))
            return stack.enter_context(anthropic.Anthropic(base_url=url, api_key="x", max_retries=0))

        yield start


def test_create(client):
    """A typed message with usage."""
    message = client.messages.create(**OPTIONS)
    assert message.content[0].text
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 8


def test_stream(client):
    """The helper builds the same message from the events."""
    whole = client.messages.create(**OPTIONS).content[0].text
    with client.messages.stream(**OPTIONS) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == whole == final.content[0].text
    assert final.stop_reason == "max_tokens"
    assert final.usage.output_tokens == 8


def test_a_stop_sequence_is_named(client):
    """stop_reason stop_sequence, and the text ends before it."""
    whole = client.messages.create(**OPTIONS).content[0].text
    message = client.messages.create(**OPTIONS, stop_sequences=[whole[2:4]])
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", whole[2:4])
    assert message.content[0].text == whole[: whole.index(whole[2:4])]


def test_a_tool_call_its_result_and_the_answer(client):
    """Three steps with the SDK's own objects sent back, as agents do."""
    with client.messages.stream(**FORCED) as stream:
        first = stream.get_final_message()
    (call,) = [block for block in first.content if block.type == "tool_use"]
    assert first.stop_reason == "tool_use"
    assert (call.name, set(call.input)) == ("get_weather", {"city"})
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "Sunny."}
    history = [USER, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    second = client.messages.create(**OPTIONS | {"messages": history, "tools": [TOOL]})
    assert second.content


def test_count_tokens_is_what_the_usage_says(client):
    """The count before is the count after, cached or not."""
    counted = client.messages.count_tokens(model="tiny", messages=[USER], tools=[TOOL])
    usage = client.messages.create(**OPTIONS, tools=[TOOL]).usage
    assert counted.input_tokens == usage.input_tokens + usage.cache_read_input_tokens


def test_a_second_request_is_served_from_the_cache(client):
    """cache_read_input_tokens says how much of the prompt was not computed again."""
    history = [{"role": "user", "content": "word " * 200}]
    client.messages.create(**OPTIONS | {"messages": history})
    usage = client.messages.create(**OPTIONS | {"messages": history}).usage
    assert usage.cache_read_input_tokens > 100 > usage.input_tokens


def test_the_beta_endpoint(client):
    """`?beta=true` and anthropic-beta change nothing."""
    message = client.beta.messages.create(**OPTIONS, betas=["context-management-2025-06-27"])
    assert message.usage.output_tokens == 8


def test_thinking_text_and_a_call_reach_the_helper(scripted):
    """Three blocks, in their order, with what was in them."""
    options: dict[str, Any] = {"model": "guide", "max_tokens": 100, "messages": [USER], "tools": [TOOL]}
    with scripted(THOUGHT_TEXT_AND_CALL).messages.stream(**options) as stream:
        kinds = {event.type for event in stream}
        thinking, text, call = stream.get_final_message().content
    assert {"thinking", "signature", "input_json", "text"} <= kinds
    assert (thinking.thinking, text.text, call.input) == ("hmm", "Let me look.", {"city": "Bern"})
    assert thinking.signature


def test_a_failure_in_mid_stream_is_raised(scripted):
    """With the message, after the text that came before it."""
    client = scripted(lambda prompt, params: ["Hel", errors.EngineDied("It died.")])
    options: dict[str, Any] = {"model": "guide", "max_tokens": 9, "messages": [USER]}
    with (
        pytest.raises(anthropic.APIStatusError, match="It died"),
        client.messages.stream(**options) as stream,
    ):
        stream.get_final_message()


@pytest.mark.parametrize(
    ("changes", "error_class", "words"),
    [
        ({"model": "nope"}, anthropic.NotFoundError, 'no model "nope"'),
        ({"messages": [{"role": "king", "content": "x"}]}, anthropic.BadRequestError, r"messages\[0\]\.role"),
        (
            {"messages": [{"role": "user", "content": "word " * 8000}]},
            anthropic.BadRequestError,
            r"prompt is too long: \d+ tokens > 4096 maximum",
        ),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_errors_are_of_the_right_class(client, changes, error_class, words, stream):
    """With Anthropic's error type in the body."""
    with pytest.raises(error_class, match=words) as caught:
        client.messages.create(**OPTIONS | changes, stream=stream)
    assert caught.value.body["error"]["type"] in ("not_found_error", "invalid_request_error")


def test_a_wrong_key_is_an_authentication_error(base_url):
    """In Anthropic's envelope."""
    url = base_url.removesuffix("/v1")
    with (
        anthropic.Anthropic(base_url=url, api_key="wrong", max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError) as caught,
    ):
        client.messages.create(**OPTIONS)
    assert '"authentication_error"' in caught.value.response.text


def test_an_auth_token_is_taken_too(base_url):
    """Authorization: Bearer, as Claude Code sends it with ANTHROPIC_AUTH_TOKEN."""
    with anthropic.Anthropic(base_url=base_url.removesuffix("/v1"), auth_token=KEY, max_retries=0) as client:
        assert client.messages.create(**OPTIONS).usage.output_tokens == 8
