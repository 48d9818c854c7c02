"""Namespaces of tools on /v1/responses: what Codex makes of an MCP server, shown to a model as plain functions."""

from __future__ import annotations

import pytest

from tests.api import schema_lint
from tests.api.fakes import say
from tests.api.responses_lint import events_of
from tests.api.test_responses import TOOL, respond

ORDERS = {
    "type": "namespace",
    "name": "crm",
    "description": "The customers.",
    "tools": [
        {"type": "function", "name": "list_orders", "description": "All.", "parameters": {"type": "object"}},
        {"type": "custom", "name": "patch"},
    ],
}
SERVER = {**ORDERS, "name": "mcp__files__", "tools": [{"name": "read", "parameters": {}}]}
CALL = ['<tool_call>{"name": "crm__list_orders", ', '"arguments": {}}</tool_call>']


def test_a_call_of_a_namespaces_function_comes_back_with_both_names(client, engine):
    """In the item, in every event, and in the whole body."""
    engine.script = say(*CALL)
    whole = respond(client, tools=[TOOL, ORDERS, SERVER]).json
    schema_lint.check(whole, "Response")
    events = events_of(respond(client, tools=[TOOL, ORDERS, SERVER], stream=True))
    items = [event["item"] for event in events if "item" in event]
    for item in [*whole["output"], *items]:
        assert (item["namespace"], item["name"]) == ("crm", "list_orders")
    (done,) = (event for event in events if event["type"].endswith("arguments.done"))
    assert done["name"] == "list_orders"
    prompt = str(engine.submits[-1].prompt)
    assert "crm__list_orders" in prompt
    assert "mcp__files__read" in prompt
    assert "patch" not in prompt


def test_an_earlier_call_is_shown_under_the_name_that_the_model_knows(client, engine):
    """Codex sends the item back as it got it."""
    call = {
        "type": "function_call",
        "call_id": "1",
        "namespace": "crm",
        "name": "list_orders",
        "arguments": "{}",
    }
    given = [
        {"role": "user", "content": "Orders?"},
        call,
        {"type": "function_call_output", "call_id": "1", "output": "none"},
    ]
    assert respond(client, given, tools=[ORDERS]).status == 200
    assert str(engine.submits[-1].prompt).count("crm__list_orders") >= 2


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "function", "namespace": "crm", "name": "list_orders"},
        {"type": "allowed_tools", "mode": "required",
         "tools": [{"type": "function", "namespace": "crm", "name": "list_orders"}]},
    ],
)  # fmt: skip
def test_a_namespaces_function_can_be_chosen(client, engine, choice):
    """tool_choice has the two names apart as well."""
    assert respond(client, tools=[TOOL, ORDERS], tool_choice=choice).status == 200
    grammar = engine.submits[-1].params.grammar
    assert "crm__list_orders" in grammar.text
    assert "get_weather" not in grammar.text


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        ({**ORDERS, "name": 5}, "tools[0].name"),
        ({**ORDERS, "tools": 5}, "tools[0].tools"),
    ],
)
def test_a_namespace_of_the_wrong_form_names_the_field(client, tool, param):
    """As every field."""
    answer = respond(client, tools=[tool])
    assert (answer.status, answer.error["param"]) == (400, param)
