"""/v1/responses over fake engines: the events, the whole body, what requests may hold, what is refused."""

from __future__ import annotations

import json

import pytest

from localllm.api.fields import Fields
from localllm.api.openai import responses_input
from localllm.api.openai.item_memory import ItemMemory
from localllm.api.openai.responses_output import OutputWriter
from localllm.chat.deltas import Content, Delta, Reasoning, ToolCallArguments, ToolCallStart
from localllm.engine import messages as m
from tests.api import schema_lint
from tests.api.fakes import finish, say
from tests.api.http import Answer, Client
from tests.api.responses_lint import events_of, items_of

PATH = "/v1/responses"
TOOL = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    "strict": True,
}
CALL = ["<tool", "_call>", '{"name": "get_weather", ', '"arguments": {"city": "Bern"}}', "</tool_call>"]
THOUGHT = ["<think>", "hmm", " yes", "</think>", "\n\n"]


def respond(client: Client, given: object = "Hi", **fields: object) -> Answer:
    return client.post(PATH, {"model": "guide", "input": given} | fields)


def prompt_of(client, engine, given, **fields):
    """The prompt that an input becomes."""
    answer = respond(client, given, **fields)
    assert answer.status == 200, answer.body
    return str(engine.submits[-1].prompt)


def test_a_whole_response_has_openais_shape(client):
    """Status, output, usage with both details: valid against OpenAI's schema."""
    answer = respond(client, instructions="Be short.", metadata={"a": "b"}, temperature=0.5)
    assert answer.headers["content-type"] == "application/json"
    body = answer.json
    schema_lint.check(body, "Response")
    (message,) = body["output"]
    assert message["content"][0]["text"] == "Hello there."
    assert (body["status"], body["error"], body["incomplete_details"]) == ("completed", None, None)
    assert (body["instructions"], body["metadata"], body["temperature"]) == ("Be short.", {"a": "b"}, 0.5)
    assert body["usage"]["output_tokens"] == 3
    assert body["usage"]["total_tokens"] == body["usage"]["input_tokens"] + 3


def test_a_stream_has_the_order_that_all_clients_need(client):
    """created, in_progress, item, part, deltas, done in reverse, completed; names, numbers and no [DONE]."""
    answer = respond(client, stream=True)
    assert [event["type"].removeprefix("response.") for event in events_of(answer)] == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
        "output_text.delta", "output_text.delta", "output_text.done", "content_part.done", "output_item.done",
        "completed",
    ]  # fmt: skip
    assert b"[DONE]" not in answer.body


def test_reasoning_a_text_and_a_call_are_items_of_their_own(client, engine):
    """In the order they were written, each closed before the next begins, the call with id and call_id."""
    engine.script = say(*THOUGHT, "Let me look.", *CALL)
    events = events_of(respond(client, "Weather?", tools=[TOOL], stream=True))
    reasoning, message, call = items_of(events)
    assert reasoning["content"] == [{"type": "reasoning_text", "text": "hmm yes"}]
    assert message["content"][0]["text"] == "Let me look."
    assert (call["name"], call["arguments"]) == ("get_weather", '{"city": "Bern"}')
    assert call["id"].startswith("fc_")
    assert call["call_id"].startswith("call_")
    usage = events[-1]["response"]["usage"]
    assert usage["output_tokens"] == 11
    assert 0 < usage["output_tokens_details"]["reasoning_tokens"] < 6


def test_thinking_is_the_summary_where_one_was_asked_for(client, engine):
    """Codex and the AI SDK ask for a summary and show nothing else."""
    engine.script = say(*THOUGHT, "So.")
    events = events_of(respond(client, stream=True, reasoning={"summary": "auto"}))
    assert items_of(events)[0]["summary"] == [{"type": "summary_text", "text": "hmm yes"}]
    assert items_of(events)[0]["content"] == []
    assert "response.reasoning_text.delta" not in {event["type"] for event in events}
    assert events[-1]["response"]["reasoning"]["summary"] == "auto"


