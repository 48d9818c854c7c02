"""A budget for thinking: counted where the parser sees thinking, and ended in the model's own syntax."""

from __future__ import annotations

import llguidance
import numpy as np
import pytest

from localllm.engine.constraint import Compiler
from localllm.engine.thinking import ThinkingBudget, ThinkingEnd
from localllm.sampling_params import Grammar, ThinkingMarks

MARKS = ThinkingMarks("<t>", ("</t>", "<call>"), "\n</t>\n", "\n</t>again")
TOKENIZER = llguidance.LLTokenizer("byte")


def budget_of(budget, *, marks=MARKS, grammar=None, opener=None):
    """A budget over single bytes: a token is its byte."""
    end, again = (list(text.encode()) for text in (marks.end, marks.end_again))
    return ThinkingBudget(
        marks, ThinkingEnd(end, again, opener), budget, lambda token: bytes([token]), grammar
    )


def write(constraint, text):
    """Feeds the text; what was written in the end, with everything that was forced."""
    written = b""
    for byte in text if isinstance(text, bytes) else text.encode():
        written += bytes([byte]) + bytes(constraint.accept(byte, bytes([byte])))
    return written


def opened(**options):
    return ThinkingMarks(MARKS.opener, MARKS.closers, MARKS.end, MARKS.end_again, is_open=True, **options)


def test_the_end_is_written_after_so_many_tokens_of_thinking():
    """A prompt that has begun the thinking: the third token is the last one."""
    assert write(budget_of(3, marks=opened()), "abc") == b"abc\n</t>\n"


def test_thinking_that_the_model_begins_is_counted_from_there():
    """The opener itself costs nothing, and what comes after the end is not counted."""
    assert write(budget_of(2), " <t>ab") == b" <t>ab\n</t>\n"
    assert write(budget_of(5), "<t>a</t>answer and more") == b"<t>a</t>answer and more"


def test_a_marker_inside_an_answer_is_text():
    """As the parser has it: thinking begins only where an answer begins."""
    assert write(budget_of(1), "Use <t>abc") == b"Use <t>abc"


def test_a_call_inside_the_thinking_is_never_cut():
    """It ends the thinking: its arguments must not be torn apart."""
    assert write(budget_of(8, marks=opened()), "a<call>{}{}{}{}") == b"a<call>{}{}{}{}"


def test_a_second_beginning_is_ended_at_once_in_its_own_way():
    """The budget is one for the whole answer."""
    assert write(budget_of(1), "<t>a") == b"<t>a\n</t>\n"
    constraint = budget_of(1)
    write(constraint, "<t>a")
    assert write(constraint, "<t>") == b"<t>\n</t>again"


def test_a_channel_counts_wherever_it_opens():
    """Where only tokens of its own can spell the opener."""
    marks = ThinkingMarks("<t>", ("</t>",), "</t>", "</t>", is_anywhere=True)
    assert write(budget_of(2, marks=marks), "before <t>ab") == b"before <t>ab</t>"


def test_a_character_is_never_cut():
    """The end waits for the rest of it, though not for ever."""
    assert write(budget_of(2, marks=opened()), "a漢") == "a漢\n</t>\n".encode()
    assert write(budget_of(1, marks=opened()), b"\xe6\xe6\xe6\xe6").startswith(b"\xe6\xe6\xe6\xe6\n</t>")


def test_a_used_up_budget_forbids_the_opener():
    """A model that would only think again cannot go round in circles."""
    constraint = budget_of(0, opener=7)
    logits = np.zeros(256, dtype=np.float32)
    constraint.apply(logits)
    assert np.isneginf(logits).nonzero()[0].tolist() == [7]


@pytest.mark.parametrize("triggers", [("</t>",), ()], ids=["after the thinking", "with the thinking in it"])
def test_a_grammar_goes_on_behind_the_end(triggers):
    """Both kinds: one that sleeps until the thinking is over, and one that describes it too."""
    inner = '"{" "}"' if triggers else '/(?s:[^<]*)/ "</t>" "{" "}"'
    grammar = Compiler(TOKENIZER).constraint(Grammar("lark", f"start: {inner}\n", triggers))
    constraint = budget_of(2, marks=opened(), grammar=grammar)
    written = write(constraint, "ab")
    assert written.startswith(b"ab\n</t>")
    assert b"\n{" not in written
    if not constraint.is_complete:
        written += write(constraint, "{")
    assert written == b"ab\n</t>{}"
    assert constraint.is_complete


def test_the_grammar_has_the_last_word():
    """An end that it does not allow is not written."""
    grammar = Compiler(TOKENIZER).constraint(Grammar("lark", "start: /[<a-z>]+/\n"))
    assert write(budget_of(1, grammar=grammar), "<t>abc") == b"<t>abc"
