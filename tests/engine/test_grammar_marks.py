from __future__ import annotations

import llguidance
import pytest

from localllm.chat.formats import by_name
from localllm.chat.tools import read_tools
from localllm.engine.constraint import Compiler
from localllm.engine.grammar_marks import with_token_ids
from localllm.llama.model import Model

# llguidance asks llama.cpp for a token's kind by an older name.
pytestmark = pytest.mark.filterwarnings("ignore:llama_token_get_attr is deprecated:DeprecationWarning")

TOOLS = read_tools([{"type": "function", "function": {"name": "now"}}])


@pytest.fixture(scope="module")
def model(tiny_model_path):
    model = Model(tiny_model_path)
    yield model
    model.close()


def test_a_marker_that_is_a_token_is_named_by_its_id(model):
    """To the grammar a control token is never text."""
    tokenizer = model.grammar_tokenizer()
    (opener,) = model.tokenize("<tool_call>", add_special=False, parse_special=True)
    (closer,) = model.tokenize("</think>", add_special=False, parse_special=True)
    grammar = 'start: upto_0 mark_1\nupto_0[suffix="</think>"]: /(?s:.*)/\nmark_1: "<tool_call>"\n'
    assert with_token_ids(grammar, tokenizer) == (
        f"start: upto_0 mark_1\nupto_0: /(?s:.*)/ <[{closer}]>\nmark_1: <[{opener}]>\n"
    )


def test_a_marker_that_is_text_stays_text():
    """A model with another vocabulary writes the same marker letter by letter."""
    grammar = 'start: mark_0\nmark_0: "<tool_call>"\n'
    assert with_token_ids(grammar, llguidance.LLTokenizer("byte")) == grammar


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_calls_are_allowed_with_the_tokens_of_the_vocabulary(model, choice):
    """The grammar of a format takes what the model's own tokens spell."""
    format_ = by_name("hermes")
    grammar = format_.grammar(TOOLS, tool_choice=choice)
    assert grammar is not None
    constraint = Compiler(model.grammar_tokenizer()).constraint(grammar)
    text = format_.write_calls([("now", {})])
    for token_id in model.tokenize(text, add_special=False, parse_special=True):
        if not constraint.is_complete:
            constraint.accept(int(token_id), model.piece(int(token_id), special=True))
    assert constraint.is_complete
