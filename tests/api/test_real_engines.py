"""The whole path: HTTP → pool → template → a real engine process on a tiny model → parser → the raw wire."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading

import jsonschema
import pytest

from tests.api import schema_lint
from tests.api.http import Client
from tests.api.wire_lint import chunks_of, text_of
from tests.waiting import wait_until

CHAT = "/v1/chat/completions"
ENDLESS = {"max_tokens": None, "ignore_eos": True, "temperature": 0}
LONG = "word " * 1500
NESTED = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 8},
        "days": {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 9}, "maxItems": 2},
        "units": {
            "type": "object",
            "properties": {"t": {"enum": ["C", "F"]}},
            "required": ["t"],
            "additionalProperties": False,
        },
    },
    "required": ["city", "days", "units"],
    "additionalProperties": False,
}
TOOLS = [
    {"type": "function", "function": {"name": name, "description": "x", "parameters": NESTED}}
    for name in ("get_weather", "get_forecast")
]


def ask(real: Client, content: str = "Tell me a story.", **fields):
    """A short greedy answer of the tiny model."""
    return real.chat(content, **{"model": "tiny", "temperature": 0, "max_tokens": 8} | fields)


def open_stream(real: Client, content: str = "Hi", model: str = "tiny", **fields):
    messages = [{"role": "user", "content": content}]
    return real.open(CHAT, {"model": model, "messages": messages, "stream": True} | ENDLESS | fields)


def engine_of(pool, name):
    return pool.get(name).engine


def is_idle(pool, name="tiny"):
    stats = engine_of(pool, name).stats()
    return stats.num_running == 0 and stats.num_waiting == 0


def test_whole_and_streamed_answers_are_the_same_text(real):
    """Greedy, so it must be; and the counts are exact and equal."""
    body = ask(real).json
    schema_lint.check(body, "CreateChatCompletionResponse")
    chunks = chunks_of(ask(real, stream=True, stream_options={"include_usage": True}), include_usage=True)
    assert text_of(chunks) == body["choices"][0]["message"]["content"] != ""
    assert chunks[-1]["usage"]["completion_tokens"] == body["usage"]["completion_tokens"] == 8
    assert chunks[-1]["usage"]["prompt_tokens"] == body["usage"]["prompt_tokens"]


def test_a_prompt_is_computed_once(real):
    """The second turn finds the first one in the cache, and usage says so."""
    first = ask(real, "A question that nobody has asked before.").json["usage"]
    again = ask(real, "A question that nobody has asked before.").json
    assert (
        first["prompt_tokens_details"]["cached_tokens"]
        < again["usage"]["prompt_tokens_details"]["cached_tokens"]
    )
    assert again["timings"]["cache_n"] == again["usage"]["prompt_tokens_details"]["cached_tokens"]
    uncached = ask(real, "A question that nobody has asked before.", cache_prompt=False).json["usage"]
    assert uncached["prompt_tokens_details"]["cached_tokens"] == 0


def test_a_prompt_that_does_not_fit_is_refused_in_openais_words(real):
    """400, before any header of a stream: Cline, Codex and LiteLLM shorten the history when they read this."""
    for is_streamed in (True, False):
        answer = ask(real, LONG * 4, stream=is_streamed)
        assert answer.status == 400
        assert answer.error["code"] == "context_length_exceeded"
        assert answer.error["message"].startswith("This model's maximum context length is 4096 tokens.")


def test_a_stop_string_ends_the_answer_and_is_not_in_it(real):
    """finish_reason stop, and the text up to it."""
    text = ask(real, max_tokens=24).json["choices"][0]["message"]["content"]
    stop = text[6:9]
    choice = ask(real, max_tokens=24, stop=[stop]).json["choices"][0]
    assert choice["finish_reason"] == "stop"
    assert choice["message"]["content"] == text[: text.index(stop)]


def test_choices_with_a_seed_can_be_repeated(real):
    """`n` completions of one prompt differ, and the same seed gives the same ones again."""
    texts = [
        [c["message"]["content"] for c in ask(real, n=3, temperature=2, seed=7).json["choices"]]
        for _ in range(2)
    ]
    assert texts[0] == texts[1]
    assert len(set(texts[0])) > 1


def test_logprobs_are_those_of_the_tokens(real):
    """As many as tokens, none above zero, the alternatives in order, bytes that give the text."""
    body = ask(real, logprobs=True, top_logprobs=3).json
    entries = body["choices"][0]["logprobs"]["content"]
    assert len(entries) == body["usage"]["completion_tokens"]
    for entry in entries:
        top = [alternative["logprob"] for alternative in entry["top_logprobs"]]
        assert top == sorted(top, reverse=True)
        assert entry["logprob"] == pytest.approx(top[0])  # greedy
        assert top[0] <= 0
    text = b"".join(bytes(entry["bytes"]) for entry in entries).decode()
    assert text.strip() == body["choices"][0]["message"]["content"].strip()


def test_a_json_schema_binds_even_a_random_model(real):
    """response_format json_schema and json_object; the whole answer parses and fits."""
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": NESTED, "strict": True}}
    content = ask(real, response_format=schema, max_tokens=200).json["choices"][0]["message"]["content"]
    jsonschema.validate(json.loads(content), NESTED)


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "get_forecast"}}], ids=str
)
@pytest.mark.parametrize("is_streamed", [True, False])
def test_a_forced_call_is_valid_on_a_random_model(real, choice, is_streamed):
    """A call of a function that may be called, with arguments valid for its nested schema."""
    options = {"tools": TOOLS, "tool_choice": choice, "parallel_tool_calls": False, "max_tokens": 300}
    answer = ask(real, stream=is_streamed, **options)
    if is_streamed:
        chunks = chunks_of(answer)
        calls = [
            c["delta"]["tool_calls"][0] for k in chunks for c in k["choices"] if "tool_calls" in c["delta"]
        ]
        name = calls[0]["function"]["name"]
        arguments = "".join(call["function"]["arguments"] for call in calls)
    else:
        schema_lint.check(answer.json, "CreateChatCompletionResponse")
        (call,) = answer.json["choices"][0]["message"]["tool_calls"]
        name, arguments = call["function"]["name"], call["function"]["arguments"]
    jsonschema.validate(json.loads(arguments), NESTED)
    assert name in ("get_weather", "get_forecast")
    assert isinstance(choice, str) or name == "get_forecast"


def test_tools_and_a_schema_together_give_one_or_the_other(real):
    """`auto` beside response_format: the answer is a call or JSON of the schema, never something else."""
    schema = {"type": "json_schema", "json_schema": {"name": "x", "schema": NESTED}}
    message = ask(real, tools=TOOLS, response_format=schema, max_tokens=300).json["choices"][0]["message"]
    written = (
        message["tool_calls"][0]["function"]["arguments"] if "tool_calls" in message else message["content"]
    )
    jsonschema.validate(json.loads(written), NESTED)


def test_a_grammar_that_is_none_is_a_400(real):
    """The engine compiles it before it accepts, so the status is honest for streams too."""
    answer = ask(real, grammar="root ::= (", stream=True)
    assert answer.status == 400
    assert answer.error["message"]


@pytest.mark.parametrize(
    ("content", "fields", "until"),
    [
        (LONG, {}, b"role"),
        ("Hi", {}, b'"content":"'),
        ("Hi", {"stream": False}, b""),
        (LONG, {"stream": False}, b""),
    ],
    ids=["in prefill", "in decode", "whole answer", "whole answer, in prefill"],
)
def test_hanging_up_frees_the_slot(real, real_models, content, fields, until):
    """The engine itself has nothing left to do: no token is computed for somebody who has left."""
    wait_until(lambda: is_idle(real_models))
    request = open_stream(real, f"{len(fields)} {until!r} {content}", **fields)
    if until:
        request.read_until(until)
    else:
        wait_until(lambda: not is_idle(real_models))
    request.close()
    wait_until(lambda: is_idle(real_models))


def test_hanging_up_in_the_queue_gives_up_the_place(real, real_models):
    """The model runs one at a time: the second waits, leaves, and the first is not disturbed."""
    first = open_stream(real, model="other")
    first.read_until(b'"content":"')
    second = open_stream(real, "I wait", model="other")
    second.read_until(b"role")
    engine = engine_of(real_models, "other")
    wait_until(lambda: engine.stats().num_waiting == 1)
    second.close()
    wait_until(lambda: engine.stats().num_waiting == 0)
    assert engine.stats().num_running == 1
    received = len(first.received)
    wait_until(lambda: len(first.read_until(b"data")) >= received)
    first.close()
    wait_until(lambda: is_idle(real_models, "other"))


def test_eight_streams_progress_together(real):
    """None waits for another to finish: all have their first token before the first one ends."""
    streams = [open_stream(real, f"Story {i}", max_tokens=200) for i in range(4)]
    for stream in streams:
        stream.read_until(b'"content":"')
    assert not [stream for stream in streams if b"[DONE]" in stream.received]
    for stream in streams:
        stream.read_until(b"[DONE]")
        stream.close()


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL on Windows")
def test_a_killed_engine_ends_its_streams_and_nothing_else(real, real_models):
    """kill -9 in mid-stream: an error event there, no ripple on another model, and the next request is answered."""
    doomed, other = open_stream(real), open_stream(real, model="other", max_tokens=400)
    doomed.read_until(b'"content":"')
    other.read_until(b'"content":"')
    pid = engine_of(real_models, "tiny").pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    received = doomed.read_to_end()
    assert b'data: {"error":{"message":"' in received
    assert b'"code":"engine_died"' in received
    assert b"[DONE]" not in received
    assert ask(real).status == 200
    other.read_until(b"[DONE]")
    assert b"error" not in other.received
    doomed.close()
    other.close()


def test_models_answers_while_a_model_generates(real):
    """`/v1/models` comes from the catalog, whatever the engines do."""
    stream = open_stream(real)
    stream.read_until(b'"content":"')
    for path in ("/v1/models", "/health"):
        assert real.get(path).status == 200
    stream.close()


def test_many_mixed_requests_all_get_an_answer(real):
    """A chat, its background tasks and another model at once, as Open WebUI sends them."""
    kinds = [{"stream": True}, {}, {"model": "other"}, {"stream": True, "n": 2}, {"logprobs": True}] * 3
    statuses = []

    def run(kind):
        answer = ask(real, f"Request {kind}", **kind)
        if "stream" in kind:
            chunks_of(answer)
        statuses.append(answer.status)

    threads = [threading.Thread(target=run, args=(kind,)) for kind in kinds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * len(kinds)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_sees_a_stream(real):
    """The request of the first issue, by a real curl: status, content type, frames, the end."""
    body = {
        "model": "tiny",
        "messages": [{"role": "user", "content": "Hello"}],
        "stream": True,
        "max_tokens": 8,
    }
    command = [
        "curl", "-sN", "-i", "-X", "POST", f"{real.url}{CHAT}", "-H", "Content-Type: application/json",
        "-H", "Authorization: Bearer lit", "-d", json.dumps(body),
    ]  # fmt: skip
    out = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    head, _, frames = out.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"Content-Type: text/event-stream; charset=utf-8" in head
    assert frames.startswith(b'data: {"id":"chatcmpl-')
    assert frames.endswith(b"\n\ndata: [DONE]\n\n")


@pytest.mark.parametrize("budget", [None, 3])
def test_every_token_of_a_constrained_answer_has_its_logprobs(real, budget):
    """Also those that the schema forces: clients lay log-probabilities side by side with the text."""
    schema = {"type": "object", "properties": {"verdict": {"enum": ["no"]}}, "required": ["verdict"]}
    format_ = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    more = {} if budget is None else {"reasoning_budget": budget}
    body = ask(real, response_format=format_, logprobs=True, max_tokens=60, **more).json
    (choice,) = body["choices"]
    entries = choice["logprobs"]["content"]
    assert json.loads(choice["message"]["content"]) == {"verdict": "no"}
    text = b"".join(bytes(entry["bytes"]) for entry in entries).decode()
    assert text == choice["message"]["content"]


@pytest.mark.parametrize(
    "field", [{"structured_outputs": {"regex": "[ab]{3}"}}, {"guided_choice": ["aab", "bba"]}]
)
def test_a_regular_expression_and_a_choice_bind_even_a_random_model(real, field):
    """vLLM's fields."""
    content = ask(real, max_tokens=20, **field).json["choices"][0]["message"]["content"]
    assert re.fullmatch("[ab]{3}", content)
