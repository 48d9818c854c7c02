"""Speculation that never costs: guess the next tokens from the text itself, and only while guessing pays.

What followed the last time the same few tokens were written is computed together with the next token, in one batch;
the runner keeps what it would have drawn anyway. Right for code, quotations, tables and edits; elsewhere it stays off.
Pure arithmetic over tokens and measured step times: knows no model.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from localllm.engine.sequence import Sequence, TokenBuffer

Guess = Callable[[TokenBuffer, int], list[int]]
MAX_DRAFTS = 4
MATCH = 3  # tokens that must agree before what followed them is guessed
LOOK_BACK = 8192
FIRST_WAIT = 32  # steps without guessing after a guess was wrong; doubled each time
COMPARE_EVERY = 32  # while guessing pays, every so many steps one goes without
SMOOTHING = 0.3
MUST_GAIN = 1.05


class Drafter:
    """Decides how many tokens to guess for the one sequence that is decoding, and learns from what came of it.

    It begins with a single guess, which costs little. If that was right it guesses as many as it may, as long as
    measured times say that this pays; if not, it waits, each time twice as long, before it tries again.
    """

    def __init__(self, *more: Guess) -> None:
        """more: asked in turn where the text itself gives no guess (a draft model)."""
        self._guesses: tuple[Guess, ...] = (guess, *more)
        self._plain_s: float | None = None
        self._drafted_s: float | None = None
        self._begin(None)

    def _begin(self, sequence: Sequence | None) -> None:
        self._sequence = sequence
        self._is_on = False
        self._tokens_per_step: float | None = None
        self._num_on = 0
        self._wait = 0
        self._next_wait = FIRST_WAIT

    def propose(self, sequence: Sequence) -> list[int]:
        """Tokens that may come next; empty where there is nothing to go by or it has not paid lately."""
        if sequence is not self._sequence:
            self._begin(sequence)
        if self._plain_s is None:  # nothing to compare with yet
            return []
        if self._is_on:
            self._num_on += 1
            is_comparison = self._num_on % COMPARE_EVERY == 0  # a plain step, so that its time stays known
            return [] if is_comparison else self._guess(sequence, MAX_DRAFTS)
        if self._wait:
            self._wait -= 1
            return []
        return self._guess(sequence, 1)

    def observe(self, num_drafts: int, num_tokens: int, seconds: float) -> None:
        """A step of this one sequence took so long and gave so many tokens."""
        if num_drafts == 0:
            self._plain_s = _smooth(self._plain_s, seconds)
        elif self._is_on and num_drafts == MAX_DRAFTS:
            self._drafted_s = _smooth(self._drafted_s, seconds)
            self._tokens_per_step = _smooth(self._tokens_per_step, float(num_tokens))
            if not self.pays:
                self._turn_off()
        elif not self._is_on and num_tokens > num_drafts:
            self._is_on, self._tokens_per_step = True, None
        elif not self._is_on:
            self._turn_off()

    @property
    def pays(self) -> bool:
        """True where guessing gives more tokens a second than not guessing, as far as was measured."""
        if self._plain_s is None or self._drafted_s is None or self._tokens_per_step is None:
            return True
        return self._tokens_per_step / self._drafted_s > MUST_GAIN / self._plain_s

    def _turn_off(self) -> None:
        self._is_on = False
        self._wait = self._next_wait
        self._next_wait *= 2

    def _guess(self, sequence: Sequence, count: int) -> list[int]:
        return next((drafts for g in self._guesses if (drafts := g(sequence.tokens, count))), [])


def guess(tokens: TokenBuffer, count: int) -> list[int]:
    """What followed the last earlier place that ends like these tokens do; at most `count` tokens."""
    ids = tokens.view(max(0, len(tokens) - LOOK_BACK))
    if len(ids) <= MATCH:
        return []
    tail = ids[-MATCH:]
    found = np.ones(len(ids) - MATCH, dtype=bool)  # places [i, i + MATCH) that end before the last token
    for offset in range(MATCH):
        found &= ids[offset : offset + len(found)] == tail[offset]
    places = np.flatnonzero(found)
    if len(places) == 0:
        return []
    after = int(places[-1]) + MATCH
    drafts: list[int] = ids[after : after + count].tolist()
    return drafts


def _smooth(old: float | None, new: float) -> float:
    return new if old is None else old + SMOOTHING * (new - old)
