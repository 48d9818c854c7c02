"""The committed guide.gguf, asked through the real chat template and engine: a small part of the evaluation."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from guide_model import cases, corpus, toolboxes
from guide_model.conversation import Conversation, assistant, calls, tool_result, user
from guide_model.evaluate import Guide

from localllm import facts, paths
from localllm.models import estimate
from localllm.models.entry import Entry
from localllm.models.gguf import read_parts

GUIDE_PATH = paths.PACKAGE_DIR / facts.GUIDE_FILE
MAX_BYTES = 6_000_000


@pytest.fixture(scope="module")
def guide() -> Iterator[Guide]:
    with Guide(GUIDE_PATH) as loaded:
        yield loaded


def share_right(guide: Guide, some: list[cases.Case]) -> float:
    right = [case.is_right(answer) for case, answer in guide.answers(some)]
    return sum(right) / len(right)


def conversation() -> Conversation:
    """Everything the template knows: system, tools, several calls, results, an answer."""
    box = toolboxes.make_toolbox(random.Random(5))
    messages = [
        {"role": "system", "content": "Be brief."},
        user("天气？ What's the <wind> & 'weather'?"),
        calls(("get_wind", {"city": "Köln", "days": 3}), ("get_weather", {})),
        tool_result('{"wind": 3}'),
        tool_result("sunny"),
        assistant("The wind: 3"),
    ]
    offered = [
        *(made.tool() for made in box),
        function("getTramTimes", "", stop={"enum": ["Sea Street", 3]}),
        function("send-mail.now", 'Sends "mail".', to={"type": "string"}, urgent={}),
        function("HTTPGet2", "GETs a page"),
    ]
    return Conversation(messages, offered)


def test_the_file_is_small_enough_to_ship():
    """At most 6 MB."""
    assert GUIDE_PATH.stat().st_size <= MAX_BYTES


def test_it_fits_into_the_memory_of_any_computer():
    """Weights, the whole context and its process: less than 100 MB."""
    entry = Entry(id=facts.GUIDE, source=f"builtin:{facts.GUIDE}")
    assert estimate.needs(read_parts(GUIDE_PATH), entry, facts.GUIDE_CONTEXT).total < 100_000_000


def test_the_model_is_what_the_card_says(guide: Guide):
    """llama architecture, a context of 4096, no token put before the prompt."""
    info = guide.engine.info
    assert info.architecture == "llama"
    assert info.n_ctx_train == facts.GUIDE_CONTEXT
    assert round(info.n_params / 1e6) == facts.GUIDE_MILLION_PARAMETERS
    assert not info.add_bos
    assert info.eos_token == "<|im_end|>"


@pytest.mark.parametrize("has_system", [True, False])
@pytest.mark.parametrize("has_tools", [True, False])
def test_the_template_writes_what_the_model_was_trained_on(guide: Guide, has_system: bool, has_tools: bool):
    """The Jinja template in the file and the corpus's own rendering give the same text."""
    whole = conversation()
    messages = whole.messages if has_system else whole.messages[1:]
    offered = whole.tools if has_tools else []
    trained_on = "".join(piece.text for piece in Conversation(messages, offered).pieces())
    assert guide.template.render(messages, offered or None, add_generation_prompt=False) == trained_on


def test_no_token_reaches_over_the_border_of_what_the_model_writes(guide: Guide):
    """Tokens of the whole text are the tokens of its pieces, so the model sees at run time what it saw in training."""
    pieces = conversation().pieces()
    apart = [token for piece in pieces for token in guide.engine.tokenize(piece.text)]
    assert guide.engine.tokenize("".join(piece.text for piece in pieces)) == apart


def test_no_token_reaches_over_the_border_of_a_value(guide: Guide):
    """Dates, sums, addresses, codes, names of several words, numbers: whatever training puts into calls."""
    rng = random.Random(6)
    for _ in range(20):
        whole, more = corpus.episodes(rng, "values")
        whole.messages += [message for _ in range(3) for message in more()]
        pieces = whole.pieces()
        apart = [token for piece in pieces for token in guide.engine.tokenize(piece.text)]
        assert guide.engine.tokenize("".join(piece.text for piece in pieces)) == apart


def test_it_says_what_localllm_is(guide: Guide):
    """The first question of a newcomer."""
    answer = guide.answer([user("What is localllm?")])
    assert answer == "localllm runs language models on your own computer and serves them with the OpenAI API."


# Shares the committed model must keep on a sample; docs/guide-model.md has the whole evaluation.
FLOORS = {
    "facts, unseen frames": 0.75,
    "facts, by hand": 0.75,
    "out of scope, unseen frames": 0.75,
    "out of scope, by hand": 0.75,
    "copy": 0.8,
    "count": 0.85,
    "recall over turns": 0.85,
    "JSON from the question": 0.85,
    "tool call, unseen tools": 0.8,
    "tool call, unseen verbs too": 0.75,
    "tool result in the answer": 0.75,
    "no call: none fits": 0.9,
    cases.BESIDE_TOOLS: 0.75,
}


@pytest.mark.parametrize("category", FLOORS)
def test_it_does_as_well_as_its_card_says(guide: Guide, category: str):
    """Every kind of question of the evaluation, on a seed that nobody looked at while tuning."""
    assert share_right(guide, sample(category)) >= FLOORS[category]


def test_it_calls_no_tool_where_a_fact_is_asked(guide: Guide):
    """Whatever it answers."""
    assert not [answer for _, answer in guide.answers(sample(cases.BESIDE_TOOLS)) if "<tool_call>" in answer]


def test_it_answers_in_json_when_asked(guide: Guide):
    """The answer parses, and holds what was said."""
    answer = guide.answer([user("Write a JSON object with city Paris and count 3")])
    assert json.loads(answer) == {"city": "Paris", "count": 3}


def test_it_calls_the_tool_that_everybody_tries_first(guide: Guide):
    """OpenAI's own example, alone and beside another tool; and it answers what needs no tool."""
    place = {"type": "string", "description": "City and country e.g. Bogotá, Colombia"}
    weather = function("get_weather", "Get current temperature for a given location.", location=place)
    search = function("web_search", "Search the web.", query={"type": "string"})
    for box in ([weather], [weather, search]):
        answer = guide.answer([user("What is the weather in Oslo?")], box)
        assert cases.parse_calls(answer) == [{"name": "get_weather", "arguments": {"location": "Oslo"}}]
    assert "tool_call" not in guide.answer([user("How do I stop the server?")], [weather])


def function(name: str, description: str, **properties: dict[str, Any]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties}
    described = {"name": name, "description": description, "parameters": parameters}
    return {"type": "function", "function": described}


def sample(category: str, count: int = 12) -> list[cases.Case]:
    every = [case for case in cases.all_cases(seed=99, per_fact=1, count=count) if case.category == category]
    return random.Random(1).sample(every, count)
