"""Forced and opened calls, checked with the real llguidance on a byte-level tokenizer."""

from __future__ import annotations

import functools
import json
import random
import re
from typing import Any

import llguidance
import pytest

from localllm.chat.formats import by_name, names
from localllm.chat.lark import Lark
from localllm.chat.parser import parse
from localllm.chat.tools import parameters_by_name, read_tools
from localllm.errors import InvalidRequest
from localllm.sampling_params import Grammar

TOKENIZER = llguidance.LLTokenizer("byte")
NESTED = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 6},
        "unit": {"type": "string", "enum": ["c", "f"]},
        "days": {"type": "integer", "minimum": 1, "maximum": 9},
        "options": {
            "type": "object",
            "properties": {
                "exact": {"type": "boolean"},
                "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "maxItems": 2},
            },
            "required": ["exact"],
        },
    },
    "required": ["city", "options"],
    "$defs": {"tag": {"type": "string", "enum": ["x", "y"]}},
}
TOOLS = read_tools(
    [
        {"type": "function", "function": {"name": "get_weather", "parameters": NESTED}},
        {"type": "function", "function": {"name": "now"}},
    ]
)
WEATHER = (
    "get_weather",
    {"city": "Bern", "unit": "c", "days": 3, "options": {"exact": True, "tags": ["x", "y"]}},
)
NOW: tuple[str, Any] = ("now", {})
OPENED = {"functionary-v3.2": ">>>"}  # templates end with the opener of the first part
FORMATS = [name for name in names() if name != "plain"]


@functools.cache
def compiled(text: str) -> llguidance.LLMatcher:
    matcher = llguidance.LLMatcher(TOKENIZER, llguidance.LLMatcher.grammar_from_lark(text), log_level=0)
    assert not matcher.is_error(), matcher.get_error()
    return matcher


def accepts(text: str, answer: str) -> bool:
    matcher = compiled(text).deep_copy()
    tokens = TOKENIZER.tokenize_bytes(answer.encode())
    return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())


def grammar_of(name: str, tools: list[dict[str, Any]] = TOOLS, **options: Any) -> Grammar:
    grammar = by_name(name).grammar(tools, **options)
    assert grammar is not None
    return grammar


def thinking(name: str) -> str:
    markers = by_name(name).reasoning
    if markers is None:
        return ""
    following = {
        "harmony": "<|start|>assistant",
        "atem": "<|start|>assistant",
        "solar-open": "",
        "kimi-k3": "",
    }
    return f"{markers[0]}hm{markers[1]}{following.get(name, chr(10))}"


@pytest.mark.parametrize("name", FORMATS)
def test_a_forced_answer_is_calls_after_the_thinking(name):
    """`required`: what the format writes is allowed, with or without thinking before it, and plain text is not."""
    format_ = by_name(name)
    text = grammar_of(name, tool_choice="required").text
    assert accepts(text, format_.write_calls([WEATHER, NOW]))
    assert accepts(text, thinking(name) + format_.write_calls([NOW]))
    assert not accepts(text, "The weather is fine.")
    assert not accepts(text, "")


@pytest.mark.parametrize("name", FORMATS)
def test_without_parallel_calls_there_is_one(name):
    """parallel_tool_calls: false."""
    format_ = by_name(name)
    text = grammar_of(name, tool_choice="required", parallel=False).text
    assert accepts(text, format_.write_calls([WEATHER]))
    assert not accepts(text, format_.write_calls([WEATHER, NOW]))


@pytest.mark.parametrize("name", FORMATS)
def test_a_named_function_is_the_only_one(name):
    """tool_choice with a function's name."""
    format_ = by_name(name)
    text = grammar_of(name, tool_choice={"type": "function", "function": {"name": "now"}}).text
    assert accepts(text, format_.write_calls([NOW]))
    assert not accepts(text, format_.write_calls([WEATHER]))


@pytest.mark.parametrize("name", FORMATS)
def test_with_auto_the_grammar_describes_what_follows_its_trigger(name):
    """Nothing is constrained until a call opens; from there its arguments are valid for the schema."""
    format_ = by_name(name)
    grammar = grammar_of(name)
    opener = format_.openers[0]
    written = format_.write_calls([WEATHER, NOW])
    wrong = format_.write_calls([("get_weather", {"city": "Bern", "options": {"exact": True}, "made_up": 1})])
    assert opener in grammar.triggers
    assert accepts(grammar.text, written.removeprefix(opener))
    assert not accepts(grammar.text, wrong.removeprefix(opener))


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_grammar_allows_is_read_as_valid_calls(name):
    """A model with random weights, held by the grammar, writes calls that the parser reads, valid for the schema."""
    format_ = by_name(name)
    opener = "" if name in OPENED else format_.openers[0]
    choice = {"tool_choice": "required", "prompt": OPENED[name]} if name in OPENED else {}
    text = grammar_of(name, TOOLS[:1], parallel=False, **choice).text
    for seed in range(5):
        answer = opener + generated(text, seed)
        message = parse(format_, answer, tools=TOOLS)
        ((called, arguments),) = [
            (c["function"]["name"], c["function"]["arguments"]) for c in message["tool_calls"]
        ]
        assert called == "get_weather"
        assert message["content"] is None
        check_arguments(json.loads(arguments), answer)


