"""Characters come out whole, whatever tokens their bytes were spread over."""

from __future__ import annotations

import pytest

from localllm.engine.detokenizer import Detokenizer


@pytest.mark.parametrize("text", ["plain", "naïve café", "你好，世界", "👩‍👩‍👧 family", "mixed ä€𝄞 end"])
def test_every_split_of_the_bytes_gives_the_same_text_and_no_half_characters(text):
    """Cut the bytes anywhere: the text is the same and U+FFFD never shows."""
    data = text.encode()
    for i in range(len(data) + 1):
        for j in range(i, len(data) + 1):
            detokenizer = Detokenizer()
            parts = [detokenizer.feed(piece) for piece in (data[:i], data[i:j], data[j:])]
            assert "".join(parts) + detokenizer.flush() == text
            assert all("\ufffd" not in part for part in parts)


def test_an_unfinished_character_at_the_end_is_marked_not_lost():
    """A generation that ends in the middle of a character says so with U+FFFD."""
    detokenizer = Detokenizer()
    assert detokenizer.feed("é".encode()[:1]) == ""
    assert detokenizer.flush() == "\ufffd"


def test_bytes_that_are_no_text_become_replacement_characters():
    """A model may write any bytes; what comes out is always text."""
    assert Detokenizer().feed(b"a\xff\xfeb") == "a\ufffd\ufffdb"
