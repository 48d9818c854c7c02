"""The output side of one sequence: token → text, stop strings, limits, and the finish that says what happened.

Decides whether another token is generated. Knows neither slots nor the C library.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from localllm.engine import messages as m
from localllm.engine.detokenizer import Detokenizer
from localllm.engine.sequence import Sequence
from localllm.engine.stopping import StopStrings

Piece = Callable[[int], bytes]


class Output:
    """Collects what one step adds to a completion: push() each token, then take() the delta."""

    def __init__(
        self, sequence: Sequence, *, piece: Piece, eog_tokens: frozenset[int], max_length: int
    ) -> None:
        """max_length: tokens, prompt included, after which no further one can be computed."""
        self.sequence = sequence
        self.finish: m.Finish | None = None
        self._piece = piece
        self._eog_tokens = eog_tokens
        self._max_length = max_length
        self._detokenizer = Detokenizer()
        self._stops = StopStrings(sequence.params.stop)
        self._text = ""
        self._num_tokens = 0
        self._logprobs: list[m.TokenLogprob] = []
        self._created = time.monotonic()
        self._started: float | None = None
        self._first_token: float | None = None

    def started(self) -> None:
        """The first chunk of the prompt is being computed."""
        if self._started is None:
            self._started = time.monotonic()

    def push(self, token_id: int, logprob: m.TokenLogprob | None = None) -> None:
        """A token was generated (and appended to the sequence)."""
        if self._first_token is None:
            self._first_token = time.monotonic()
        self._num_tokens += 1
        if token_id in self._eog_tokens and not self.sequence.params.ignore_eos:
            self._end("stop")
            return
        if logprob is not None:
            self._logprobs.append(logprob)
        self._text += self._stops.feed(self._detokenizer.feed(self._piece(token_id)))
        if self._stops.found is not None:
            self._end("stop")
        elif self._is_at_limit:
            self._end("length")

    def end(self) -> None:
        """The grammar is complete: nothing may follow."""
        self._end("stop")

    def cancel(self) -> None:
        self._end("cancelled")

    def take(self) -> m.Delta | None:
        """What is new since the last call, or None."""
        if not self._num_tokens and self.finish is None:
            return None
        delta = m.Delta(
            self.sequence.request_id,
            self.sequence.index,
            self._text,
            self._num_tokens,
            self._logprobs or None,
            self.finish,
        )
        self._text, self._num_tokens, self._logprobs = "", 0, []
        return delta

    @property
    def _is_at_limit(self) -> bool:
        max_tokens = self.sequence.params.max_tokens
        if max_tokens is not None and self.sequence.num_output_tokens >= max_tokens:
            return True
        return len(self.sequence.tokens) >= self._max_length

    def _end(self, reason: m.FinishReason) -> None:
        self._text += self._stops.feed(self._detokenizer.flush()) + self._stops.flush()
        now = time.monotonic()
        started = self._started or now
        first = self._first_token or now
        self.finish = m.Finish(
            reason="stop" if self._stops.found is not None else reason,
            num_completion_tokens=self.sequence.num_output_tokens,
            num_cached_tokens=self.sequence.num_cached_tokens,
            queue_ms=1e3 * (started - self._created),
            prompt_ms=1e3 * (first - started),
            predicted_ms=1e3 * (now - first),
            stop=self._stops.found,
        )
