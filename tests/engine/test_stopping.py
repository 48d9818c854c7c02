"""Stop strings end the text exactly where they begin, however the text is cut into tokens."""

from __future__ import annotations

import pytest

from localllm.engine.stopping import StopStrings

CASES = [
    # text, stops, what is shown, which one ended it
    ("Hello END more", ["END"], "Hello ", "END"),
    ("Hello", ["END"], "Hello", None),
    ("Hello E", ["END"], "Hello E", None),
    ("EEND", ["END"], "E", "END"),
    ("aab", ["aab", "ab"], "", "aab"),
    ("xaby", ["abc", "b"], "xa", "b"),
    ("xabcy", ["abc", "b"], "x", "abc"),
    ("ab", ["abc", "b"], "a", "b"),
    ("你好。再见", ["。"], "你好", "。"),
    ("abab", ["abac"], "abab", None),
    ("", ["x"], "", None),
    ("anything", ["", ""], "anything", None),
]


def run(pieces, stops):
    watcher = StopStrings(stops)
    shown = ""
    for piece in pieces:
        shown += watcher.feed(piece)
        if watcher.found:
            break
    return shown + watcher.flush(), watcher.found


@pytest.mark.parametrize(("text", "stops", "shown", "found"), CASES)
def test_every_split_of_the_text_stops_at_the_same_place(text, stops, shown, found):
    """All ways to cut the text into two pieces, and into single characters, give one result."""
    splits = [[text[:i], text[i:]] for i in range(len(text) + 1)] + [list(text)]
    assert {run(pieces, stops) for pieces in splits} == {(shown, found)}


def test_what_may_become_a_stop_string_is_never_shown_before_it_is_known():
    """A beginning of a stop string is held back until the next text decides."""
    watcher = StopStrings(["</s>"])
    assert watcher.feed("Hi </") == "Hi "
    assert watcher.feed("b>") == "</b>"


def test_text_without_stop_strings_passes_at_once():
    """Nothing is held back when there is nothing to wait for."""
    assert StopStrings([]).feed("abc") == "abc"
