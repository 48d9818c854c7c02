"""A real engine process on a real (tiny) GGUF model: what is promised to whoever submits."""

from __future__ import annotations

import json
from typing import Any

import psutil
import pytest

from localllm import errors
from localllm.sampling_params import Grammar, SamplingParams
from tests.engine.generation import ENDLESS, GREEDY, finish_of, text_of
from tests.waiting import wait_until


def idle(engine):
    stats = engine.stats()
    return stats.num_running == 0 and stats.num_waiting == 0


def test_greedy_text_is_the_same_every_time(engine):
    """Temperature 0 is deterministic, with the prompt computed or taken from the cache."""
    assert text_of(engine.submit("Once upon", GREEDY)) == text_of(engine.submit("Once upon", GREEDY)) != ""


def test_greedy_text_is_the_same_alone_and_in_company(engine):
    """What others ask at the same time does not change an answer."""
    prompts = [f"Story number {i}, about" for i in range(4)]
    alone = [text_of(engine.submit(p, GREEDY)) for p in prompts]
    streams = [engine.submit(p, GREEDY) for p in prompts]
    assert [text_of(s) for s in streams] == alone


def test_a_seed_repeats_and_another_seed_does_not(engine):
    """seed makes sampling repeatable."""
    params = [SamplingParams(seed=seed, max_tokens=24, temperature=1.5) for seed in (7, 7, 8)]
    a, b, c = (text_of(engine.submit("Hello", p)) for p in params)
    assert a == b != c


def test_usage_counts_are_exact(engine):
    """max_tokens tokens are generated and counted, and the cached part of the prompt is told."""
    prompt = engine.tokenize("Count these tokens, please: one two three")
    first = engine.submit(prompt, GREEDY)
    assert first.num_prompt_tokens == len(prompt)
    assert finish_of(first).num_completion_tokens == 24
    assert finish_of(engine.submit(prompt, GREEDY)).num_cached_tokens == len(prompt) - 1


@pytest.mark.parametrize(
    "params",
    [
        {"temperature": 0.7, "top_k": 5, "top_p": 0.5, "min_p": 0.2, "typical_p": 0.9, "min_keep": 2},
        {"top_n_sigma": 1.0},
        {"repeat_penalty": 1.3, "repeat_last_n": -1, "presence_penalty": 0.5, "frequency_penalty": 0.5},
        {"dry_multiplier": 0.8, "dry_penalty_last_n": 32},
        {"xtc_probability": 0.5, "xtc_threshold": 0.05},
        {"dynatemp_range": 0.5, "dynatemp_exponent": 1.5},
        {"mirostat": 1},
        {"mirostat": 2, "mirostat_tau": 3.0, "mirostat_eta": 0.2},
        {"logit_bias": {40: 5.0, 41: -100.0}},
        {"temperature": 0, "repeat_penalty": 1.5},
    ],
    ids=lambda p: next(iter(p)) + str(len(p)),
)
def test_every_sampling_parameter_of_llama_cpp_is_taken(engine, params):
    """Each sampler by its API name runs in the real chain and is repeatable by seed."""
    sampling = SamplingParams(seed=3, max_tokens=12, **params)
    stream = engine.submit("Some text to go on from, from, from", sampling)
    assert finish_of(stream).num_completion_tokens == 12
    assert text_of(engine.submit("Some text", sampling)) == text_of(engine.submit("Some text", sampling))


def test_a_biased_token_is_all_that_comes(engine):
    """logit_bias +100 makes a token certain."""
    (token,) = engine.tokenize("a")
    params = SamplingParams(max_tokens=5, logit_bias={token: 100.0})
    assert text_of(engine.submit("x", params)) == "aaaaa"


def test_the_end_token_ends_with_stop_unless_ignored(engine):
    """EOS is a stop, is not shown, and ignore_eos goes on to the limit."""
    (end,) = engine.tokenize("<|im_end|>")
    biased: dict[str, Any] = {"logit_bias": {end: 100.0}, "max_tokens": 9}
    stream = engine.submit("x", SamplingParams(**biased))
    deltas = list(stream)
    assert (deltas[-1].finish.reason, "".join(d.text for d in deltas)) == ("stop", "")
    finish = finish_of(engine.submit("x", SamplingParams(ignore_eos=True, **biased)))
    assert (finish.reason, finish.num_completion_tokens) == ("length", 9)


def test_a_stop_string_ends_the_text_before_it(engine):
    """The text up to the stop string is given, the string itself is named in the finish."""
    whole = text_of(engine.submit("Tell me", GREEDY))
    stop = whole[8:11]
    deltas = list(engine.submit("Tell me", SamplingParams(temperature=0, max_tokens=24, stop=(stop,))))
    assert "".join(d.text for d in deltas) == whole[: whole.index(stop)]
    assert (deltas[-1].finish.reason, deltas[-1].finish.stop) == ("stop", stop)


def test_logprobs_are_given_when_asked(engine):
    """One entry per token, the alternatives in order, and greedy takes the likeliest."""
    deltas = list(engine.submit("x", SamplingParams(temperature=0, max_tokens=3, logprobs=4)))
    entries = [entry for d in deltas for entry in d.logprobs or []]
    assert len(entries) == 3
    for entry in entries:
        values = [logprob for _, logprob, _ in entry.top]
        assert values == sorted(values, reverse=True)
        assert entry.logprob == pytest.approx(values[0])
        assert entry.piece.decode() == entry.token


