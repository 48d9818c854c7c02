"""What a request may say: the tolerance list of the client contract, and 400s that name the field."""

from __future__ import annotations

import pytest

from localllm.api.fields import Fields
from localllm.api.sampling import read_grammar, read_logprobs, read_sampling
from localllm.errors import InvalidRequest
from localllm.sampling_params import Grammar, SamplingParams

USER = {"role": "user", "content": "Hi"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}

TOLERATED = [
    {"max_tokens": 0}, {"max_tokens": -1}, {"max_tokens": None}, {"max_completion_tokens": 5, "max_tokens": 7},
    {"stop": None}, {"stop": "x"}, {"stop": []}, {"stop": ["", "x"]}, {"tools": []}, {"tools": None},
    {"tool_choice": "auto"}, {"tool_choice": "none"}, {"tool_choice": None}, {"parallel_tool_calls": False},
    {"stream_options": None}, {"stream_options": {"include_usage": True}}, {"stream_options": {}},
    {"response_format": {"type": "text"}}, {"response_format": None}, {"n": 1}, {"n": None}, {"logprobs": False},
    {"top_logprobs": None}, {"logit_bias": {}}, {"logit_bias": {"5": -100}}, {"logit_bias": [[5, False]]},
    {"seed": 1}, {"seed": -1}, {"seed": 2**62}, {"user": "me"}, {"metadata": {"a": "b"}}, {"store": True},
    {"service_tier": "auto"}, {"reasoning_effort": "none"}, {"reasoning_effort": "xhigh"},
    {"reasoning_effort": "whatever"}, {"verbosity": "low"}, {"prediction": None}, {"modalities": ["text"]},
    {"prompt_cache_key": "k"}, {"prompt_cache_retention": "24h"}, {"safety_identifier": "s"},
    {"web_search_options": {}}, {"prefix": True}, {"chat_template_kwargs": {"enable_thinking": False}},
    {"continue_final_message": False}, {"add_generation_prompt": True}, {"cache_prompt": False}, {"id_slot": 0},
    {"top_k": 5}, {"top_k": 5.0}, {"min_p": 0.1}, {"repeat_penalty": 1.1}, {"typical_p": 0.9}, {"mirostat": 2},
    {"mirostat_tau": 5}, {"grammar": ""}, {"temperature": 0}, {"temperature": None}, {"made_up": [1, 2]},
    {"messages": [{"role": "developer", "content": "Be brief."}, USER]},
    {"messages": [{"role": "system", "content": "A"}, USER, {"role": "system", "content": "B"}, USER]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "x"}}]}]},
    {"messages": [{"role": "user", "content": []}]}, {"messages": [{"role": "user", "content": ""}]},
    {"messages": [{"role": "user", "content": None}]}, {"messages": [USER, USER]},
    {"messages": [USER, {"role": "assistant", "content": None, "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{broken"}}]},
        {"role": "tool", "tool_call_id": "c", "content": "42"}]},
    {"tools": [{"type": "web_search"}]}, {"thinking": True}, {"reasoning": "high"},
    {"messages": [USER, {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "42"}]},
]  # fmt: skip

