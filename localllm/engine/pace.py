"""How many prompt tokens fit into a step's time: learned from the steps themselves. Pure arithmetic."""

from __future__ import annotations

SMOOTHING = 0.2
MIN_CHUNK = 8
FIRST_CHUNK = 32
LEAST_APART = 256  # prompt tokens; fewer are not worth a context of their own
# llama.cpp multiplies so many rows of a batch at once on a CPU; what is over is computed row by row.
ROW_BLOCK = 4
PATIENCE, LEAST_PATIENCE_S, MOST_PATIENCE_S = 0.03, 0.002, 0.02  # a share of the time that reading will take


class Pace:
    """Measures what a prompt token and a decoding step cost, and turns time budgets into token counts.

    busy_s: how long a step may take while somebody's stream is running, which is the longest pause in that stream.
    A fifth of a second: with half of it a laptop's CPU would read a prompt at two thirds of its speed: each step
    begins with reading all the weights. apart_s: from one step to the next while a prompt is read apart, which loses no
    more by it than the step in between takes; a stream is then as fast as one reads. idle_s: how long a step may take
    while nobody's stream is running; it bounds how long a cancel or a newcomer waits.
    """

    def __init__(
        self,
        n_batch: int,
        *,
        busy_s: float = 0.22,
        apart_s: float = 0.15,
        idle_s: float = 1.0,
        apart_from: int | None = None,
    ) -> None:
        self.n_batch = n_batch
        self._apart_from = apart_from
        self.busy_s = busy_s
        self.apart_s = apart_s
        self.idle_s = idle_s
        self._decode_s = 0.0
        self._token_s: float | None = None

    def observe(self, num_decoded: int, num_prefilled: int, seconds: float) -> None:
        """Learn from a finished step."""
        if num_prefilled == 0:
            self._decode_s = _smooth(self._decode_s or seconds, seconds)
        elif num_prefilled >= ROW_BLOCK:
            base = self._decode_s if num_decoded else 0.0
            cost = max(seconds - base, 0.1 * seconds) / num_prefilled
            self._token_s = cost if self._token_s is None else _smooth(self._token_s, cost)

    def prefill_tokens(self, *, num_decoding: int, share: float = 1.0) -> int:
        """How many prompt tokens the next step may carry beside `num_decoding` rows of running streams.

        share: of the time for prompts, where others are read apart.
        """
        if self._token_s is None:
            return FIRST_CHUNK
        left_s = share * (self.busy_s - self._decode_s if num_decoding else self.idle_s)
        rows = max(MIN_CHUNK, min(self.n_batch, int(left_s / self._token_s))) + num_decoding
        return rows - rows % ROW_BLOCK - num_decoding

    @property
    def apart_from(self) -> int:
        """Prompt tokens that are worth to be read apart: more than can be read in the time that a step may take."""
        if self._apart_from is not None:
            return self._apart_from
        return max(LEAST_APART, int(self.idle_s / self._token_s) if self._token_s else 0)

    def rest_s(self, last_step_s: float) -> float:
        """How long prompts are read apart until the next step: as long as a stream may pause, or half the time."""
        return max(self.apart_s - last_step_s, last_step_s)

    def patience_s(self, num_tokens: int) -> float:
        """How long to wait for company before so many tokens are read: 0 where that takes no time anyway."""
        wait_s = PATIENCE * num_tokens * (self._token_s or 0.0)
        return min(wait_s, MOST_PATIENCE_S) if wait_s >= LEAST_PATIENCE_S else 0.0


def _smooth(old: float, new: float) -> float:
    return old + SMOOTHING * (new - old)
