"""Token bytes → text, incrementally: a character whose bytes are spread over tokens comes out whole or not at all."""

from __future__ import annotations

import codecs


class Detokenizer:
    """feed(piece) → text, flush() → rest. Any split of the bytes gives the same text; bad bytes become U+FFFD."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def feed(self, piece: bytes) -> str:
        return self._decoder.decode(piece)

    def flush(self) -> str:
        """What is left of an unfinished character, as U+FFFD."""
        return self._decoder.decode(b"", final=True)