def test_whole_and_streamed_are_the_same(client, engine):
    """One path makes both."""

    def without_ids(items):
        return [{k: v for k, v in item.items() if k not in ("id", "call_id")} for item in items]

    engine.script = say(*THOUGHT, "So.", *CALL, *CALL)
    streamed = items_of(events_of(respond(client, tools=[TOOL], stream=True)))
    whole = respond(client, tools=[TOOL]).json
    schema_lint.check(whole, "Response")
    assert without_ids(whole["output"]) == without_ids(streamed)
    assert len(whole["output"]) == 4


def test_text_after_a_call_is_a_new_message():
    """Items are never opened again: clients take an added item for a new one."""
    writer = OutputWriter()
    deltas: list[Delta] = [Content("a"), ToolCallStart(0, "call_1", "f"), ToolCallArguments(0, "{}"), Content("b"),
              Reasoning("c"), ToolCallStart(1, "call_2", "g")]  # fmt: skip
    indices = [event["output_index"] for delta in deltas for event in writer.take(delta)]
    assert list(writer.close("incomplete"))[-1]["output_index"] == 4
    assert indices == sorted(indices)
    assert [item["type"] for item in writer.items] == [
        "message", "function_call", "message", "reasoning", "function_call"
    ]  # fmt: skip
    assert [item["status"] for item in writer.items] == ["completed"] * 4 + ["incomplete"]


def test_an_answer_that_says_nothing_has_no_items(client, engine):
    """An empty message would be stored and sent back for ever."""
    engine.script = lambda prompt, params: [finish(0)]
    assert respond(client).json["output"] == []
    assert [e["type"] for e in events_of(respond(client, stream=True))][2:] == ["response.completed"]


@pytest.mark.parametrize("stream", [True, False])
def test_the_length_limit_makes_it_incomplete(client, engine, stream):
    """max_output_tokens is the limit, and incomplete_details say that it was reached."""
    engine.script = lambda prompt, params: ["Hel", finish(1, reason="length")]
    answer = respond(client, max_output_tokens=1, stream=stream)
    body = events_of(answer)[-1]["response"] if stream else answer.json
    schema_lint.check(body, "Response")
    assert engine.submits[-1].params.max_tokens == 1
    assert (body["status"], body["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert body["output"][0]["status"] == "incomplete"
    assert body["usage"]["output_tokens"] == 1


def test_codexs_request_is_accepted_as_it_is(client, engine):
    """Everything that Codex sends: developer messages, echoed reasoning, calls, tools of unknown types, null fields."""
    given = [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Sandbox: off."}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "List the files."}]},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "I look."}],
         "content": None, "encrypted_content": None},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "shell", "arguments": '{"c": "ls"}'},
        {"type": "function_call", "call_id": "call_2", "name": "shell", "arguments": "{broken"},
        {"type": "function_call_output", "call_id": "call_1", "output": "a.txt"},
        {"type": "function_call_output", "call_id": "call_2",
         "output": [{"type": "input_text", "text": "b.txt"}, {"type": "input_image", "image_url": "data:"}]},
        {"type": "custom_tool_call", "call_id": "call_3", "name": "apply_patch", "input": "*** Begin"},
        {"type": "custom_tool_call_output", "call_id": "call_3", "output": "Done!"},
        {"type": "local_shell_call", "call_id": "call_4", "action": {"command": ["pwd"]}, "status": "completed"},
        {"type": "local_shell_call_output", "call_id": "call_4", "output": {"exit_code": 0}},
        {"type": "web_search_call", "status": "completed"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "Two files."}]},
        {"role": "user", "content": "Thanks. And now?"},
    ]  # fmt: skip
    fields = {
        "instructions": "You are a coding agent.",
        "tools": [TOOL, {"type": "web_search"}, {"type": "namespace", "name": "mcp", "tools": []},
                  {"type": "custom", "name": "apply_patch", "format": {"type": "grammar"}},
                  {"type": "image_generation"}, {"type": "local_shell"}],
        "tool_choice": "auto", "parallel_tool_calls": True, "reasoning": None, "store": False, "stream": True,
        "include": ["reasoning.encrypted_content"], "prompt_cache_key": "thread", "service_tier": "priority",
        "text": {"verbosity": "low"}, "client_metadata": {"x": "y"},
    }  # fmt: skip
    events_of(respond(client, given, **fields))
    prompt = str(engine.submits[-1].prompt)
    wanted = ["You are a coding agent.", "Sandbox: off.", "List the files.", '"ls"', "{broken", "a.txt", "b.txt",
              "input_image left out", "*** Begin", "Done!", "pwd", "exit_code", "Two files.", "Thanks."]  # fmt: skip
    places = [prompt.index(text) for text in wanted]
    assert places == sorted(places)
    assert "get_weather" in prompt
    assert "namespace" not in prompt


