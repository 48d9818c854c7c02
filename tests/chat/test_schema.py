from __future__ import annotations

import json

import pytest

from localllm.chat import schema


@pytest.mark.parametrize(
    ("text", "declared", "value"),
    [
        ("3", {"type": "integer"}, 3),
        ("3", {"type": "string"}, "3"),
        ("3", {"type": "number"}, 3),
        ("three", {"type": "integer"}, "three"),
        (" [1, 2] ", {"type": "array"}, [1, 2]),
        ("True", {"type": "boolean"}, True),
        ("null", {"type": ["string", "null"]}, None),
        ("12", {"type": ["string", "null"]}, "12"),
        ("12", {"anyOf": [{"type": "integer"}, {"type": "null"}]}, 12),
        ("12", {"enum": ["12", "13"]}, "12"),
        ("12", {}, 12),
        ("1e999", {}, "1e999"),
        ("NaN", {"type": "number"}, "NaN"),
        ("[" * 5000, {}, "[" * 5000),
    ],
)
def test_bare_text_becomes_a_value_of_the_declared_type(text, declared, value):
    """Where the text is no such value it stays text: nothing is lost."""
    assert json.loads(schema.to_json(text, declared)) == value


def test_references_inside_the_parameters_are_followed():
    """Pydantic writes enums as $defs."""
    parameters = {
        "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#/nowhere"}},
        "$defs": {"A": {"type": "string"}},
    }
    assert schema.properties(parameters) == {"a": {"type": "string"}, "b": {}}


def test_a_reference_in_a_circle_says_nothing():
    """It ends."""
    assert schema.resolve({"$ref": "#/a"}, {"a": {"$ref": "#/a"}}) == {}


def test_objects_that_list_their_properties_are_closed():
    """A constrained model does not invent parameters; combined and open schemas are left as they are."""
    nested = {
        "type": "object",
        "properties": {"a": {"type": "object", "properties": {}}, "b": {"type": "object"}},
    }
    closed = schema.closed(nested)
    assert closed["additionalProperties"] is False
    assert closed["properties"]["a"]["additionalProperties"] is False
    assert "additionalProperties" not in closed["properties"]["b"]
    assert schema.closed({"additionalProperties": {"type": "string"}})["additionalProperties"] == {
        "type": "string"
    }
    assert "additionalProperties" not in schema.closed({"allOf": [{"properties": {}}]})