def generated(text: str, seed: int) -> str:
    """Random text that the grammar allows."""
    rng, matcher, answer = random.Random(seed), compiled(text).deep_copy(), b""
    while not matcher.is_stopped() and len(answer) < 2000:
        tokens = matcher.compute_ff_tokens()
        if not tokens:
            allowed = [token for token, bias in enumerate(matcher.compute_logit_bias()) if bias]
            tokens = [rng.choice([token for token in allowed if 32 <= token < 127] or allowed)]
        matcher.consume_tokens(tokens)
        answer += bytes(token for token in tokens if token < 256)
    return answer.decode(errors="replace")


def check_arguments(arguments: dict[str, Any], answer: str) -> None:
    assert set(arguments) <= set(NESTED["properties"]), answer
    assert isinstance(arguments["city"], str), answer
    assert arguments.get("unit", "c") in ("c", "f"), answer
    assert 1 <= arguments.get("days", 1) <= 9, answer
    assert isinstance(arguments["options"]["exact"], bool), answer
    assert set(arguments["options"].get("tags", [])) <= {"x", "y"}, answer


@pytest.mark.parametrize("name", FORMATS)
def test_what_the_prompt_has_opened_is_not_opened_again(name):
    """A template that ends with the opener of a call: a forced call goes on behind it."""
    format_ = by_name(name)
    opener = format_.written_opener
    if not opener:
        return
    text = grammar_of(name, tool_choice="required", prompt=f"assistant\n{opener}").text
    assert accepts(text, format_.write_calls([WEATHER]).removeprefix(opener))
    assert not accepts(text, format_.write_calls([WEATHER]))


@pytest.mark.parametrize(
    ("name", "begins", "goes_on"),
    [
        ("llama3-json", '{"name":"now"', ',"parameters":{}}'),
        ("llama3-json", ' {\n"type": "function", "name": "now"', ', "parameters": {} }'),
        ("llama-pythonic", "[now(", ")]"),
    ],
)
def test_a_bare_call_is_held_from_its_name_on(name, begins, goes_on):
    """Nothing marks it but its beginning: once the answer began with a tool's name, the schema holds."""
    grammar = grammar_of(name)
    for length in range(len(begins)):
        assert not re.match(grammar.start, begins[:length])
    assert re.match(grammar.start, begins)
    assert accepts(grammar.text, begins + goes_on)
    assert not accepts(grammar.text, f"{begins} and so on")
    assert not re.match(grammar.start, begins.replace("now", "today"))


def test_a_part_that_the_prompt_opened_is_text_or_a_valid_call():
    """functionary-v3.2 with `auto`: who the part is for decides, and so for every later part."""
    text = grammar_of("functionary-v3.2", prompt="assistant\n>>>").text
    assert accepts(text, "all\nHello {you}, 2 >> 1.\n")
    assert accepts(text, "now\n{}")
    assert accepts(text, "all\nOne moment.\n>>>now\n{}")
    assert not accepts(text, "now\nHello")
    assert not accepts(text, 'all\nOne moment.\n>>>now\n{"a": 1}')


def test_a_prompt_that_opened_the_thinking_forces_calls_after_its_end():
    """The grammar begins where the model does."""
    format_ = by_name("hermes")
    text = grammar_of("hermes", tool_choice="required", prompt="assistant\n<think>\n").text
    assert accepts(text, "so\n</think>\n\n" + format_.write_calls([NOW]))
    assert not accepts(text, format_.write_calls([NOW]))


def test_with_a_response_format_the_answer_is_calls_or_json():
    """tool_choice auto beside response_format: both promises are kept, from the first character on."""
    format_ = by_name("hermes")
    grammar = grammar_of(
        "hermes",
        TOOLS,
        answer_schema={"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
    )
    assert grammar.triggers == ()
    assert accepts(grammar.text, '{"a": 1}')
    assert accepts(grammar.text, format_.write_calls([NOW]))
    assert not accepts(grammar.text, "Hello")


def test_without_tools_or_with_none_there_is_no_grammar():
    """The model may write anything."""
    assert by_name("hermes").grammar([]) is None
    assert by_name("hermes").grammar(TOOLS, tool_choice="none") is None
    assert by_name("plain").grammar(TOOLS) is None


def test_a_forced_function_must_exist():
    """A forced choice that cannot be kept is refused, not ignored."""
    with pytest.raises(InvalidRequest):
        by_name("hermes").grammar(TOOLS, tool_choice={"type": "function", "function": {"name": "later"}})


def test_markers_are_rules_of_their_own():
    """The engine, which knows the vocabulary, turns these lines into token ids where a marker is a token."""
    lark = Lark(("<tool_call>", "</think>"))
    text = lark.build(f"{lark.upto('</think>')} {lark.text('<tool_call>{')}")
    assert text.splitlines() == [
        'start: upto_0 mark_1 "{"',
        'upto_0[suffix="</think>"]: /(?s:.*)/',
        'mark_1: "<tool_call>"',
    ]


def test_parameters_without_a_schema_are_an_empty_object():
    """A function that declares nothing takes nothing."""
    assert parameters_by_name(TOOLS)["now"] == {"type": "object", "properties": {}}
