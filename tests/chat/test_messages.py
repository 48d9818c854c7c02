from __future__ import annotations

import pytest

from localllm.chat.messages import normalise
from localllm.errors import InvalidRequest


def user(text: str = "Hi") -> dict[str, str]:
    return {"role": "user", "content": text}


def calling(*calls: tuple[str, str, str]) -> dict[str, object]:
    listed = [{"id": i, "type": "function", "function": {"name": n, "arguments": a}} for i, n, a in calls]
    return {"role": "assistant", "content": None, "tool_calls": listed}


def test_system_messages_stay_where_they_are_and_neighbours_become_one():
    """Moved to the start, a late one would change the whole prompt; an empty one says nothing."""
    system = [
        {"role": role, "content": text}
        for role, text in (("system", "A"), ("developer", "B"), ("system", ""))
    ]
    messages = [*system, user(), {"role": "developer", "content": "C"}, user("Ho")]
    read = [{"role": "system", "content": text} for text in ("A\n\nB", "C")]
    assert normalise(messages) == [read[0], user(), read[1], user("Ho")]


def test_the_same_role_twice_is_merged_and_empty_assistant_turns_are_dropped():
    """Clients leave an empty turn behind when a generation was stopped; templates want the roles to alternate."""
    messages = [
        user("a"),
        {"role": "assistant", "content": ""},
        user("b"),
        {"role": "assistant", "content": "c"},
    ]
    assert normalise([*messages, {"role": "assistant", "content": "d"}]) == [
        user("a\n\nb"), {"role": "assistant", "content": "c\n\nd"},
    ]  # fmt: skip


@pytest.mark.parametrize("content", [None, "", [], [{"type": "text", "text": None}]])
def test_no_content_is_empty_text(content):
    """null, an empty text and an empty list say the same."""
    assert normalise([{"role": "user", "content": content}]) == [user("")]


def test_content_parts_become_text():
    """Parts of any client, with keys nobody knows, are one text."""
    parts = [
        {"type": "text", "text": "a", "cache_control": {}},
        {"type": "input_text", "text": "b"},
        {"text": "c"},
        "d",
    ]
    assert normalise([{"role": "user", "content": parts}]) == [user("a\nb\nc\nd")]


@pytest.mark.parametrize(
    ("messages", "param"),
    [
        ("hello", "messages"),
        ([], "messages"),
        ([user(), 3], "messages[1]"),
        ([{"content": "x"}], "messages[0].role"),
        ([{"role": "robot", "content": "x"}], "messages[0].role"),
        ([user(), {"role": "user", "content": 3}], "messages[1].content"),
        (
            [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]}],
            "messages[0].content[1]",
        ),
        ([{"role": "user", "content": [3]}], "messages[0].content[0]"),
        ([{"role": "user", "content": [{"type": "text", "text": 3}]}], "messages[0].content[0].text"),
        ([{"role": "assistant", "tool_calls": "x"}], "messages[0].tool_calls"),
        ([{"role": "assistant", "tool_calls": [3]}], "messages[0].tool_calls[0].function"),
        (
            [{"role": "assistant", "tool_calls": [{"function": {"name": 3}}]}],
            "messages[0].tool_calls[0].function.name",
        ),
        ([{"role": "assistant", "reasoning_content": 3}], "messages[0].reasoning_content"),
    ],
)
def test_what_is_no_message_is_refused_with_the_field(messages, param):
    """A wrong type is a 400 that says where, never a crash."""
    with pytest.raises(InvalidRequest) as info:
        normalise(messages)
    assert info.value.param == param
    assert param.split("[")[0] in info.value.message


def test_arguments_are_objects_where_their_json_is_one_and_text_where_not():
    """Malformed arguments of an earlier turn are kept, and do not fail the request."""
    turn = normalise(
        [user(), calling(("1", "f", '{"a": 1}'), ("2", "f", '{"a": '), ("3", "f", "[1]"), ("4", "f", ""))]
    )[1]
    assert [c["function"]["arguments"] for c in turn["tool_calls"]] == [{"a": 1}, '{"a": ', "[1]", {}]


def test_results_get_the_name_of_their_call():
    """Templates look for a name beside the id."""
    messages = [user(), calling(("1", "f", "{}"), ("2", "g", "{}"))]
    results = [
        {"role": "tool", "tool_call_id": "2", "content": "G"},
        {"role": "tool", "tool_call_id": "1", "content": "F"},
    ]
    assert [(m["name"], m["content"]) for m in normalise([*messages, *results])[2:]] == [
        ("g", "G"),
        ("f", "F"),
    ]


def test_the_older_function_call_is_read():
    """`function_call` and the role `function` are what `tool_calls` and `tool` are today."""
    call = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    read = normalise([user(), call, {"role": "function", "name": "f", "content": "F"}])
    assert read[1]["tool_calls"][0]["function"] == {"name": "f", "arguments": {}}
    assert read[2] == {
        "role": "tool",
        "content": "F",
        "name": "f",
        "tool_call_id": read[1]["tool_calls"][0]["id"],
    }


def test_a_result_without_a_call_is_kept():
    """A history that was cut off in front still renders."""
    assert normalise([{"role": "tool", "content": "F"}])[0]["content"] == "F"


def test_turns_with_calls_are_not_merged():
    """Two rounds of calls stay two."""
    assert len(normalise([user(), calling(("1", "f", "{}")), calling(("2", "f", "{}"))])) == 3


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning", "thinking"])
def test_earlier_reasoning_is_kept(key):
    """It comes back under the names that servers gave it."""
    assert (
        normalise([user(), {"role": "assistant", "content": "x", key: "hm"}])[1]["reasoning_content"] == "hm"
    )


def test_reasoning_of_another_api_is_no_mistake():
    """OpenAI's `reasoning` is an object in other places."""
    assert (
        "reasoning_content"
        not in normalise([user(), {"role": "assistant", "content": "x", "reasoning": {}}])[1]
    )