REFUSED = [
    ({"temperature": "0.7"}, "temperature"), ({"temperature": -1}, "temperature"), ({"top_p": 2}, "top_p"),
    ({"temperature": True}, "temperature"), ({"max_tokens": "5"}, "max_tokens"), ({"max_tokens": 1.5}, "max_tokens"),
    ({"stop": 5}, "stop"), ({"stop": [5]}, "stop"), ({"stream": "yes"}, "stream"), ({"n": 0}, "n"),
    ({"n": 10_000}, "n"), ({"seed": "x"}, "seed"), ({"logit_bias": {"x": 1}}, "logit_bias"),
    ({"logit_bias": {"5": "x"}}, "logit_bias"), ({"logit_bias": 5}, "logit_bias"), ({"messages": None}, "messages"),
    ({"messages": []}, "messages"), ({"messages": "Hi"}, "messages"), ({"messages": [5]}, "messages[0]"),
    ({"messages": [{"role": "king", "content": "Hi"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [{"role": "user", "content": [IMAGE]}]}, "messages[0].content[0]"),
    ({"tools": "x"}, "tools"), ({"tools": [5]}, "tools[0]"), ({"tools": [{"type": "function"}]}, "tools[0].function"),
    ({"tools": [{"type": "function", "function": {"name": 5}}]}, "tools[0].function.name"),
    ({"tool_choice": "maybe"}, "tool_choice"), ({"tool_choice": "required"}, "tool_choice"),
    ({"tool_choice": {"type": "function", "function": {"name": "f"}}}, "tool_choice"),
    ({"tool_choice": 5}, "tool_choice"),
    ({"top_logprobs": 3}, "top_logprobs"), ({"logprobs": True, "top_logprobs": 99}, "top_logprobs"),
    ({"response_format": {"type": "xml"}}, "response_format.type"),
    ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
    ({"response_format": {"type": "json_schema", "json_schema": {"schema": 5}}}, "response_format.json_schema.schema"),
    ({"stream_options": 5}, "stream_options"),
    ({"stream_options": {"include_usage": 5}}, "stream_options.include_usage"),
    ({"model": 5}, "model"), ({"chat_template_kwargs": []}, "chat_template_kwargs"),
]  # fmt: skip


@pytest.mark.parametrize("fields", TOLERATED, ids=str)
def test_what_real_clients_send_is_accepted(client, fields):
    """Every line of the contract's tolerance list is a 200."""
    answer = client.post("/v1/chat/completions", {"model": "guide", "messages": [USER]} | fields)
    assert answer.status == 200, answer.body


@pytest.mark.parametrize(("fields", "param"), REFUSED, ids=str)
def test_a_wrong_field_is_a_400_that_names_it(client, engine, fields, param):
    """Not a 422, not a 500, and nothing reaches the engine."""
    answer = client.post("/v1/chat/completions", {"model": "guide", "messages": [USER]} | fields)
    assert answer.status == 400
    assert answer.error["param"] == param
    assert answer.error["type"] == "invalid_request_error"
    assert answer.headers["x-should-retry"] == "false"
    assert not engine.submits


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"5", b"null", b'"x"', b"\xff\xfe", b"NaN", b"[" * 100_000, b'{"a":"\\ud800"}', b"{}"],
)
def test_a_body_that_is_no_request_is_a_400(client, body):
    """Broken JSON, other JSON, bytes that are no text: one sentence, never a 500."""
    assert client.post("/v1/chat/completions", body).status == 400
    assert client.post("/v1/chat/completions", body).error["message"]


def read(**fields: object) -> SamplingParams:
    return read_sampling(Fields(fields), SamplingParams())


def test_max_completion_tokens_wins():
    """Both may come; OpenAI's newer name decides, and no positive number means no limit."""
    assert read(max_completion_tokens=5, max_tokens=7).max_tokens == 5
    assert read(max_completion_tokens=None, max_tokens=7).max_tokens == 7
    assert read(max_tokens=0).max_tokens is read(max_tokens=-1).max_tokens is None


def test_the_entrys_defaults_stay_where_the_request_says_nothing():
    """null is not 0."""
    defaults = SamplingParams(temperature=0.3, top_k=7, stop=("x",))
    assert read_sampling(Fields({"temperature": None}), defaults) == defaults
    assert read_sampling(Fields({"top_k": 3}), defaults) == SamplingParams(
        temperature=0.3, top_k=3, stop=("x",)
    )


def test_every_sampling_parameter_can_be_set_by_a_request():
    """What the engine can do, the API can ask for."""
    changed: dict[str, object] = {
        "temperature": 0.1, "top_k": 1, "top_p": 0.1, "min_p": 0.1, "typical_p": 0.1, "top_n_sigma": 1.5,
        "min_keep": 2, "repeat_penalty": 1.2, "repeat_last_n": 7, "presence_penalty": 0.2, "frequency_penalty": 0.3,
        "dry_multiplier": 0.4, "dry_base": 2.0, "dry_allowed_length": 3, "dry_penalty_last_n": 9,
        "dry_sequence_breakers": ["#"], "xtc_probability": 0.5, "xtc_threshold": 0.2, "dynatemp_range": 0.6,
        "dynatemp_exponent": 2.0, "mirostat": 2, "mirostat_tau": 4.0, "mirostat_eta": 0.2, "seed": 7,
        "logit_bias": {"3": 1.5}, "max_tokens": 9, "stop": ["x"], "ignore_eos": True, "cache_prompt": False,
    }  # fmt: skip
    params, default = read(**changed), SamplingParams()
    apart = {"logprobs", "grammar", "reasoning_budget"}  # read elsewhere: they differ between the endpoints
    assert changed.keys() | apart == set(SamplingParams.__struct_fields__)
    assert not [name for name in changed if getattr(params, name) == getattr(default, name)]


