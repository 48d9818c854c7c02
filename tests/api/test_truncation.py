"""A history that does not fit: refused with the numbers, or, where it was asked for, without its oldest turns."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localllm.api.truncation import drop_oldest, split_turns
from tests.api.wire_lint import chunks_of

SYSTEM = {"role": "system", "content": "be brief"}
ROLES = st.sampled_from(["user", "assistant", "tool"])


def words(messages):
    return sum(len(message["content"].split()) for message in messages)


def history(num_turns, words_each=10):
    turn = [
        {"role": "user", "content": "q " * words_each},
        {"role": "assistant", "content": "a " * words_each},
    ]
    return [SYSTEM, *turn * (num_turns - 1), {"role": "user", "content": "last question"}]


def test_what_fits_stays_as_it_is():
    """Not even copied."""
    messages = history(3)
    assert drop_oldest(messages, words, 1000) is messages


def test_no_more_turns_are_dropped_than_needed():
    """The newest stay, the system message first of all."""
    kept = drop_oldest(history(10), words, 45)
    assert kept[0] == SYSTEM
    assert kept[-1]["content"] == "last question"
    assert words(kept) == 2 + 2 * 20 + 2 <= 45


def test_a_tool_result_never_loses_its_call():
    """A turn goes as a whole: question, call, result, answer."""
    turn = [{"role": r, "content": "x " * 5} for r in ("user", "assistant", "tool", "assistant")]
    kept = drop_oldest([SYSTEM, *turn * 4, {"role": "user", "content": "last"}], words, 30)
    assert [m["role"] for m in kept] == ["system", "user", "assistant", "tool", "assistant", "user"]


def test_a_system_message_within_a_dropped_turn_stays():
    """Instructions are never dropped; they stand behind the first system message."""
    late = {"role": "system", "content": "in verse"}
    kept = drop_oldest([*history(10)[:5], late, *history(10)[5:]], words, 30)
    assert kept[:2] == [SYSTEM, late]
    assert words(kept) <= 30


def test_the_last_turn_stays_even_when_it_is_too_long():
    """The engine then refuses it with the numbers; an empty prompt would be a lie."""
    kept = drop_oldest(history(5), words, 1)
    assert kept == [SYSTEM, {"role": "user", "content": "last question"}]


@given(st.lists(st.tuples(ROLES, st.integers(0, 9)), min_size=1, max_size=30), st.integers(0, 120))
def test_whatever_the_history_a_tail_of_whole_turns_is_left(shape, limit):
    """And it fits, unless it is the last turn alone."""
    messages = [SYSTEM, *({"role": role, "content": "w " * count} for role, count in shape)]
    kept = drop_oldest(messages, words, limit)
    turns = split_turns(messages)[1]
    left = split_turns(kept)[1]
    assert left == turns[len(turns) - len(left) :]
    assert words(kept) <= limit or len(left) == 1


def body(**fields):
    return {"model": "guide", "messages": history(20), "max_tokens": 100} | fields


def test_the_answer_says_that_messages_were_left_out(client, engine):
    """In a header and in a field, whole and streamed."""
    engine.fake_info = msgspec.structs.replace(engine.fake_info, n_ctx=400)
    answer = client.post("/v1/chat/completions", body(truncation="auto"))
    num_left_out = int(answer.headers["x-localllm-truncated"])
    assert num_left_out > 0
    assert answer.json["truncated_messages"] == num_left_out
    assert len(str(engine.submits[-1].prompt)) <= 400 - 100
    assert "last question" in str(engine.submits[-1].prompt)
    streamed = client.post("/v1/chat/completions", body(truncation="auto", stream=True))
    assert streamed.headers["x-localllm-truncated"] == str(num_left_out)
    assert chunks_of(streamed)[-1]["truncated_messages"] == num_left_out


def test_nothing_is_left_out_unasked(client, engine):
    """Neither a header nor a field; the engine decides what does not fit."""
    engine.fake_info = msgspec.structs.replace(engine.fake_info, n_ctx=400)
    answer = client.post("/v1/chat/completions", body())
    assert "x-localllm-truncated" not in answer.headers
    assert "truncated_messages" not in answer.json
    assert str(engine.submits[-1].prompt).count("q q") > 20


def test_the_catalog_can_ask_for_it(client, models, engine):
    """An entry's `truncation = "auto"`; a request may still say "disabled"."""
    text = models.paths.catalog.read_text()
    models.paths.catalog.write_text(text.replace('id = "guide"', 'id = "guide"\ntruncation = "auto"'))
    engine.fake_info = msgspec.structs.replace(engine.fake_info, n_ctx=400)
    assert "x-localllm-truncated" in client.post("/v1/chat/completions", body()).headers
    assert (
        "x-localllm-truncated" not in client.post("/v1/chat/completions", body(truncation="disabled")).headers
    )


@pytest.mark.slow
def test_a_long_chat_on_a_real_model_is_answered(real):
    """4 096 tokens of context, a history of three times as much."""
    messages = [
        {"role": "user", "content": "word " * 200},
        {"role": "assistant", "content": "ok " * 100},
    ] * 20
    request = {
        "model": "tiny",
        "messages": [*messages, {"role": "user", "content": "And now?"}],
        "max_tokens": 8,
    }
    assert real.post("/v1/chat/completions", request).error["code"] == "context_length_exceeded"
    answer = real.post("/v1/chat/completions", request | {"truncation": "auto"})
    assert answer.status == 200
    assert answer.json["usage"]["prompt_tokens"] < 4096 - 8
