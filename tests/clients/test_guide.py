"""The embedded model through the real stack: a streamed call, the tool's result, the answer, in three dialects.

Nothing is forced: the model picks the tool among two and copies the argument out of the question.
"""

from __future__ import annotations

import json
from typing import Any

import anthropic
import openai
import pytest

from localllm import facts
from tests.clients.guide import QUESTION, RESULT, TOOLS, is_about_the_result

USER: Any = {"role": "user", "content": QUESTION}
OPTIONS: dict[str, Any] = {"model": facts.GUIDE, "temperature": 0}


@pytest.fixture
def client(guide_url):
    with openai.OpenAI(base_url=f"{guide_url}/v1", api_key="any", max_retries=0) as client:
        yield client


def test_openai_python(client):
    """Its helper sees the arguments grow, and the answer is streamed too."""
    tools: Any = [
        {"type": "function", "function": {"name": name, "description": text, "parameters": parameters}}
        for name, text, parameters in TOOLS
    ]
    with client.chat.completions.stream(**OPTIONS, tools=tools, messages=[USER]) as stream:
        deltas = [event for event in stream if event.type == "tool_calls.function.arguments.delta"]
        first = stream.get_final_completion().choices[0]
    (call,) = first.message.tool_calls
    assert first.finish_reason == "tool_calls"
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Bern"})
    assert len(deltas) > 1
    assert "".join(event.arguments_delta for event in deltas) == call.function.arguments

    result: Any = {"role": "tool", "tool_call_id": call.id, "content": RESULT}
    history = [USER, first.message.to_dict(), result]
    with client.chat.completions.stream(**OPTIONS, tools=tools, messages=history) as stream:
        answer = stream.get_final_completion().choices[0]
    assert answer.finish_reason == "stop"
    assert is_about_the_result(answer.message.content)


def test_openai_python_responses(client):
    """The same three steps with items instead of messages."""
    tools: Any = [
        {"type": "function", "name": name, "description": text, "parameters": parameters, "strict": True}
        for name, text, parameters in TOOLS
    ]
    with client.responses.stream(**OPTIONS, tools=tools, input=[USER]) as stream:
        deltas = [event for event in stream if event.type == "response.function_call_arguments.delta"]
        first = stream.get_final_response()
    (call,) = [item for item in first.output if item.type == "function_call"]
    assert first.status == "completed"
    assert (call.name, json.loads(call.arguments)) == ("get_weather", {"city": "Bern"})
    assert len(deltas) > 1

    result = {"type": "function_call_output", "call_id": call.call_id, "output": RESULT}
    history: Any = [USER, *(item.to_dict() for item in first.output), result]
    with client.responses.stream(**OPTIONS, tools=tools, input=history) as stream:
        answer = stream.get_final_response()
    assert answer.status == "completed"
    assert is_about_the_result(answer.output_text)


def test_anthropic_python(guide_url):
    """The same three steps with blocks."""
    tools: Any = [
        {"name": name, "description": text, "input_schema": parameters} for name, text, parameters in TOOLS
    ]
    options: dict[str, Any] = {
        "model": facts.GUIDE,
        "max_tokens": 200,
        "tools": tools,
        "extra_body": {"temperature": 0},
    }
    with anthropic.Anthropic(base_url=guide_url, api_key="any", max_retries=0) as client:
        with client.messages.stream(**options, messages=[USER]) as stream:
            deltas = [event for event in stream if event.type == "input_json"]
            first = stream.get_final_message()
        (call,) = [block for block in first.content if block.type == "tool_use"]
        assert (first.stop_reason, call.name, call.input) == ("tool_use", "get_weather", {"city": "Bern"})
        assert len(deltas) > 1

        result: Any = {"type": "tool_result", "tool_use_id": call.id, "content": RESULT}
        history: Any = [
            USER,
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ]
        with client.messages.stream(**options, messages=history) as stream:
            answer = stream.get_final_message()
    assert answer.stop_reason == "end_turn"
    assert is_about_the_result("".join(block.text for block in answer.content if block.type == "text"))
