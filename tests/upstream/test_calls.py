"""Tool calls of other servers, however they are cut up, numbered and ended."""

from __future__ import annotations

import json

import pytest

from localllm.check.stream_lint import data_objects
from tests.api.wire_lint import chunks_of
from tests.upstream.standin import chunk, chunked, event
from tests.upstream.test_requests import DONE, TOOL


def call(index=0, call_id=None, name=None, arguments=None):
    function = {k: v for k, v in (("name", name), ("arguments", arguments)) if v is not None}
    given = {"index": index, "id": call_id, "type": "function", "function": function}
    return {k: v for k, v in given.items() if v is not None}


@pytest.mark.parametrize(
    "fragments",
    [
        [
            call(0, "a", "f", ""),
            call(0, None, None, '{"x"'),
            call(0, None, None, ":1}"),
            call(1, "b", "g", "{}"),
        ],
        [call(0, "a", "f", '{"x"'), call(0, "a", "f", ":1}"), call(1, "b", "g", "{}")],
        [call(0, "a", "f", {"x": 1}), call(1, "b", "g", {})],
        [call(0, "a", "f", '{"x":1}'), call(0, "b", "g", "{}")],
        [call(None, "a", "f", '{"x":1}'), call(None, "b", "g", "{}")],
        [call(None, "a", "f", ""), call(None, None, None, '{"x":1}'), call(None, "b", "g", "")],
        [call(0, "a", None, '{"x"'), call(0, None, "f", ":1}"), call(1, "b", "g")],
    ],
    ids=["right", "repeated", "objects", "all number 0", "no index", "fragments without index", "name late"],
)
def test_tool_calls_are_put_together(stand_in, forward, fragments):
    """Index, id and name once each, arguments as text that is JSON, finish_reason tool_calls."""
    chunks = [event(chunk({"tool_calls": [fragment]})) for fragment in fragments]
    client = forward(stand_in(lambda r: chunked([*chunks, event(chunk({}, "stop")), DONE])).url)
    calls = client.chat(tools=[TOOL]).json["choices"][0]["message"]["tool_calls"]
    assert [(c["id"], c["function"]["name"], json.loads(c["function"]["arguments"])) for c in calls] == [
        ("a", "f", {"x": 1}),
        ("b", "g", {}),
    ]
    assert (
        chunks_of(client.chat(tools=[TOOL], stream=True))[-1]["choices"][0]["finish_reason"] == "tool_calls"
    )


HALF = [call(0, "a", "f", '{"x"')]
NAMELESS = [call(0, "a", None, '{"x":1}')]


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("fragments", "said", "wanted", "arguments"),
    [
        ([], "tool_calls", "stop", []),
        ([{"index": 0}], "tool_calls", "stop", []),
        (HALF, "stop", "length", ['{"x"']),
        (HALF, "tool_calls", "length", ['{"x"']),
        (HALF, "length", "length", ['{"x"']),
        ([call(0, "a", "f", "[1]")], "tool_calls", "length", ["[1]"]),
        ([call(0, "a", "f", "{'x': 1}")], "tool_calls", "length", ["{'x': 1}"]),
        ([call(0, "a", "f", "{}"), call(1, "b", "g", '{"')], "tool_calls", "length", ["{}", '{"']),
        ([call(0, "a", "f", " ")], "tool_calls", "tool_calls", [" {}"]),
        (NAMELESS, "length", "length", []),
    ],
)  # fmt: skip
def test_how_an_answer_with_calls_ends_is_true(stand_in, forward, stream, fragments, said, wanted, arguments):
    """tool_calls means: calls, each with arguments that are an object. Half a call is an answer that was cut short."""
    chunks = [event(chunk({"tool_calls": [fragment]})) for fragment in fragments]
    client = forward(stand_in(lambda r: chunked([*chunks, event(chunk({}, said)), DONE])).url)
    answer = client.chat(tools=[TOOL], stream=stream)
    if stream:  # chunks_of runs the lint of `localllm check`
        choices = [c for part in chunks_of(answer) for c in part["choices"]]
        calls = [c for choice in choices for c in choice["delta"].get("tool_calls", ())]
        numbers = sorted({c["index"] for c in calls})
        got = ["".join(c["function"]["arguments"] for c in calls if c["index"] == i) for i in numbers]
    else:
        choices = answer.json["choices"]
        got = [c["function"]["arguments"] for c in choices[0]["message"].get("tool_calls", ())]
    assert (choices[-1]["finish_reason"], got) == (wanted, arguments)


@pytest.mark.parametrize(
    ("path", "body", "where", "wanted"),
    [
        ("/v1/messages", {"max_tokens": 9, "messages": "…"}, "stop_reason", "max_tokens"),
        ("/v1/responses", {"input": "…"}, "status", "incomplete"),
    ],
)
def test_half_a_call_is_half_in_every_api(stand_in, forward, path, body, where, wanted):
    """Where arguments are an object, half of one is none: the end says that the answer was cut short."""
    half = [event(chunk({"tool_calls": HALF})), event(chunk({}, "tool_calls")), DONE]
    said = [{"role": "user", "content": "Hi"}]
    body = {"model": "guide"} | {key: said if value == "…" else value for key, value in body.items()}
    assert forward(stand_in(lambda r: chunked(half)).url).post(path, body).json[where] == wanted


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("said", ["stop", "tool_calls"])
def test_a_call_without_a_name_is_an_error(stand_in, forward, stream, said):
    """Nobody could carry it out, and without it the answer would look whole."""
    chunks = [event(chunk({"tool_calls": NAMELESS})), event(chunk({}, said)), DONE]
    answer = forward(stand_in(lambda r: chunked(chunks)).url).chat(tools=[TOOL], stream=stream)
    error = data_objects(answer.body)[-1]["error"] if stream else answer.json["error"]
    assert (error["code"], "without a name" in error["message"]) == ("upstream_failed", True)
