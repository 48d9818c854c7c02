"""What a tool's schema leaves open or demands of a text, in every format: grammar and reader agree with the schema."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from localllm.chat import patterns
from localllm.chat.formats import by_name
from localllm.chat.lark import ANY_TEXT
from localllm.chat.parser import parse
from localllm.chat.tools import Tool, read_tools
from tests.chat.test_grammar import FORMATS, accepts, grammar_of

NODE = {
    "$ref": "#/$defs/Node",
    "$defs": {
        "Node": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
                "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}], "default": None},
            },
            "required": ["name"],
        }
    },
}
ZOD = {
    "type": "object",
    "properties": {
        "size": {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"$ref": "#/properties/n"}}},
        "n": {"type": "integer"},
        "m": {"$ref": "#/properties/n"},
    },
}
OPEN: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "values of one type": (
        {"type": "object", "additionalProperties": {"type": "integer"}},
        {"a": 1, "b_c": 2},
    ),
    "no properties at all": ({"type": "object"}, {"x": "hm", "y": {"z": [1, "a", True]}, "w": False}),
    "more than the listed ones": (
        {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": True},
        {"a": "t", "b": "more", "c": 4},
    ),
    "a recursive model": (
        NODE,
        {"name": "r", "children": [{"name": "k", "children": [{"name": "l"}]}], "next": {"name": "q"}},
    ),
    "nothing in a recursive model": ({"allOf": [NODE], "$defs": NODE["$defs"]}, {"name": "r", "next": None}),
    "references between properties": (ZOD, {"size": {"x": 1, "y": 2}, "n": 3, "m": 4}),
}
HELD = {
    "type": "object",
    "properties": {
        "zip": {"type": "string", "pattern": "^[0-9]{5}$"},
        "mode": {"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}]},
        "kind": {"const": "x"},
        "days": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "path": {"type": ["string", "null"], "pattern": "^/a+$"},
    },
}


def tool(parameters: dict[str, Any]) -> list[Tool]:
    return read_tools([{"type": "function", "function": {"name": "f", "parameters": parameters}}])


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_schema_leaves_open_can_be_called(name):
    """Free-form objects and recursive models: the grammar allows their arguments, and the reader gives them back."""
    for what, (parameters, arguments) in OPEN.items():
        tools = tool(parameters)
        written = by_name(name).write_calls([("f", arguments)])
        assert accepts(grammar_of(name, tools, tool_choice="required").text, written), what
        (call,) = parse(by_name(name), written, tools=tools)["tool_calls"]
        assert json.loads(call["function"]["arguments"]) == arguments, what


@pytest.mark.parametrize("name", FORMATS)
def test_texts_keep_what_the_schema_demands(name):
    """pattern, enum and const, in a union too, also where a format writes text without quotes."""
    grammar = grammar_of(name, tool(HELD), tool_choice="required").text

    def may_be(arguments: dict[str, Any]) -> bool:
        return accepts(grammar, by_name(name).write_calls([("f", arguments)]))

    assert may_be({"zip": "12345", "mode": "b", "kind": "x", "days": 1, "path": "/aa"})
    assert may_be({"mode": None, "days": None, "path": None})
    for wrong in ({"zip": "not a zip"}, {"zip": "123456"}, {"mode": "c"}, {"kind": "y"}, {"path": "/b"}):
        assert not may_be(wrong), wrong
    assert not may_be({"days": "three"})


@pytest.mark.parametrize("name", FORMATS)
def test_values_of_further_parameters_keep_their_schema(name):
    """additionalProperties with a schema; minimax-m3's own tags take any value there."""
    parameters = {"type": "object", "properties": {}, "additionalProperties": {"type": "integer"}}
    grammar = grammar_of(name, tool(parameters), tool_choice="required").text
    is_allowed = accepts(grammar, by_name(name).write_calls([("f", {"a": "text"})]))
    assert is_allowed == (name == "minimax-m3")


@pytest.mark.parametrize("name", FORMATS)
def test_a_pattern_that_no_grammar_can_keep_costs_no_request(name):
    """Look-around is not enforced in a tool's parameters; the rest of them is."""
    parameters = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(?!x)y$"}}}
    grammar = grammar_of(name, tool(parameters), tool_choice="required").text
    assert accepts(grammar, by_name(name).write_calls([("f", {"a": "anything"})]))


def test_a_function_that_declares_nothing_takes_nothing():
    """No parameters, an empty schema and an empty list of properties all say so."""
    for parameters in (None, {}, {"type": "object", "properties": {}}):
        tools = read_tools([{"type": "function", "function": {"name": "f", "parameters": parameters}}])
        grammar = grammar_of("glm", tools, tool_choice="required").text
        assert accepts(grammar, by_name("glm").write_calls([("f", {})]))
        assert not accepts(grammar, by_name("glm").write_calls([("f", {"a": 1})]))


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("^[0-9]{5}$", "12345", "123456"),
        ("b", "abc", "ac"),
        ("^a|c$", "abc", "bcd"),
        (r"^\/x[/\]]$", "/x/", "/y/"),
        (r"^[a\-[]+$", "a-[", "b"),
        ("^(?:ab|c{2})+?$", "abcc", "abc"),
        ("^a{,2}}$", "a{,2}}", "aa"),
        (r"^\u0041\.$", "A.", "AB"),
    ],
)
def test_a_pattern_becomes_a_regular_expression_for_the_whole_text(pattern, matching, other):
    """As ECMAScript finds it anywhere, checked with the grammar's own engine."""
    found = patterns.whole(pattern)
    assert found is not None
    assert accepts(f"start: /{found}/\n", matching)
    assert not accepts(f"start: /{found}/\n", other)


@pytest.mark.parametrize(
    "pattern", ["(?=a)", r"\bword", r"(a)\1", "a^b", "x$y", "(", "[a", ")", "(?<n>a)", "\\"]
)
def test_a_pattern_beyond_regular_languages_says_nothing(pattern):
    """It is left out, which the documentation says."""
    assert patterns.whole(pattern) is None
    assert patterns.text_terminal({"type": "string", "pattern": pattern}) == ANY_TEXT


def test_a_response_format_beside_tools_is_strict():
    """What cannot be enforced there is an error of the grammar, as it is without tools; in tools it is left out."""
    text = grammar_of("hermes", tool({"not": {"required": ["a"]}}), answer_schema={"type": "object"}).text
    strict = [json.loads(line.split("%json ")[1]) for line in text.splitlines() if "%json" in line]
    assert {schema["x-guidance"]["lenient"] for schema in strict} == {True, False}
    assert re.search(r'%json \{"type": "object", "x-guidance": \{.*"lenient": false\}\}', text)
