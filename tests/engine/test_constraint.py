"""A schema that cannot be enforced is refused, and the refusal says where."""

from __future__ import annotations

import json

import llguidance
import pytest

from localllm.engine.constraint import Compiler
from localllm.errors import InvalidRequest
from localllm.sampling_params import Grammar


@pytest.fixture(scope="module")
def compiler():
    return Compiler(llguidance.LLTokenizer("byte"))


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"properties": {"a": {"type": "array", "uniqueItems": True}}}, "/properties/a/uniqueItems"),
        ({"properties": {"a/b": {"not": {"type": "string"}}}}, "/properties/a~1b/not"),
        ({"anyOf": [{"type": "null"}, {"type": "string", "format": "zip-code"}]}, "/anyOf/1/format"),
        ({"properties": {"x": {"$ref": "#/nope"}}}, "/properties/x/$ref"),
        ({"items": {"type": "string", "pattern": "(?=a)b"}}, "/items/pattern"),
        ({"$defs": {"t": {"if": {}, "then": {}}}, "$ref": "#/$defs/t"}, "/$defs/t/if"),
        (
            {"properties": {"not": {"type": "object", "dependentRequired": {}}}},
            "/properties/not/dependentRequired",
        ),
    ],
)
def test_an_unsupported_keyword_is_refused_by_its_json_pointer(compiler, schema, pointer):
    """Never silently ignored; a property that is only called like a keyword is no keyword."""
    with pytest.raises(InvalidRequest, match="cannot be enforced") as refused:
        compiler.constraint(Grammar("json_schema", json.dumps(schema)))
    assert f" at {pointer}: " in refused.value.message
    assert refused.value.param == "response_format"


def test_a_schema_is_compiled_once(compiler):
    """The second request with the same schema shares the compiled grammar and starts at its beginning."""
    grammar = Grammar("json_schema", '{"type":"object","properties":{"once":{"type":"integer"}}}')
    first = compiler.constraint(grammar)
    misses = compiler._compile.cache_info().misses
    first.accept(ord("{"), b"{")
    second = compiler.constraint(grammar)
    assert compiler._compile.cache_info().misses == misses
    assert second.accept(ord("{"), b"{") == compiler.constraint(grammar).accept(ord("{"), b"{")


def test_forced_text_is_given_at_once(compiler):
    """After the brace of an object with one required key nothing else can come."""
    schema = {
        "type": "object",
        "properties": {"k": {"const": 1}},
        "required": ["k"],
        "additionalProperties": False,
    }
    constraint = compiler.constraint(Grammar("json_schema", json.dumps(schema)))
    forced = constraint.accept(ord("{"), b"{")
    assert bytes(forced) == b'"k":1}'
    assert constraint.is_complete


def test_a_start_wakes_the_grammar_where_the_text_begins_with_it(compiler):
    """What was written until then belongs to the grammar; what begins otherwise never wakes it."""
    grammar = Grammar("lark", 'start: "{now" ":" /[0-9]/\n', start=r"\{now")
    for text, is_active in (("{now", True), ("a {now", False), ("{later {now", False)):
        constraint = compiler.constraint(grammar)
        for byte in text.encode():
            forced = constraint.accept(byte, bytes([byte]))
            assert not forced
        assert constraint.is_active == is_active, text
        assert constraint.allows(ord(":"))
        assert constraint.allows(ord("x")) == (not is_active)
