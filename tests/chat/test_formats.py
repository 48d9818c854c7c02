from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from localllm.chat.formats import by_name, detect, names
from localllm.chat.parser import ChatParser, Reasoning, ToolCallArguments, ToolCallStart, fold, parse
from localllm.errors import ConfigError
from tests.chat.transcript import TOOLS, Transcript
from tests.chat.transcripts import TRANSCRIPTS

CALLS: list[tuple[str, Any]] = [
    ("get_weather", {"city": 'Zürich "a" <b>\n漢 \\ x', "days": 3, "places": [{"a": [1, 2.5], "ok": True}]}),
    ("now", {}),
]
WITH_CALLS = [name for name in names() if name != "plain"]


def meaning(message: dict[str, Any]) -> dict[str, Any]:
    """A message without its random call ids."""
    calls = [
        (call["function"]["name"], call["function"]["arguments"]) for call in message.get("tool_calls", [])
    ]
    return {**message, "tool_calls": calls}


def parser_for(transcript: Transcript) -> ChatParser:
    return ChatParser(by_name(transcript.format), tools=TOOLS, prompt=transcript.prompt)


def transcript_id(transcript: Transcript) -> str:
    return f"{transcript.format}-{TRANSCRIPTS.index(transcript)}"


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=transcript_id)
def test_a_transcript_becomes_content_reasoning_and_calls(transcript):
    """What a model of the family writes arrives in the right fields."""
    message = meaning(fold([*(p := parser_for(transcript)).feed(transcript.text), *p.flush()]))
    assert message["content"] == (transcript.content or (None if transcript.calls else ""))
    assert message.get("reasoning_content", "") == transcript.reasoning
    assert tuple(message["tool_calls"]) == transcript.calls
    assert p.num_tool_calls == len(transcript.calls)


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=transcript_id)
def test_every_split_of_a_transcript_gives_the_same_answer(transcript):
    """Where the tokens happen to end makes no difference: any two cuts, and one character at a time."""
    text = transcript.text
    whole = meaning(fold([*(p := parser_for(transcript)).feed(text), *p.flush()]))
    cuts = range(len(text) + 1)
    pairs = itertools.chain(((cut, cut) for cut in cuts), itertools.combinations(cuts[::7], 2))
    splits = [(text[:a], text[a:b], text[b:]) for a, b in pairs]
    for split in [tuple(text), *splits]:
        p = parser_for(transcript)
        deltas = [delta for piece in split for delta in p.feed(piece)]
        assert meaning(fold([*deltas, *p.flush()])) == whole, split


def test_every_format_has_a_transcript():
    """A format without an example of what its models write is not tested."""
    assert {transcript.format for transcript in TRANSCRIPTS} == set(names())


@pytest.mark.parametrize("name", WITH_CALLS)
def test_a_format_reads_what_it_writes(name):
    """The calls of a history, written for a template without calls, are the ones the model is later read by."""
    format_ = by_name(name)
    text = format_.write_calls(CALLS)
    message = parse(format_, text.removeprefix(">>>") if name == "functionary-v3.2" else text, tools=TOOLS)
    read = [
        (call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in message["tool_calls"]
    ]
    assert read == CALLS
    assert message["content"] is None


@pytest.mark.parametrize("name", WITH_CALLS)
def test_without_tools_nothing_is_a_call(name):
    """tool_choice none: the model may write what looks like a call, and it stays text."""
    text = by_name(name).write_calls(CALLS)
    message = parse(by_name(name), text)
    assert "tool_calls" not in message
    assert "get_weather" in message["content"] or name == "harmony"


def test_text_streams_until_an_opener_is_certain():
    """Only what may still become a marker waits; the rest goes out at once."""
    p = ChatParser(by_name("hermes"), tools=TOOLS)
    assert fold(p.feed("Hello <"))["content"] == "Hello"
    assert fold(p.feed("b> you"))["content"] == " <b> you"


def test_arguments_stream_as_they_are_written():
    """A client sees a long argument grow, as JSON text."""
    p = ChatParser(by_name("hermes"), tools=TOOLS)
    first, second = p.feed('<tool_call>{"name": "get_weather", "arguments": {"city": "Zü')
    assert isinstance(first, ToolCallStart)
    assert first.id.startswith("call_")
    assert second == ToolCallArguments(0, '{"city": "Zü')
    assert p.feed("rich") == [ToolCallArguments(0, "rich")]


def test_xml_text_arguments_stream_as_json():
    """An argument that can only be text is passed on, escaped, before its closing tag came."""
    p = ChatParser(by_name("qwen3-coder"), tools=TOOLS)
    p.feed("<tool_call>\n<function=get_weather>\n<parameter=city>\n")
    assert p.feed('a "b"') == [ToolCallArguments(0, 'a \\"b\\"')]


def test_reasoning_ends_where_the_answer_ends():
    """A model that is cut off while it thinks has written thinking, not content."""
    assert parse(by_name("hermes"), "<think>half a thou") == {
        "role": "assistant", "content": "", "reasoning_content": "half a thou",
    }  # fmt: skip


def test_without_reasoning_parsing_the_thinking_is_content():
    """parse_reasoning False leaves the text as the model wrote it."""
    message = parse(by_name("hermes"), "<think>a</think>b", parse_reasoning=False)
    assert message == {"role": "assistant", "content": "<think>a</think>b"}


def test_a_continued_message_that_is_still_thinking_goes_on_thinking():
    """The text of the continued message says whether its thinking had ended."""
    p = ChatParser(by_name("hermes"), continued="<think>one ")
    assert p.feed("two") == [Reasoning("two")]


def test_arguments_that_stop_being_json_end_the_call_and_the_rest_is_content():
    """Broken output is neither repaired nor lost: no client runs a tool with half an argument as if it were whole."""
    message = parse(by_name("hermes"), '<tool_call>{"name": "now", "arguments": {"a": x}} rest', tools=TOOLS)
    assert message["tool_calls"][0]["function"]["arguments"] == '{"a": '
    assert message["content"] == "x}} rest"


def test_mistral_ids_have_nine_characters():
    """Mistral's templates refuse a history with other ids."""
    (call,) = parse(by_name("mistral-args"), "[TOOL_CALLS]now[ARGS]{}", tools=TOOLS)["tool_calls"]
    assert len(call["id"]) == 9
    assert call["id"].isalnum()


@pytest.mark.parametrize(
    ("source", "name", "opener"),
    [
        ("{{ '<tool_call>' }}<think>", "hermes", "<think>"),
        ("<tool_call>\n<function=a>\n<parameter=b>", "qwen3-coder", "<think>"),
        ("<tool_call>{name}<arg_key>k</arg_key><arg_value>", "glm", "<think>"),
        ("[TOOL_CALLS] [ARGS] [THINK] [/THINK]", "mistral-args", "[THINK]"),
        ("<|start|>assistant<|channel|>final<|message|>", "harmony", "<|channel|>analysis<|message|>"),
        ("{'name': …, \"parameters\": …} ipython", "llama3-json", None),
        ("no markers at all", "hermes", "<think>"),
        ("<seed:tool_call><function=a><parameter=b>", "seed-oss", "<seed:think>"),
    ],
)
def test_the_format_is_chosen_by_the_markers_of_the_template(source, name, opener):
    """The template shows how its model writes calls and thinking."""
    format_ = detect(source)
    assert format_.name == name
    assert (format_.reasoning[0] if format_.reasoning else None) == opener


def test_an_unknown_format_name_is_refused_with_the_nearest():
    """The catalog's override is checked."""
    with pytest.raises(ConfigError, match='Did you mean "hermes"'):
        by_name("hermess")