def test_a_json_schema_is_kept_whatever_the_model_would_rather_write(engine):
    """A random model writes valid JSON for the schema, every time."""
    schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "maxLength": 8},
            "tags": {"type": "array", "items": {"enum": ["red", "green"]}, "minItems": 2, "maxItems": 3},
        },
        "required": ["name", "tags"],
        "additionalProperties": False,
    }
    grammar = Grammar("json_schema", json.dumps(schema))
    for seed in range(5):
        answer = json.loads(
            text_of(engine.submit("x", SamplingParams(seed=seed, max_tokens=200, grammar=grammar)))
        )
        assert set(answer) == {"name", "tags"}
        assert set(answer["tags"]) <= {"red", "green"}


def test_a_grammar_that_sleeps_wakes_when_its_trigger_was_written(engine):
    """With triggers the text before is free, and what follows the trigger is constrained."""
    (a,) = engine.tokenize("a")
    grammar = Grammar("regex", "[0-9]{4}", triggers=("aaa",))
    params = SamplingParams(max_tokens=20, logit_bias={a: 50.0}, grammar=grammar)
    text = text_of(engine.submit("x", params))
    assert text[:3] == "aaa"
    assert text[3:].isdigit()
    assert len(text) == 7


@pytest.mark.parametrize(
    "grammar",
    [
        Grammar("json_schema", "{"),
        Grammar("json_schema", '{"type":"nonsense"}'),
        Grammar("lark", "start: (("),
    ],
)
def test_a_grammar_that_cannot_be_compiled_is_refused_before_any_token(engine, grammar):
    """A schema is never silently ignored."""
    with pytest.raises(errors.InvalidRequest):
        engine.submit("x", SamplingParams(grammar=grammar))


def test_a_prompt_longer_than_the_context_is_refused_with_the_numbers(engine):
    """OpenAI's wording, which clients look for."""
    with pytest.raises(
        errors.ContextLengthExceeded, match=r"maximum context length is 4096 tokens.*requested 5000"
    ):
        engine.submit([65] * 5000, SamplingParams())


def test_token_ids_outside_the_vocabulary_are_refused(engine):
    """The C library would abort on them."""
    with pytest.raises(errors.InvalidRequest, match="not in this model's vocabulary"):
        engine.submit([10_000_000], SamplingParams())


def test_an_empty_prompt_is_continued_from_the_beginning_of_text(engine):
    """Nothing in, something out."""
    assert finish_of(engine.submit("", GREEDY)).num_completion_tokens == 24


def test_tokenize_and_detokenize_are_each_others_inverse(engine):
    """Text survives the round trip, special tokens too."""
    text = "Hello 你好 <|im_start|>user\n"
    assert engine.detokenize(engine.tokenize(text)) == text


def test_the_prefix_report_says_where_two_prompts_part(engine):
    """Whoever wonders why a prompt was computed again sees the place and both texts around it."""
    common = "A system prompt that two users share, word for word. "
    list(engine.submit(common + "Today is Monday, so tell me", GREEDY))
    list(engine.submit(common + "Today is Friday, so tell me", GREEDY))
    row = engine.prefix_report()[-1]
    assert row.reason == "the prompt parts from the nearest prefix"
    assert row.num_cached_tokens == row.parts_at > 0
    assert "Friday" in row.prompt_there
    assert "Monday" in row.kept_there
    list(engine.submit(common, SamplingParams(max_tokens=1, cache_prompt=False)))
    assert engine.prefix_report()[-1].reason == "the request said cache_prompt: false"


def test_a_running_stream_is_not_held_up_by_a_long_prompt(engine):
    """While 3 000 tokens are read, the stream that runs goes on."""
    running = engine.submit("x", SamplingParams(temperature=0, max_tokens=2000, ignore_eos=True))
    running.next()
    long = engine.submit([65 + i % 26 for i in range(1500)], SamplingParams(max_tokens=1))
    list(long)
    while running.next(timeout_s=0.0) is not None:
        pass
    assert not running.is_finished
    running.cancel()
    wait_until(lambda: idle(engine))


@pytest.mark.parametrize("phase", ["decoding", "prefilling", "queued"])
def test_a_cancel_frees_the_row_in_every_phase(engine, phase):
    """Cancelled requests are gone from the next step on, running or waiting."""
    hogs = []
    if phase == "queued":
        hogs = [engine.submit(f"hog {i}", ENDLESS) for i in range(4)]
    long = [65 + i % 26 for i in range(3000)]
    stream = engine.submit(long if phase == "prefilling" else "x", ENDLESS)
    if phase == "decoding":
        stream.next()
    stream.cancel()
    for hog in hogs:
        assert hog.next(timeout_s=20) is not None
        hog.cancel()
    wait_until(lambda: idle(engine))


def test_polling_can_give_up_while_waiting(engine):
    """What `poll` raises comes out of submit, and nothing keeps running."""

    class ClientGone(Exception):
        pass

    def poll():
        raise ClientGone

    process = psutil.Process(engine.pid)
    process.suspend()
    wait_until(lambda: process.status() == psutil.STATUS_STOPPED)
    try:
        with pytest.raises(ClientGone):
            engine.submit("x", ENDLESS, poll=poll)
    finally:
        process.resume()
    wait_until(lambda: idle(engine))