def test_what_was_thought_said_and_called_in_one_go_is_one_message():
    """Templates write the calls of one turn side by side, as the model did."""
    body = Fields({
        "input": [
            {"role": "user", "content": "Hi"},
            {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
            {"role": "assistant", "content": "Let me look."},
            {"type": "function_call", "call_id": "1", "name": "f", "arguments": ""},
            {"type": "function_call", "call_id": "2", "name": "g", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "1", "output": "x"},
            {"type": "reasoning", "encrypted_content": "gibberish"},
            {"role": "assistant", "content": "Done,"},
        ]
    })  # fmt: skip
    turns = responses_input.read_input(body, lambda _: None)
    assert [message["role"] for message in turns.messages] == ["user", "assistant", "tool", "assistant"]
    first = turns.messages[1]
    assert (first["reasoning_content"], first["content"]) == ("hm", "Let me look.")
    assert [call["function"]["name"] for call in first["tool_calls"]] == ["f", "g"]
    assert turns.is_continued


def test_an_item_may_be_sent_by_its_id(client, engine):
    """Vercel's AI SDK does so by default; an item that is gone is a 400 that says what to do."""
    engine.script = say("The capital is Bern.")
    (message,) = respond(client, "What is the capital?").json["output"]
    reference = {"type": "item_reference", "id": message["id"]}
    thought = {"type": "item_reference", "id": "rs_of_another_time"}
    follow_up = [{"role": "user", "content": "x"}, thought, reference, {"role": "user", "content": "Sure?"}]
    assert "The capital is Bern." in prompt_of(client, engine, follow_up)
    unknown = respond(client, [{"role": "user", "content": "x"}, {"type": "item_reference", "id": "msg_1"}])
    assert (unknown.status, unknown.error["param"]) == (400, "input[1]")
    assert "store: false" in unknown.error["message"]


def test_what_must_not_be_stored_is_not_remembered(client):
    """`store: false` is a promise."""
    (message,) = respond(client, store=False).json["output"]
    assert respond(client, [{"type": "item_reference", "id": message["id"]}]).status == 400


def test_the_memory_of_items_is_bounded():
    """By number and by size; the oldest go first."""
    memory = ItemMemory(max_items=3, max_bytes=200)
    for number in range(5):
        memory.keep([{"id": str(number), "text": "x"}])
    assert [number for number in range(5) if memory.recall(str(number))] == [2, 3, 4]
    memory.keep([{"id": "big", "text": "x" * 150}])
    assert memory.recall("big")
    assert not memory.recall("3")
    memory.keep([{"id": "too big", "text": "x" * 300}])
    assert not memory.recall("too big")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("previous_response_id", "resp_1"),
        ("conversation", "conv_1"),
        ("prompt", {"id": "p"}),
        ("background", True),
    ],
)
def test_what_needs_a_memory_of_conversations_is_refused(client, name, value):
    """400 unsupported_parameter with the field: the client then sends the whole history."""
    answer = respond(client, **{name: value})
    assert answer.status == 400
    assert (answer.error["code"], answer.error["param"]) == ("unsupported_parameter", name)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": 5}, "input"),
        ({"input": [5]}, "input[0]"),
        ({"input": [{"type": "web_search_call"}]}, "input"),
        ({"input": [{"role": "king", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": 5}]}, "input[0].content"),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, "input[0].content[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": 5}]}]}, "input[0].content[0].text"),
        ({"input": [{"type": "function_call", "call_id": "1"}]}, "input[0].name"),
        ({"tools": [5]}, "tools[0]"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"tools": [{"type": "function", "name": "f", "parameters": []}]}, "tools[0].parameters"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "name": "nope"}, "tools": [TOOL]}, "tool_choice"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema", "schema": []}}}, "text.format.schema"),
        ({"max_output_tokens": "many"}, "max_output_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_logprobs": 50}, "top_logprobs"),
        ({"reasoning": "much"}, "reasoning"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_a_400_that_names_it(client, fields, param):
    """With the name that the field has here, not in the chat API."""
    answer = respond(client, **fields)
    assert answer.status == 400, answer.body
    assert answer.error["param"] == param


def test_tool_choice_can_force_a_call_or_forbid_it(client, engine):
    """A constrained answer for required and for a named function; no tools in the prompt for none."""
    respond(client, tools=[TOOL], tool_choice="required")
    assert engine.submits[-1].params.grammar is not None
    answer = respond(client, tools=[TOOL], tool_choice={"type": "function", "name": "get_weather"})
    assert answer.json["tool_choice"] == {"type": "function", "name": "get_weather"}
    allowed = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "get_weather"}],
    }
    assert respond(client, tools=[TOOL], tool_choice=allowed).json["tool_choice"] == "required"
    assert "get_weather" not in prompt_of(client, engine, "Hi", tools=[TOOL], tool_choice="none")