def test_the_output_can_be_constrained_in_every_usual_way():
    """OpenAI's response_format, llama.cpp's json_schema and grammar."""
    schema = {"type": "object"}

    def kind(**fields: object) -> tuple[str, str] | None:
        grammar = read_grammar(Fields(fields))
        return (grammar.kind, grammar.text) if grammar else None

    openai = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
    assert kind(response_format={"type": "json_object"}) == ("json_object", "")
    assert kind(response_format=openai) == kind(json_schema=schema) == ("json_schema", '{"type":"object"}')
    assert kind(response_format={"type": "json_object", "schema": schema}) == (
        "json_schema",
        '{"type":"object"}',
    )
    assert kind(grammar='root ::= "a"') == ("gbnf", 'root ::= "a"')
    assert kind(response_format={"type": "text"}) is kind() is None


def test_the_output_can_be_constrained_in_vllms_words():
    """structured_outputs and the guided_ fields before it: json, regex, choice, grammar (GBNF or Lark)."""
    outputs: dict[str, tuple[object, tuple[str, str]]] = {
        "json": ({"type": "object"}, ("json_schema", '{"type":"object"}')),
        "regex": ("[0-9]+", ("regex", "[0-9]+")),
        "choice": (["yes", 'n"o'], ("lark", 'start: "yes" | "n\\"o"\n')),
        "grammar": ('root ::= "a"', ("gbnf", 'root ::= "a"')),
    }
    for name, (value, expected) in outputs.items():
        for fields in ({"structured_outputs": {name: value}}, {f"guided_{name}": value}):
            grammar = read_grammar(Fields(fields))
            assert grammar is not None
            assert (grammar.kind, grammar.text) == expected
    assert read_grammar(Fields({"guided_grammar": "start: /a/"})) == Grammar("lark", "start: /a/")
    assert read_grammar(Fields({"guided_json": '{"type": "object"}'})) == Grammar(
        "json_schema", '{"type":"object"}'
    )
    with pytest.raises(InvalidRequest) as refused:
        read_grammar(Fields({"structured_outputs": {"regex": 5}}))
    assert refused.value.param == "structured_outputs.regex"


def test_the_entrys_grammar_holds_until_a_request_says_otherwise():
    """`response_format: text` is a request's own word, too."""
    entry = Grammar("regex", "[ab]+")
    assert read_grammar(Fields({}), entry) == entry
    assert read_grammar(Fields({"response_format": None}), entry) == entry
    assert read_grammar(Fields({"response_format": {"type": "text"}}), entry) is None
    assert read_grammar(Fields({"response_format": {"type": "json_object"}}), entry) == Grammar("json_object")


def test_the_entrys_logprobs_hold_until_a_request_says_otherwise():
    """`logprobs: false` switches them off, `top_logprobs` alone changes how many alternatives there are."""
    assert read_logprobs(Fields({}), 2) == 2
    assert read_logprobs(Fields({"logprobs": False}), 2) is None
    assert read_logprobs(Fields({"logprobs": True}), 2) == 0
    assert read_logprobs(Fields({"top_logprobs": 5}), 2) == 5
    assert read_logprobs(Fields({})) is None


def test_a_value_out_of_range_says_the_range():
    """The message can be acted on without reading the docs."""
    with pytest.raises(InvalidRequest, match=r"from 0.0 to 1.0, not 2"):
        read(top_p=2)
    with pytest.raises(InvalidRequest, match=r"at least 0.0"):
        read(temperature=-1)
