"""Schemas and grammars made to hurt, on a real engine: each is an answer or a 400, soon, and the engine lives on."""

from __future__ import annotations

from typing import Any

import pytest


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


SCHEMAS = {
    "deep": nested(60),
    "very deep": nested(400),
    "wide": {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(3000)}},
    "many alternatives": {"enum": [f"value {i}" for i in range(5000)]},
    "counted to a billion": {
        "type": "array",
        "items": {"type": "string", "minLength": 10**9},
        "minItems": 10**9,
    },
    "a pattern that explodes": {"type": "string", "pattern": "^(([a-z])+.)+[A-Z]([a-z])+$"},
    "a pattern of huge counts": {"type": "string", "pattern": "^(a{1000}){1000}$"},
    "no pattern at all": {"type": "string", "pattern": "((("},
    "a reference to itself": {"$ref": "#"},
    "a reference to nowhere": {"$ref": "#/definitions/x"},
    "a reference to the network": {"$ref": "http://example.com/schema.json"},
    "every way at once": {"allOf": [{"anyOf": [{"oneOf": [{"type": "object"}] * 30}] * 30}] * 30},
    "impossible": {"type": "integer", "minimum": 5, "maximum": 1},
    "not a schema": {"type": "king", "properties": 5},
    "unevaluated": {"type": "object", "unevaluatedProperties": False, "dependentSchemas": {"a": {"not": {}}}},
}
GRAMMARS = {
    "left recursion": 'root ::= root "a" | "a"',
    "endless": "root ::= root",
    "undefined": "root ::= nothing",
    "no root": 'x ::= "a"',
    "empty": "root ::= ",
    "counts": 'root ::= "a"{100000000}',
    "deep": "root ::= " + "(" * 3000 + '"a"' + ")" * 3000,
    "long": "root ::= " + " | ".join(f'"{i}"' for i in range(20_000)),
    "zero bytes": 'root ::= "\x00"',
}


def ask(real, **fields):
    return real.chat("Hi", **{"model": "tiny", "max_tokens": 4} | fields)


@pytest.mark.parametrize("name", SCHEMAS)
def test_no_schema_hurts(real, name):
    """Compiled within the limits of the grammar's engine, or refused."""
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMAS[name]}}
    answer = ask(real, response_format=schema)
    assert answer.status in (200, 400), answer.body
    assert ask(real, max_tokens=1).status == 200


@pytest.mark.parametrize("name", GRAMMARS)
def test_no_grammar_hurts(real, name):
    """The same for GBNF."""
    answer = ask(real, grammar=GRAMMARS[name])
    assert answer.status in (200, 400), answer.body
    assert ask(real, max_tokens=1).status == 200


@pytest.mark.slow
@pytest.mark.parametrize("name", SCHEMAS)
def test_no_tool_hurts(real, name):
    """Parameters of a forced function are schemas too."""
    tool = {"type": "function", "function": {"name": "f", "parameters": SCHEMAS[name]}}
    answer = ask(real, tools=[tool], tool_choice="required")
    assert answer.status in (200, 400), answer.body
    assert ask(real, max_tokens=1).status == 200
