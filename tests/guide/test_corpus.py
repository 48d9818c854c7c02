"""The corpus the guide model is trained on: wide enough, fair to evaluate, and the same for everybody."""

from __future__ import annotations

import json
import random
import re
import string

import pytest
from guide_model import (
    cases,
    corpus,
    heldout,
    out_of_scope,
    tool_requests,
    tool_words,
    toolboxes,
    tools,
    words,
)
from guide_model.conversation import name_in_words, value_parts
from guide_model.fact import Fact
from guide_model.frames import FRAMES, HELD_OUT, roughen

HELD_OUT_WORDS = {*tool_words.HELD_OUT_NOUNS, *tool_words.HELD_OUT_PARAMETERS}
IDS = [fact.id for fact in corpus.FACTS]


def test_there_are_about_150_facts_and_40_of_them_in_chinese():
    """The bar of the issue."""
    assert len(corpus.ENGLISH) >= 145
    assert len(corpus.CHINESE) >= 40


def test_no_two_facts_have_the_same_id_or_answer():
    """The evaluation tells facts apart by their answers."""
    assert len(set(IDS)) == len(IDS)
    for facts in (corpus.ENGLISH, corpus.CHINESE):
        assert len({fact.answer for fact in facts}) == len(facts)


def test_every_fact_is_asked_in_at_least_12_ways():
    """Before typos, case and missing punctuation, which come on top."""
    assert not [fact.id for fact in corpus.FACTS if num_ways(fact) < 12]


def test_no_held_out_frame_is_used_in_training():
    """Otherwise the evaluation would only show what was learned by heart."""
    for kind, frames in HELD_OUT.items():
        assert not set(frames) & set(FRAMES[kind])


def test_no_question_written_for_the_evaluation_is_a_phrase_of_the_corpus():
    """The questions by hand must be new to the model."""
    phrases = {bare(p) for fact in corpus.FACTS for group in fact.phrases.values() for p in group}
    copied = [question for question, _ in heldout.QUESTIONS if bare(question) in phrases]
    assert not copied


def test_every_question_written_by_hand_names_a_fact_that_exists():
    """A renamed fact must not silently leave the evaluation."""
    assert {fact_id for _, fact_id in heldout.QUESTIONS} <= set(IDS)


def test_tools_of_the_evaluation_share_no_noun_and_no_parameter_with_those_of_the_training():
    """ "Unseen tools" means that."""
    assert not set(tool_words.HELD_OUT_NOUNS) & set(tool_words.NOUNS)
    assert not set(tool_words.HELD_OUT_PARAMETERS) & set(tool_words.PARAMETERS)


def test_tools_for_practising_values_have_one_to_three_arguments_and_none_of_the_held_out_words():
    """Where two or three values stand in a request, each must find its own argument."""
    boxes = [toolboxes.with_arguments(random.Random(seed)) for seed in range(200)]
    made = [function for box in boxes for function in box]
    assert {len(function.parameters) for function in made} == {1, 2, 3}
    used = {name for function in made for name in (function.noun, *(p.name for p in function.parameters))}
    assert not {part for name in used for part in re.split("[ _]", name)} & HELD_OUT_WORDS


def test_verbs_of_the_evaluation_are_no_verbs_of_tools_in_training():
    """ "Unseen verbs" means that."""
    held_out = set(tool_words.HELD_OUT_VERBS)
    of_families = {name for names, _, _ in tool_words.FAMILIES.values() for name in names}
    assert not held_out & {*of_families, *tool_words.OWN_VERBS}


def test_tools_for_one_thing_are_told_apart_by_what_they_do():
    """The thing is the same, no two do the same with it, and their names differ."""
    for seed in range(100):
        box = toolboxes.of_one_thing(random.Random(seed), 3)
        assert len(box) > 1
        assert len({function.noun for function in box}) == 1
        assert len({function.family for function in box}) == len(box)
        assert len({function.name for function in box}) == len(box)


def test_an_answer_names_the_thing_and_every_value_of_the_result():
    """Nothing that the tool said may be missing."""
    for seed in range(100):
        rng = random.Random(seed)
        function = tools.make_any(rng, tools.TRAINING)
        result, said = tool_requests.make_result(rng, function)
        values = json.loads(result).values() if result.startswith("{") else [result]
        assert said.startswith((f"The {function.noun}: ", "That failed: "))
        assert all(str(value) in said for value in values)