def test_text_format_constrains_the_answer(client, engine):
    """Structured output as the Responses API has it, echoed in the response."""
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    format_ = {"type": "json_schema", "name": "x", "schema": schema, "strict": True}
    body = respond(client, text={"format": format_}).json
    schema_lint.check(body, "Response")
    assert body["text"]["format"] == format_
    grammar = engine.submits[-1].params.grammar
    assert (grammar.kind, json.loads(grammar.text)) == ("json_schema", schema)
    respond(client, text={"format": {"type": "json_object"}})
    assert engine.submits[-1].params.grammar.kind == "json_object"
    respond(client, text={"format": {"type": "text"}})
    assert engine.submits[-1].params.grammar is None


def test_logprobs_come_with_every_delta(client, engine):
    """Asked for with top_logprobs or include, and in the finished part too."""
    token = m.TokenLogprob(7, "é", "é".encode(), -0.5, [("é", -0.5, "é".encode())])
    engine.script = lambda prompt, params: [m.Delta(0, text="é", num_tokens=1, logprobs=[token])]
    events = events_of(respond(client, stream=True, include=["message.output_text.logprobs"]))
    (delta,) = [event for event in events if event["type"] == "response.output_text.delta"]
    assert delta["logprobs"][0]["bytes"] == [0xC3, 0xA9]
    assert items_of(events)[0]["content"][0]["logprobs"] == delta["logprobs"]
    assert engine.submits[-1].params.logprobs == 0
    respond(client, top_logprobs=3)
    assert engine.submits[-1].params.logprobs == 3


def test_sampling_is_read_by_its_usual_names(client, engine):
    """OpenAI's names and llama.cpp's, as for the chat API."""
    respond(client, temperature=0.1, top_p=0.2, top_k=7, max_output_tokens=9, seed=5)
    params = engine.submits[-1].params
    assert (params.temperature, params.top_p, params.top_k, params.max_tokens, params.seed) == (
        0.1,
        0.2,
        7,
        9,
        5,
    )
    respond(client, max_output_tokens=None, temperature=None, top_logprobs=None, tools=None, text=None)
    assert engine.submits[-1].params.max_tokens is None
