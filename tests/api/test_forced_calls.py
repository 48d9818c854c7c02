"""A forced tool call is valid on any model: here one of random weights, which would never write one by itself."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from tests.api.http import Client

ADDRESS = {
    "type": "object",
    "properties": {
        "street": {"type": "string", "maxLength": 12},
        "zip": {"type": "string", "pattern": "^[0-9]{5}$"},
        "floor": {"type": "integer", "minimum": 0, "maximum": 99},
    },
    "required": ["street", "zip"],
    "additionalProperties": False,
}
ORDER = {
    "type": "object",
    "properties": {
        "customer": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "maxLength": 10},
                "address": {"$ref": "#/$defs/address"},
            },
            "required": ["name", "address"],
            "additionalProperties": False,
        },
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"article": {"enum": ["tea", "cup", "jug"]}, "express": {"type": "boolean"}},
                "required": ["article", "express"],
                "additionalProperties": False,
            },
            "minItems": 1,
            "maxItems": 3,
        },
    },
    "required": ["customer", "lines"],
    "additionalProperties": False,
    "$defs": {"address": ADDRESS},
}
NOTE = {
    "type": "object",
    "properties": {"text": {"type": "string", "maxLength": 20}},
    "required": ["text"],
    "additionalProperties": False,
}
SCHEMAS = {"place_order": ORDER, "leave_note": NOTE}
TOOLS = [{"type": "function", "function": {"name": n, "parameters": s}} for n, s in SCHEMAS.items()]
NAMED = {"type": "function", "function": {"name": "place_order"}}


def check_call(real: Client, seed: int, tool_choice: Any) -> None:
    """One answer: a call or more, known names, arguments that are valid for the schema."""
    body = {
        "model": "tiny",
        "messages": [{"role": "user", "content": f"Order number {seed}"}],
        "tools": TOOLS,
        "tool_choice": tool_choice,
        "parallel_tool_calls": False,
        "max_tokens": 1000,
        "seed": seed,
        "temperature": 1.0,
    }
    choice = real.post("/v1/chat/completions", body).json["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    name = call["function"]["name"]
    assert name == "place_order" if tool_choice == NAMED else name in SCHEMAS
    jsonschema.validate(json.loads(call["function"]["arguments"]), SCHEMAS[name])


@pytest.mark.parametrize("tool_choice", ["required", NAMED], ids=["required", "named"])
def test_a_forced_call_is_valid_for_a_nested_schema(real: Client, tool_choice: Any) -> None:
    """Eight of eight, whatever the sampling draws."""
    for seed in range(8):
        check_call(real, seed, tool_choice)


@pytest.mark.slow
@pytest.mark.parametrize("tool_choice", ["required", NAMED], ids=["required", "named"])
def test_a_hundred_forced_calls_are_valid(real: Client, tool_choice: Any) -> None:
    """A hundred of a hundred."""
    for seed in range(100):
        check_call(real, seed, tool_choice)


def test_a_response_format_beside_tools_is_refused_as_it_is_without(real: Client) -> None:
    """A keyword that cannot be enforced is named with its place, with tools and without: never silently ignored."""
    schema = {"type": "object", "properties": {"a": {"not": {"type": "string"}}}}
    body = {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Hi"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}},
    }
    for more in ({}, {"tools": TOOLS}):
        answer = real.post("/v1/chat/completions", body | more)
        assert answer.status == 400
        assert answer.json["error"]["param"] == "response_format"
        assert "/properties/a/not" in answer.json["error"]["message"]


def test_parameters_that_cannot_be_compiled_are_refused_by_their_place(real: Client) -> None:
    """A mistake in a tool's schema is the client's, and the message says where it is."""
    parameters = {"type": "object", "properties": {"a": {"type": "string", "pattern": "((("}}}
    body = {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Hi"}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": parameters}}],
    }
    answer = real.post("/v1/chat/completions", body)
    assert answer.status == 400
    assert answer.json["error"]["param"] == "tools"
    assert "/properties/a/pattern" in answer.json["error"]["message"]
