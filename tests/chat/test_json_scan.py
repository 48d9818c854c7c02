from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localllm.chat.json_scan import JsonScanner, dumps

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
)
values = st.recursive(
    leaves,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=4), v, max_size=3),
    max_leaves=8,
)


@given(values, st.text("]},x ", max_size=3), st.integers(0, 200))
def test_the_scanner_finds_the_end_of_any_value_at_any_split(value, rest, cut):
    """It takes exactly the value, whatever comes after it and wherever the text was cut."""
    text = json.dumps([value])
    whole = text + rest
    scanner, taken = JsonScanner(), ""
    for piece in (whole[:cut], whole[cut:]):
        taken += piece[: scanner.scan(piece)]
    assert taken == text
    assert scanner.is_complete


@pytest.mark.parametrize(
    "text",
    [
        "{]",
        "[1,]",
        '{"a" 1}',
        "{a: 1}",
        "[01]",
        "[tru]",
        '["\\x"]',
        '["a\nb"]',
        "[1e]",
        "[--1]",
        "}",
        "[" * 300,
    ],
)
def test_the_scanner_stops_where_json_breaks(text):
    """What json.loads would refuse is refused at the character that breaks it."""
    scanner = JsonScanner()
    end = scanner.scan(text)
    assert scanner.is_broken
    assert end < len(text)
    with pytest.raises(ValueError, match=r"\w"):
        json.loads(text)


def test_a_number_at_the_top_ends_with_the_text():
    """Only there nothing follows it."""
    scanner = JsonScanner()
    assert scanner.scan("-1.5e3") == 6
    assert not scanner.is_complete
    scanner.finish()
    assert scanner.is_complete


def test_what_utf8_cannot_carry_is_escaped():
    """Half a surrogate pair, as a model may escape it, reaches the wire as JSON."""
    assert dumps("ü") == '"ü"'
    assert dumps("\ud800") == '"\\ud800"'
    with pytest.raises(ValueError, match="JSON"):
        dumps(float("inf"))
