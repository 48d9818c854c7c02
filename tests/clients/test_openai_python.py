"""openai-python doing its ordinary job against the real server: create, stream, the helper, the error classes."""

from __future__ import annotations

import json
from typing import Any, Literal

import openai
import pytest

from tests.clients.conftest import KEY

USER = {"role": "user", "content": "Tell me a story."}
OPTIONS: dict[str, Any] = {"model": "tiny", "messages": [USER], "max_tokens": 8, "temperature": 0}
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string", "maxLength": 6}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


@pytest.fixture
def client(base_url):
    with openai.OpenAI(base_url=base_url, api_key=KEY, max_retries=0) as client:
        yield client


def test_create(client):
    """A typed completion with usage and a request id."""
    completion = client.chat.completions.create(**OPTIONS)
    assert completion.choices[0].message.content
    assert completion.choices[0].message.role == "assistant"
    assert completion.choices[0].finish_reason == "length"
    assert completion.usage.completion_tokens == 8
    assert completion._request_id.startswith("req_")


def test_stream(client):
    """Chunk by chunk the same text, and usage in the last one."""
    whole = client.chat.completions.create(**OPTIONS).choices[0].message.content
    stream = client.chat.completions.create(**OPTIONS, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole
    assert chunks[-1].usage.completion_tokens == 8
    assert chunks[-1].choices == []


def test_the_stream_helper(client):
    """It asserts role, index, finish_reason and the envelope itself, and puts the pieces together."""
    text = client.chat.completions.create(**OPTIONS).choices[0].message.content
    options = OPTIONS | {"stop": text[8:10], "stream_options": {"include_usage": True}}
    with client.chat.completions.stream(**options) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert final.choices[0].message.role == "assistant"
    assert final.choices[0].finish_reason == "stop"
    assert final.choices[0].message.content == text[: text.index(text[8:10])]
    assert 0 < final.usage.completion_tokens <= 8


def test_the_stream_helper_puts_tool_calls_together(client):
    """Ids and names once, arguments joined."""
    options = OPTIONS | {
        "max_tokens": 100,
        "tools": [TOOL],
        "tool_choice": "required",
        "parallel_tool_calls": False,
    }
    with client.chat.completions.stream(**options) as stream:
        final = stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls
    assert final.choices[0].finish_reason == "tool_calls"
    assert call.function.name == "get_weather"
    assert set(json.loads(call.function.arguments)) == {"city"}


def test_structured_output_is_parsed(client):
    """response_format as a class: the SDK sends the schema and reads the answer with it."""
    import pydantic

    class Weather(pydantic.BaseModel):
        is_warm: bool
        wind: Literal["calm", "storm"]

    completion = client.chat.completions.parse(**OPTIONS | {"max_tokens": 100}, response_format=Weather)
    assert isinstance(completion.choices[0].message.parsed, Weather)


def test_completions(client):
    """The older API, whole and streamed."""
    options = {"model": "tiny", "prompt": "Once upon a time", "max_tokens": 8, "temperature": 0}
    whole = client.completions.create(**options)
    streamed = "".join(chunk.choices[0].text for chunk in client.completions.create(**options, stream=True))
    assert streamed == whole.choices[0].text != ""


def test_models(client):
    """The list, and one of it."""
    assert [model.id for model in client.models.list()] == ["tiny"]
    assert client.models.retrieve("tiny").id == "tiny"


def test_a_stream_that_is_closed_early_frees_the_server(client):
    """`break` out of a stream: the next request is answered at once."""
    for _ in range(6):
        with client.chat.completions.create(**OPTIONS | {"max_tokens": None}, stream=True) as stream:
            next(iter(stream))
    assert client.chat.completions.create(**OPTIONS).usage.completion_tokens == 8


@pytest.mark.parametrize(
    ("changes", "error_class", "code", "param"),
    [
        ({"model": "nope"}, openai.NotFoundError, "model_not_found", "model"),
        ({"temperature": "hot"}, openai.BadRequestError, "invalid_type", "temperature"),
        ({"messages": []}, openai.BadRequestError, None, "messages"),
        (
            {"messages": [{"role": "user", "content": "word " * 8000}]},
            openai.BadRequestError,
            "context_length_exceeded",
            "messages",
        ),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_errors_are_of_the_right_class(client, changes, error_class, code, param, stream):
    """With message, code and param read from the envelope."""
    with pytest.raises(error_class) as caught:
        client.chat.completions.create(**OPTIONS | changes, stream=stream)
    assert (caught.value.code, caught.value.param) == (code, param)
    assert caught.value.message


def test_a_wrong_key_is_an_authentication_error(base_url):
    """For every endpoint."""
    with openai.OpenAI(base_url=base_url, api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError):
            client.models.list()
        with pytest.raises(openai.AuthenticationError):
            client.chat.completions.create(**OPTIONS)


def test_many_clients_at_once(base_url):
    """The async client with eight requests on one connection pool."""
    import asyncio

    async def run():
        async with openai.AsyncOpenAI(base_url=base_url, api_key=KEY, max_retries=0) as client:
            calls = [client.chat.completions.create(**OPTIONS) for _ in range(8)]
            return await asyncio.gather(*calls)

    texts = {completion.choices[0].message.content for completion in asyncio.run(run())}
    assert len(texts) == 1
