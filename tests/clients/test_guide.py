"""The embedded model through the real stack: a streamed tool call, the tool's result, the answer, in two dialects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from localllm import facts
from localllm.api.serving import serving
from localllm.config import Config
from localllm.models.catalog import Catalog
from localllm.models.pool import Pool
from localllm.paths import Paths

QUESTION: Any = {"role": "user", "content": "What is the weather in Bern?"}
SCHEMA: Any = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 20}},
    "required": ["city"],
}
DESCRIPTION = "The weather of a city."
RESULT = '{"temperature": 21, "condition": "sunny"}'


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server as a newcomer's: an empty catalog, in which the guide is."""
    folder = tmp_path_factory.mktemp("guide")
    pool = Pool(
        Catalog(folder / "models.toml"), Paths(data=folder, cache=folder / "cache", logs=folder / "logs")
    )
    with serving(pool, Config(port=0), is_port_fixed=True, drain_s=0) as server:
        yield f"http://127.0.0.1:{server.port}"


def test_a_tool_call_its_result_and_the_answer_as_a_message(url):
    """anthropic-python: the call is forced and streamed, the answer ends by itself."""
    tool: Any = {"name": "get_weather", "description": DESCRIPTION, "input_schema": SCHEMA}
    options: dict[str, Any] = {
        "model": facts.GUIDE,
        "max_tokens": 200,
        "tools": [tool],
        "extra_body": {"temperature": 0},
    }
    forced: Any = {"type": "any", "disable_parallel_tool_use": True}
    with anthropic.Anthropic(base_url=url, api_key="any", max_retries=0) as client:
        with client.messages.stream(**options, messages=[QUESTION], tool_choice=forced) as stream:
            first = stream.get_final_message()
        (call,) = [block for block in first.content if block.type == "tool_use"]
        result: Any = {"type": "tool_result", "tool_use_id": call.id, "content": RESULT}
        history: Any = [
            QUESTION,
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ]
        answer = client.messages.create(**options, messages=history)
    assert (first.stop_reason, call.name, list(call.input)) == ("tool_use", "get_weather", ["city"])
    assert answer.stop_reason == "end_turn"
    assert answer.content[0].type == "text"
    assert len(answer.content[0].text) > 10


def test_a_tool_call_its_result_and_the_answer_as_a_response(url):
    """openai-python's Responses API: the same three steps."""
    tool: Any = {
        "type": "function",
        "name": "get_weather",
        "description": DESCRIPTION,
        "parameters": SCHEMA,
        "strict": True,
    }
    options: dict[str, Any] = {
        "model": facts.GUIDE,
        "max_output_tokens": 200,
        "tools": [tool],
        "temperature": 0,
    }
    with openai.OpenAI(base_url=f"{url}/v1", api_key="any", max_retries=0) as client:
        forced: dict[str, Any] = {"tool_choice": "required", "parallel_tool_calls": False}
        with client.responses.stream(**options, **forced, input=[QUESTION]) as stream:
            first = stream.get_final_response()
        (call,) = [item for item in first.output if item.type == "function_call"]
        result = {"type": "function_call_output", "call_id": call.call_id, "output": RESULT}
        history: Any = [QUESTION, *(item.to_dict() for item in first.output), result]
        answer = client.responses.create(**options, input=history)
    assert (first.status, call.name, list(json.loads(call.arguments))) == (
        "completed",
        "get_weather",
        ["city"],
    )
    assert answer.status == "completed"
    assert len(answer.output_text) > 10
