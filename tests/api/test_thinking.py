"""How much a model may think: every API's name for it, and what a real engine makes of a budget."""

from __future__ import annotations

import json

import jsonschema
import pytest

from tests.api.fakes import say
from tests.api.test_chat import TOOLS
from tests.api.wire_lint import chunks_of

THINKS = "{% for m in messages %}{{ m.content }}{% endfor %}<think>\n{# </think> #}"
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 5}},
    "required": ["city"],
    "additionalProperties": False,
}


@pytest.fixture
def thinker(models):
    """The client's model opens its thinking in the prompt."""
    entry = models.paths.catalog.read_text(encoding="utf-8")
    row = f"chat_template = '''{THINKS}'''\n"
    models.paths.catalog.write_text(entry.replace('id = "guide"\n', f'id = "guide"\n{row}'), encoding="utf-8")
    return models.engines["guide"]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("chat/completions", {"reasoning_budget": 7}),
        ("chat/completions", {"thinking_budget_tokens": 7}),
        ("chat/completions", {"thinking_budget": 7}),
        ("chat/completions", {"reasoning": {"max_tokens": 7}}),
        ("chat/completions", {"thinking": {"type": "enabled", "budget_tokens": 7}}),
        ("chat/completions", {"chat_template_kwargs": {"thinking_budget": 7}}),
        ("responses", {"reasoning": {"effort": "high", "max_tokens": 7}}),
        ("messages", {"thinking": {"type": "enabled", "budget_tokens": 7}}),
    ],
)
def test_a_budget_reaches_the_engine_by_any_name(thinker, client, path, fields):
    """OpenAI has no name for it, so each server made its own; clients send one of them."""
    said = {"input": "Hi"} if path == "responses" else {"messages": [{"role": "user", "content": "Hi"}]}
    assert client.post(f"/v1/{path}", {"model": "guide", "max_tokens": 99} | said | fields).status == 200
    submitted = thinker.submits[-1]
    assert submitted.params.reasoning_budget == 7
    assert submitted.thinking.is_open
    assert submitted.thinking.end == "\n</think>\n\n"


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning_budget": 0},
        {"reasoning_effort": "none"},
        {"enable_thinking": False},
        {"chat_template_kwargs": {"enable_thinking": False}},
        {"thinking": {"type": "disabled"}},
        {"reasoning": {"enabled": False}},
    ],
)
def test_off_is_off_also_where_the_template_has_no_switch(thinker, client, fields):
    """The thinking that the template begins is ended before the model says a word, and may not begin again."""
    thinker.script = say("<b>", "yes")
    answer = client.chat(**fields).json
    submitted = thinker.submits[-1]
    assert submitted.prompt == "Hi<think>\n\n</think>\n\n"
    assert submitted.params.reasoning_budget == 0
    assert not submitted.thinking.is_open
    assert answer["choices"][0]["message"]["content"] == "<b>yes"


def test_without_a_word_about_it_thinking_has_no_limit(thinker, client):
    """And -1 takes away the limit that the entry sets."""
    client.chat()
    assert thinker.submits[-1].params.reasoning_budget is None
    assert thinker.submits[-1].thinking is None


def test_the_catalog_may_set_a_budget(models, engine, client):
    """`reasoning_budget` in [model.sampling]; a request has the last word."""
    rows = models.paths.catalog.read_text(encoding="utf-8").split("[[model]]")
    rows[1] += "[model.sampling]\nreasoning_budget = 9\n"
    models.paths.catalog.write_text("[[model]]".join(rows), encoding="utf-8")
    client.chat()
    client.chat(reasoning_budget=-1)
    assert [s.params.reasoning_budget for s in engine.submits] == [9, None]


@pytest.mark.parametrize("name", ["reasoning_budget", "thinking_budget"])
def test_a_budget_that_is_no_number_names_the_field(client, name):
    """A wrong type is a 400, as everywhere."""
    answer = client.chat(**{name: "much"})
    assert (answer.status, answer.error["param"]) == (400, name)


def think(real, **fields):
    """A greedy answer that goes on with its own thinking; the tiny model would never end it."""
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "<think>\nSo"},
    ]
    body = {"model": "tiny", "messages": messages, "temperature": 0, "max_tokens": 40}
    return real.post("/v1/chat/completions", body | fields)


def test_a_real_engine_ends_the_thinking_after_so_many_tokens(real):
    """The end is written for the model, which then goes on with its answer; the thinking is counted."""
    body = think(real, reasoning_budget=6).json
    message, usage = body["choices"][0]["message"], body["usage"]
    free = think(real, max_tokens=6).json["choices"][0]["message"]
    assert message["reasoning_content"] == free["reasoning_content"]
    assert free["content"] == ""
    assert message["content"]
    assert "</think>" not in message["content"]
    assert usage["completion_tokens"] == 40
    assert 6 <= usage["completion_tokens_details"]["reasoning_tokens"] <= 10


def test_a_budget_holds_in_a_stream_and_beside_guesses(real):
    """Repeated text is guessed several tokens a step: the budget ends it at the same token."""
    whole = think(real, reasoning_budget=30, max_tokens=60).json["choices"][0]["message"]
    chunks = chunks_of(think(real, reasoning_budget=30, max_tokens=60, stream=True))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    for key in ("content", "reasoning_content"):
        assert "".join(delta.get(key) or "" for delta in deltas) == whole[key]


def test_a_schema_holds_after_the_thinking_was_ended(real):
    """response_format sleeps until the end is written, by whom ever."""
    format_ = {"type": "json_schema", "json_schema": {"name": "a", "schema": CITY}}
    message = think(real, reasoning_budget=4, response_format=format_).json["choices"][0]["message"]
    assert message["reasoning_content"]
    jsonschema.validate(json.loads(message["content"]), CITY)


def test_a_forced_call_comes_after_the_thinking_was_ended(real):
    """The thinking is part of the grammar of a forced call."""
    (weather,), one_call = TOOLS, {"parallel_tool_calls": False, "max_tokens": 200}
    tools = [{"type": "function", "function": {"name": weather["function"]["name"], "parameters": CITY}}]
    body = think(real, reasoning_budget=4, tools=tools, tool_choice="required", **one_call).json
    (choice,) = body["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["reasoning_content"]
    (call,) = choice["message"]["tool_calls"]
    jsonschema.validate(json.loads(call["function"]["arguments"]), CITY)
