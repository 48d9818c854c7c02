from __future__ import annotations

import pytest

from localllm.chat.tools import read_tool_choice, read_tools
from localllm.errors import InvalidRequest

TOOLS = read_tools([{"type": "function", "function": {"name": name}} for name in ("search", "now")])


def test_tools_are_completed_with_what_templates_take_for_granted():
    """Templates write description and parameters without looking whether they are there."""
    assert TOOLS[0] == {
        "type": "function",
        "function": {"name": "search", "description": "", "parameters": {"type": "object", "properties": {}}},
    }


def test_no_tools_and_tools_of_other_kinds_are_none():
    """null, an empty list and web_search are no reason to fail."""
    assert read_tools(None) == read_tools([]) == read_tools([{"type": "web_search"}]) == []


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ("x", "tools"),
        ([3], "tools[0]"),
        ([{"type": "function"}], "tools[0].function"),
        ([{"type": "function", "function": {"name": ""}}], "tools[0].function.name"),
        ([{"type": "function", "function": {"name": "f", "parameters": []}}], "tools[0].function.parameters"),
    ],
)
def test_wrong_tools_are_refused_with_the_field(tools, param):
    """A 400 that says where."""
    with pytest.raises(InvalidRequest) as info:
        read_tools(tools)
    assert info.value.param == param


@pytest.mark.parametrize(
    ("choice", "mode", "names"),
    [
        (None, "auto", {"search", "now"}),
        ("auto", "auto", {"search", "now"}),
        ("none", "none", set()),
        ("required", "required", {"search", "now"}),
        ({"type": "function", "function": {"name": "now"}}, "required", {"now"}),
        ({"type": "function", "name": "now"}, "required", {"now"}),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "name": "now"}]},
            },
            "auto",
            {"now"},
        ),
    ],
)
def test_a_tool_choice_says_whether_and_which(choice, mode, names):
    """All forms of OpenAI's APIs."""
    read = read_tool_choice(choice, TOOLS)
    assert (read.mode, set(read.names)) == (mode, names)


@pytest.mark.parametrize(
    ("choice", "tools", "words"),
    [
        ("always", TOOLS, "none, auto, required"),
        ({"type": "function", "function": {"name": "serch"}}, TOOLS, 'Did you mean "search"'),
        ({"type": "function"}, TOOLS, "must be a name"),
        ({"type": "allowed_tools", "allowed_tools": {}}, TOOLS, "must be a list"),
        ("required", [], "there are no tools"),
    ],
)
def test_a_tool_choice_that_cannot_be_kept_is_refused(choice, tools, words):
    """Forced tools are never silently ignored."""
    with pytest.raises(InvalidRequest, match=words) as info:
        read_tool_choice(choice, tools)
    assert info.value.param == "tool_choice"
