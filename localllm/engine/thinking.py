"""A budget for a model's thinking: its tokens are counted, and when they are used up the end of it is written for it.

A `Constraint` around the sequence's grammar, if it has one. The grammar has the last word: where it does not allow the
end, it is asked again after the next token. Knows no vocabulary: it is given token ids.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
import numpy.typing as npt

from localllm.engine.constraint import Constraint
from localllm.sampling_params import ThinkingMarks

MAX_LATE_TOKENS = 3  # beyond the budget, until a character is whole


class ThinkingEnd(msgspec.Struct, frozen=True):
    """The marks as token ids. opener: the one token that begins the thinking, None where it takes several."""

    end: list[int]
    end_again: list[int]
    opener: int | None


class ThinkingBudget:
    """Follows one sequence. budget: tokens of thinking in the whole answer."""

    def __init__(
        self,
        marks: ThinkingMarks,
        tokens: ThinkingEnd,
        budget: int,
        piece: Callable[[int], bytes],
        grammar: Constraint | None,
    ) -> None:
        """piece: the bytes of a token, control tokens too."""
        self._opener = marks.opener.strip().encode()
        self._closers = tuple(closer.encode() for closer in marks.closers)
        self._is_anywhere = marks.is_anywhere
        self._tokens = tokens
        self._left = budget
        self._piece = piece
        self._grammar = grammar
        self._is_open = marks.is_open
        self._was_ended = False
        self._written = b""  # since the answer began, or the thinking was opened or closed

    def apply(self, logits: npt.NDArray[np.float32]) -> None:
        """Beyond the budget the thinking is not begun again."""
        if self._grammar is not None:
            self._grammar.apply(logits)
        if self._left <= 0 and self._tokens.opener is not None:
            logits[self._tokens.opener] = -np.inf

    def allows(self, token_id: int) -> bool:
        return self._grammar is None or self._grammar.allows(token_id)

    def accept(self, token_id: int, piece: bytes) -> list[int]:
        forced = self._take(token_id, piece)
        if self._is_used_up:
            forced += self._end()
        return forced

    @property
    def is_complete(self) -> bool:
        return self._grammar is not None and self._grammar.is_complete

    def _take(self, token_id: int, piece: bytes) -> list[int]:
        """One token, and what the grammar makes of it."""
        forced = self._grammar.accept(token_id, piece) if self._grammar is not None else []
        self._watch(piece)
        for forced_id in forced:
            self._watch(self._piece(forced_id))
        return forced

    @property
    def _is_used_up(self) -> bool:
        if not self._is_open or self._left > 0:
            return False
        return not _is_inside_character(self._written) or self._left <= -MAX_LATE_TOKENS

    def _end(self) -> list[int]:
        """Writes the end of the thinking, as far as the grammar allows."""
        written: list[int] = []
        for token_id in self._tokens.end_again if self._was_ended else self._tokens.end:
            if not self.allows(token_id):
                break
            forced = self._take(token_id, self._piece(token_id))
            written += [token_id, *forced]
            if forced:
                break
        self._was_ended = self._was_ended or bool(written)
        return written

    def _watch(self, piece: bytes) -> None:
        self._written = (self._written + piece)[-4096:]
        if self._is_open:
            self._left -= 1
            if any(closer in self._written for closer in self._closers):
                self._is_open, self._written = False, b""
        elif self._begins():
            self._is_open, self._written = True, b""

    def _begins(self) -> bool:
        """Only where the parser sees thinking too: a marker inside an answer is text."""
        before, found, _ = self._written.partition(self._opener)
        return bool(found) and (self._is_anywhere or not before.strip())


def _is_inside_character(text: bytes) -> bool:
    """Whether the text ends in the middle of a UTF-8 character."""
    for back in range(1, min(3, len(text)) + 1):
        byte = text[-back]
        if byte >= 0xC0:
            return back < (4 if byte >= 0xF0 else 3 if byte >= 0xE0 else 2)
        if byte < 0x80:
            return False
    return False
