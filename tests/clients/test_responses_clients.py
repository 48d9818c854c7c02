"""openai-python's Responses API against the real server: create, stream, the helper, tools, structured output."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Literal

import openai
import pytest

from localllm import errors
from tests.clients.conftest import KEY
from tests.clients.scripted import THOUGHT_TEXT_AND_CALL, scripted_server

OPTIONS: dict[str, Any] = {
    "model": "tiny",
    "input": "Tell me a story.",
    "max_output_tokens": 8,
    "temperature": 0,
}
TOOL: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 6}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
FORCED = OPTIONS | {
    "max_output_tokens": 100,
    "tools": [TOOL],
    "tool_choice": "required",
    "parallel_tool_calls": False,
}


@pytest.fixture
def client(base_url):
    with openai.OpenAI(base_url=base_url, api_key=KEY, max_retries=0) as client:
        yield client


@pytest.fixture
def scripted(tmp_path):
    """Starts a server with a script and gives a client of it."""
    with contextlib.ExitStack() as stack:

        def start(script):
            url = stack.enter_context(scripted_server(tmp_path, guide=script))
            return stack.enter_context(openai.OpenAI(base_url=f"{url}/v1", api_key="x", max_retries=0))

        yield start


def test_create(client):
    """A typed response with text and whole usage."""
    response = client.responses.create(**OPTIONS)
    assert response.output_text
    assert (response.status, response.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert response.usage.output_tokens == 8
    assert response.usage.total_tokens == response.usage.input_tokens + 8
    assert response.usage.output_tokens_details.reasoning_tokens == 0


def test_stream(client):
    """Event by event the same text."""
    whole = client.responses.create(**OPTIONS).output_text
    events = list(client.responses.create(**OPTIONS, stream=True))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == whole
    assert events[-1].type == "response.incomplete"
    assert events[-1].response.output_text == whole


def test_the_stream_helper(client):
    """It raises on every event that comes out of order."""
    with client.responses.stream(**OPTIONS) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
    assert "".join(deltas) == client.responses.create(**OPTIONS).output_text


def test_a_tool_call_its_result_and_the_answer(client):
    """Three steps with the SDK's own objects sent back, as agents do."""
    with client.responses.stream(**FORCED) as stream:
        first = stream.get_final_response()
    (call,) = [item for item in first.output if item.type == "function_call"]
    assert call.name == "get_weather"
    assert set(json.loads(call.arguments)) == {"city"}
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny."}
    history = [{"role": "user", "content": "Weather?"}, *(item.to_dict() for item in first.output), result]
    second = client.responses.create(**OPTIONS | {"input": history, "tools": [TOOL]})
    assert second.usage.input_tokens > first.usage.input_tokens


def test_structured_output_is_parsed(client):
    """text_format as a class: the SDK sends the schema and reads the answer with it."""
    import pydantic

    class Weather(pydantic.BaseModel):
        is_warm: bool
        wind: Literal["calm", "storm"]

    response = client.responses.parse(**OPTIONS | {"max_output_tokens": 100}, text_format=Weather)
    assert isinstance(response.output_parsed, Weather)


def test_input_tokens_are_those_of_the_usage(client):
    """The count before is the count after."""
    counted = client.responses.input_tokens.count(model="tiny", input=OPTIONS["input"], tools=[TOOL])
    assert counted.input_tokens == client.responses.create(**OPTIONS, tools=[TOOL]).usage.input_tokens


def test_thinking_text_and_a_call_reach_the_helper(scripted):
    """Three items, in their order, with what was in them."""
    with scripted(THOUGHT_TEXT_AND_CALL).responses.stream(model="guide", input="Hi", tools=[TOOL]) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_response()
    assert {"response.reasoning_text.delta", "response.function_call_arguments.done"} <= kinds
    assert [item.type for item in final.output] == ["reasoning", "message", "function_call"]
    assert final.output_text == "Let me look."
    assert final.output[2].parsed_arguments == {"city": "Bern"}


def test_a_failure_in_mid_stream_is_seen(scripted):
    """Raw iteration gets the events, the helper raises."""
    client = scripted(lambda prompt, params: ["Hel", errors.EngineDied("It died.")])
    events = list(client.responses.create(model="guide", input="Hi", stream=True))
    assert events[-1].type == "response.failed"
    assert events[-1].response.error.message == "It died."
    with pytest.raises(RuntimeError), client.responses.stream(model="guide", input="Hi") as stream:
        stream.get_final_response()


@pytest.mark.parametrize(
    ("changes", "error_class", "code", "param"),
    [
        ({"model": "nope"}, openai.NotFoundError, "model_not_found", "model"),
        (
            {"previous_response_id": "r"},
            openai.BadRequestError,
            "unsupported_parameter",
            "previous_response_id",
        ),
        ({"input": "word " * 8000}, openai.BadRequestError, "context_length_exceeded", "input"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_errors_are_of_the_right_class(client, changes, error_class, code, param, stream):
    """With message, code and param read from the envelope."""
    with pytest.raises(error_class) as caught:
        client.responses.create(**OPTIONS | changes, stream=stream)
    assert (caught.value.code, caught.value.param) == (code, param)