def test_names_with_letters_that_english_does_not_have_are_practised():
    """Tromsø must come out as Tromsø."""
    rng = random.Random(1)
    assert not any(words.accented(rng).isascii() for _ in range(100))


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ('"Oslo"', ('"', "Oslo", '"')),
        ('"2031-05-06"', ('"', "2031-05-06", '"')),
        ("77.8", ("", "77.8", "")),
        ('"(a)"', ("", "", '"(a)"')),
        ("true", ("", "", "true")),
        ('""', ("", "", '""')),
        ("-3", ("", "", "-3")),
    ],
)
def test_what_is_inside_a_value_weighs_more_where_no_token_reaches_over_its_quotes(
    written: str, parts: tuple[str, str, str]
):
    """Otherwise training would see other tokens than a runtime does."""
    assert value_parts(written) == parts


def test_the_same_seed_gives_the_same_conversations():
    """Training is reproducible only if its texts are."""
    assert some_text(7) == some_text(7)
    assert some_text(7) != some_text(8)


def test_the_corpus_names_no_folder_of_a_machine_and_no_package_registry():
    """What the model says must hold on every computer."""
    text = some_text(1, count=80)
    for forbidden in ("/work", "/root", "/home", "/tmp", "C:\\", "pypi", "npmjs"):
        assert forbidden not in text


def test_a_question_is_never_roughened_into_nothing():
    """A row must not teach the model to answer silence."""
    rng = random.Random(3)
    assert all(roughen(rng, text) for text in ("?", "Hi", "!", "你好？") for _ in range(200))


def test_the_evaluation_asks_for_every_fact():
    """No fact can be forgotten without a figure that shows it."""
    answers = {case.expected for case in cases.facts_by_frames(random.Random(1), per_fact=1)}
    assert answers == {fact.answer for fact in corpus.FACTS}


def test_a_refusal_is_accepted_in_either_language_and_a_fact_is_not():
    """Which language a refusal comes in is no matter of right or wrong."""
    case = cases.Case("x", [], out_of_scope.REFUSAL)
    assert case.is_right(out_of_scope.REFUSAL_ZH)
    assert not case.is_right(corpus.ENGLISH[0].answer)


@pytest.mark.parametrize(
    ("answer", "is_right", "is_no_call"),
    [
        ("yes", True, True),
        ("no", False, True),
        ('<tool_call>\n{"name": "a", "arguments": {}}\n</tool_call>', False, False),
    ],
)
def test_a_fact_beside_tools_may_be_wrong_without_being_a_call(answer: str, is_right: bool, is_no_call: bool):
    """Two figures, so that neither hides the other."""
    case = cases.Case(cases.BESIDE_TOOLS, [], "yes")
    assert case.verdicts(answer) == {cases.BESIDE_TOOLS: is_right, cases.NO_CALL: is_no_call}
    assert cases.Case("copy", [], "yes").verdicts(answer) == {"copy": is_right}


@pytest.mark.parametrize(
    ("answer", "calls"),
    [
        ('<tool_call>\n{"name": "a", "arguments": {}}\n</tool_call>', [{"name": "a", "arguments": {}}]),
        ("<tool_call>\n{broken\n</tool_call>", [None]),
        ("Hello", None),
        ('Hello <tool_call>\n{"name": "a"}\n</tool_call>', None),
    ],
)
def test_calls_are_read_out_of_an_answer_that_holds_nothing_else(answer: str, calls: object):
    """A call after chatter, or a broken one, counts as wrong."""
    assert cases.parse_calls(answer) == calls


def num_ways(fact: Fact) -> int:
    rng = random.Random(0)
    return len({fact.question(rng).lower() for _ in range(60)})


def bare(text: str) -> str:
    return re.sub(rf"[{re.escape(string.punctuation)}？。！，\s]", "", text).lower()


def some_text(seed: int, count: int = 20) -> str:
    rng = random.Random(seed)
    pieces = []
    for kind in ("plain", "tools", "copying", "values", "unknown") * (count // 5):
        conversation, more = corpus.episodes(rng, kind)
        conversation.messages += [message for _ in range(3) for message in more()]
        pieces += [piece.text for piece in conversation.pieces()]
    return "".join(pieces)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("get_tram_times", "get tram times"),
        ("getTramTimes", "get tram times"),
        ("GetTram", "get tram"),
        ("send-mail.now", "send mail now"),
        ("readURL", "read url"),
        ("lamp", "lamp"),
    ],
)
def test_the_name_of_a_tool_is_read_as_words(name: str, said: str):
    """In every style that programmers use, so that it can be compared with what people ask."""
    assert name_in_words(name) == said
