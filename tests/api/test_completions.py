"""The older completions: prompts of every kind, echo, best_of, logprobs."""

from __future__ import annotations

import msgspec
import pytest

from localllm.engine import messages as m
from tests.api import schema_lint
from tests.api.fakes import finish
from tests.api.wire_lint import chunks_of

URL = "/v1/completions"


def complete(client, prompt="Once", **fields):
    return client.post(URL, {"model": "guide", "prompt": prompt} | fields)


def test_a_whole_completion_has_openais_shape(client, engine):
    """The prompt goes to the model as it is: no template."""
    body = complete(client).json
    schema_lint.check(body, "CreateCompletionResponse")
    assert body["choices"][0]["text"] == "Hello there."
    assert engine.submits[-1].prompt == "Once"
    assert body["id"].startswith("cmpl-")


def test_a_streamed_completion_keeps_the_rules(client):
    """The same object in every chunk, one finish_reason, usage when asked for."""
    chunks = chunks_of(complete(client, stream=True), kind="text")
    assert "".join(c["text"] for k in chunks for c in k["choices"]) == "Hello there."
    asked = complete(client, stream=True, stream_options={"include_usage": True})
    assert chunks_of(asked, kind="text", include_usage=True)[-1]["usage"]["completion_tokens"] == 3


@pytest.mark.parametrize(
    ("prompt", "submitted"),
    [
        ("a", ["a"]),
        (["a", "b"], ["a", "b"]),
        ([1, 2], [[1, 2]]),
        ([[1, 2], [3]], [[1, 2], [3]]),
        ("", [""]),
        ([""], [""]),
    ],
)
def test_a_prompt_may_be_text_or_token_ids_one_or_many(client, engine, prompt, submitted):
    """All four shapes of OpenAI's schema; one choice each, in order."""
    body = complete(client, prompt).json
    assert [submit.prompt for submit in engine.submits] == submitted
    assert [choice["index"] for choice in body["choices"]] == list(range(len(submitted)))
    assert body["usage"]["completion_tokens"] == 3 * len(submitted)


@pytest.mark.parametrize("prompt", [None, 5, [], {}, [1.5], [[]], ["a", 5], [[1], "x", {}], [True]])
def test_another_prompt_is_a_400(client, prompt):
    """Named `prompt`."""
    answer = complete(client, prompt)
    assert answer.status == 400
    assert answer.error["param"] == "prompt"


def test_token_ids_of_another_vocabulary_are_a_400(real):
    """Clients send cl100k ids to models that never heard of them."""
    for prompt in ([1, 100_000], [-1]):
        answer = real.post(URL, {"model": "tiny", "prompt": prompt})
        assert answer.status == 400
        assert answer.error["param"] == "prompt"
        assert "vocabulary" in answer.error["message"]


def test_a_prompt_that_does_not_fit_names_the_prompt(real):
    """In OpenAI's words, with this endpoint's name of the field."""
    answer = real.post(URL, {"model": "tiny", "prompt": "word " * 6000})
    assert (answer.error["code"], answer.error["param"]) == ("context_length_exceeded", "prompt")


def test_a_suffix_asks_to_fill_in_the_middle(client, engine):
    """Where the vocabulary has the tokens; elsewhere it is refused instead of being ignored."""
    answer = complete(client, "ab", suffix="yz")
    assert answer.status == 400
    assert (answer.error["param"], answer.error["code"]) == ("suffix", "unsupported_parameter")
    engine.fake_info = msgspec.structs.replace(engine.fake_info, fim_tokens=(901, 902, 903))
    assert complete(client, "ab", suffix="yz").status == 200
    assert engine.submits[-1].prompt == [901, ord("a"), ord("b"), 902, ord("y"), ord("z"), 903]


def test_echo_puts_the_prompt_first(client):
    """Whole and streamed, text and token ids."""
    assert complete(client, echo=True).json["choices"][0]["text"] == "OnceHello there."
    assert complete(client, [72, 105], echo=True).json["choices"][0]["text"] == "HiHello there."
    chunks = chunks_of(complete(client, ["A", "B"], echo=True, stream=True, n=2), kind="text")
    texts = ["".join(c["text"] for k in chunks for c in k["choices"] if c["index"] == i) for i in range(4)]
    assert texts == ["AHello there.", "AHello there.", "BHello there.", "BHello there."]


def token(text: str, logprob: float) -> m.TokenLogprob:
    return m.TokenLogprob(1, text, text.encode(), logprob, [(text, logprob, text.encode())])


def test_best_of_gives_back_the_likeliest(client, engine):
    """By mean log-probability per token; usage counts all that were generated."""
    scores = [-2.0, -0.1, -1.0]
    engine.script = lambda prompt, params: [
        *(m.Delta(0, k, f"t{k}", 1, [token(f"t{k}", s)]) for k, s in enumerate(scores)),
        *(finish(1, index=k) for k in range(3)),
    ]
    body = complete(client, n=2, best_of=3).json
    assert [choice["text"] for choice in body["choices"]] == ["t1", "t2"]
    assert [choice["index"] for choice in body["choices"]] == [0, 1]
    assert body["usage"]["completion_tokens"] == 3
    assert body["choices"][0]["logprobs"] is None
    assert complete(client, best_of=3, stream=True).error["param"] == "best_of"


def test_logprobs_are_parallel_lists(client, engine):
    """tokens, token_logprobs, top_logprobs and where each token stands in the text, the echo counted."""
    engine.script = lambda prompt, params: [
        m.Delta(0, text="ab", num_tokens=2, logprobs=[token("a", -0.5), token("b", -1.0)])
    ]
    body = complete(client, logprobs=1, echo=True).json
    schema_lint.check(body, "CreateCompletionResponse")
    logprobs = body["choices"][0]["logprobs"]
    assert logprobs["tokens"] == ["a", "b"]
    assert logprobs["token_logprobs"] == [-0.5, -1.0]
    assert logprobs["text_offset"] == [4, 5]
    chunks = chunks_of(complete(client, logprobs=1, stream=True), kind="text")
    (streamed,) = [c["logprobs"] for k in chunks for c in k["choices"] if c["logprobs"]]
    assert streamed["text_offset"] == [0, 1]


def test_llamacpps_additions_arrive(client, engine):
    """ignore_eos, cache_prompt, grammar: what llama.cpp's clients send to this path."""
    complete(client, ignore_eos=True, cache_prompt=False, grammar='root ::= "a"', n_predict=7)
    params = engine.submits[-1].params
    assert (params.ignore_eos, params.cache_prompt, params.max_tokens) == (True, False, 7)
    assert params.grammar is not None
    assert params.grammar.kind == "gbnf"
