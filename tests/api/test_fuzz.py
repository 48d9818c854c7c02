"""Bad input: whatever is sent to whichever endpoint, the answer is a result or an error in the envelope, no 5xx."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from localllm.api import page_found, sampling
from localllm.api.app import create_app
from localllm.config import Config
from tests.api.fakes import FakeModels

TOOL = {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
HISTORY: list[dict[str, Any]] = [
    {"role": "system", "content": "s"},
    {"role": "user", "content": [{"type": "text", "text": "Hi"}]},
    {"role": "assistant", "content": None, "reasoning_content": "r", "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "c", "content": "42"},
]
FORMAT = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}, "strict": True}}
SAMPLING = dict.fromkeys((*sampling.NUMBERS, *sampling.INTEGERS, *sampling.MAX_TOKENS), 1) | {
    "stop": ["x"], "seed": 1, "logit_bias": {"1": 1}, "ignore_eos": True, "cache_prompt": True,
    "dry_sequence_breakers": ["\n"],
}  # fmt: skip
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {
        "model": "guide", "messages": HISTORY, "tools": [TOOL], "tool_choice": "auto", "n": 1, "stream": False,
        "stream_options": {"include_usage": True}, "response_format": FORMAT, "logprobs": True, "top_logprobs": 1,
        "parallel_tool_calls": True, "reasoning_effort": "low", "chat_template_kwargs": {"a": 1}, "truncation": "auto",
        "continue_final_message": False, "grammar": "", "json_schema": {}, **SAMPLING,
    },
    "/v1/completions": {
        "model": "guide", "prompt": ["a", [1, 2]], "n": 1, "best_of": 1, "echo": True, "logprobs": 1, "suffix": "",
        "stream": False, "stream_options": {}, **SAMPLING,
    },
    "/v1/responses": {
        "model": "guide", "input": [{"role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        "instructions": "i", "tools": [{"type": "function", "name": "f", "parameters": {}}], "tool_choice": "auto",
        "reasoning": {"effort": "low"}, "text": {"format": {"type": "text"}}, "max_output_tokens": 5, "store": False,
        "include": [], "stream": False, "temperature": 1, "metadata": {},
    },
    "/v1/messages": {
        "model": "guide", "max_tokens": 5, "system": [{"type": "text", "text": "s"}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}], "tool_choice": {"type": "auto"},
        "thinking": {"type": "enabled", "budget_tokens": 1024}, "stop_sequences": ["x"], "stream": False,
    },
    "/v1/messages/count_tokens": {"model": "guide", "messages": [{"role": "user", "content": "Hi"}]},
    "/v1/embeddings": {"model": "guide", "input": ["a", [1]], "encoding_format": "float", "dimensions": 4},
    "/v1/rerank": {"model": "guide", "query": "q", "documents": ["a", {"text": "b"}], "top_n": 1},
    "/tokenize": {"model": "guide", "content": "a", "with_pieces": True},
    "/detokenize": {"model": "guide", "tokens": [1, 2]},
    "/apply-template": {"model": "guide", "messages": HISTORY},
    "/models/load": {"model": "guide"},
    "/models/unload": {"model": "guide"},
    "/models": {"model": "guide"},
    "/models/downloads/pause": {"model": "guide"},
    "/models/downloads/resume": {"model": "guide"},
    "/v1/responses/input_tokens": {"model": "guide", "input": "Hi", "instructions": "i", "text": {}},
    "/page/found": {"path": "/x/model.gguf"},
    "/page/markdown": {"texts": ["# a", "b"]},
}  # fmt: skip
DELETED = "DELETE /models"  # what it deletes is named in the address
ANTHROPIC = ("/v1/messages", "/v1/messages/count_tokens")  # whose errors have no `param`
JUNK: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63), 10**30, 0.5, -0.0, 1e308, "", "x", "\x00", "é€\U0001f600",
    "\ud800", "x" * 5000, "{", "auto", "required", [], [[]], [None], [1, "a"], {}, {"type": "x"}, {"": None},
    {"type": "function"}, {"role": "user"}, [{"role": "user", "content": "Hi"}], [[[[[[]]]]]],
)  # fmt: skip
NUM_REQUESTS = 1_500
NUM_SLOW_REQUESTS = 20_000


def spoiled(value: Any, dice: random.Random) -> Any:
    """The value with one place of it replaced, left out or doubled."""
    if isinstance(value, dict) and value and dice.random() < 0.9:
        value = dict(value)
        key = dice.choice(list(value))
        if dice.random() < 0.1:
            del value[key]
        elif dice.random() < 0.05:
            value[key + "\ud800" * (dice.random() < 0.5)] = value.pop(key)
        else:
            value[key] = spoiled(value[key], dice)
        return value
    if isinstance(value, list) and value and dice.random() < 0.8:
        value = list(value)
        index = dice.randrange(len(value))
        if dice.random() < 0.2:
            value.append(copy.deepcopy(value[index]))
        else:
            value[index] = spoiled(value[index], dice)
        return value
    return dice.choice(JUNK)


def send(client: Any, path: str, data: str) -> Any:
    """A body to a path, or what it says to the address of a DELETE."""
    if path != DELETED:
        return client.post(path, data=data, content_type="application/json")
    return client.delete("/models", query_string={"model": data.encode("utf-8", "replace")})


def has_no_fields(data: str, code: str | None) -> bool:
    """True where there was no object to read, so that no field of it can be named."""
    return code == "invalid_json" or not data or not isinstance(json.loads(data), dict)


def fuzz(folder, num_requests: int, seed: int) -> None:
    dice = random.Random(seed)
    models = FakeModels(folder)
    client = create_app(models.pool, Config(num_http_threads=4)).test_client()
    for number in range(num_requests):
        path = dice.choice([*BODIES, DELETED])
        body = BODIES.get(path, {"model": "guide"})
        for _ in range(dice.choice((1, 1, 2, 4))):
            body = spoiled(body, dice)
        data = json.dumps(body)
        if dice.random() < 0.03:
            data = data[: dice.randrange(len(data))]
        response = send(client, path, data)
        said = response.get_data()
        context = (
            f"request {number} of seed {seed}: {path} {data[:1000]} → {response.status_code} {said[:500]!r}"
        )
        assert response.status_code < 500, context
        if response.status_code >= 400:
            assert response.content_type == "application/json", context
            error = json.loads(said)["error"]
            assert error["message"], context
            if response.status_code == 400 and path not in ANTHROPIC:
                assert error["param"] or has_no_fields(data, error["code"]), context
        elif response.content_type == "application/json":
            json.loads(said)
        else:
            assert response.content_type == "text/event-stream; charset=utf-8", context
            assert b'"internal_error"' not in said, context
        response.close()
    models.pool.close()


@pytest.fixture(autouse=True)
def no_other_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The models of other programs on this computer are none of this test's business."""
    monkeypatch.setattr(page_found, "find_models", list)


def test_no_input_is_a_5xx(tmp_path):
    """Every endpoint, bodies spoiled in one to four places, some cut short."""
    fuzz(tmp_path, NUM_REQUESTS, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [2, 3])
def test_no_input_is_a_5xx_many_times(tmp_path, seed):
    """As many as it takes to believe it."""
    fuzz(tmp_path, NUM_SLOW_REQUESTS, seed)
