"""Why a prompt had to be computed: what the last admitted sequences found in the cache, for people who debug it.

Kept as tokens when a sequence is admitted; made into words only when somebody asks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from localllm.engine.messages import PrefixReport
from localllm.engine.prefix_cache import PrefixCache
from localllm.engine.sequence import Sequence, TokenIds, common_prefix

KEPT = 32
SHOWN_TOKENS = 8  # on each side of the place where two prompts part

Text = Callable[[list[int]], str]


class Admissions:
    """The last admissions of one model, newest last."""

    def __init__(self, cache: PrefixCache) -> None:
        self._cache = cache
        self._kept: deque[tuple[Sequence, TokenIds | None]] = deque(maxlen=KEPT)

    def note(self, sequence: Sequence) -> None:
        """A sequence is about to be given a slot: remember what is most like its prompt."""
        prompt = sequence.tokens.view()
        slots = [slot for slot in self._cache.slots if slot.length]
        nearest = max(slots, key=lambda slot: common_prefix(slot.held, prompt), default=None)
        self._kept.append((sequence, nearest.held.copy() if nearest is not None else None))

    def report(self, text: Text) -> list[PrefixReport]:
        """One row for each admission, in words."""
        return [self._row(sequence, nearest, text) for sequence, nearest in self._kept]

    def _row(self, sequence: Sequence, nearest: TokenIds | None, text: Text) -> PrefixReport:
        prompt = sequence.tokens.view(0, sequence.num_prompt_tokens)
        parts_at = common_prefix(nearest, prompt) if nearest is not None else 0
        around = slice(max(0, parts_at - SHOWN_TOKENS), parts_at + SHOWN_TOKENS)
        return PrefixReport(
            request_id=sequence.request_id,
            index=sequence.index,
            num_prompt_tokens=sequence.num_prompt_tokens,
            num_cached_tokens=sequence.num_cached_tokens,
            reason=self._reason(sequence, nearest, parts_at),
            parts_at=parts_at,
            prompt_there=text(prompt[around].tolist()),
            kept_there=text(nearest[around].tolist()) if nearest is not None else "",
        )

    def _reason(self, sequence: Sequence, nearest: TokenIds | None, parts_at: int) -> str:
        if not sequence.params.cache_prompt:
            return "the request said cache_prompt: false"
        if nearest is None:
            return "nothing was kept"
        if sequence.num_cached_tokens >= sequence.num_prompt_tokens - 1:
            return "the whole prompt was kept"
        if parts_at == 0:
            return "nothing that was kept begins like this prompt"
        if not self._cache.can_cut and sequence.num_cached_tokens < parts_at:
            return "this model's memory cannot be cut where the prompts part"
        if parts_at == len(nearest):
            return "all of the nearest prefix was used; the rest is new"
        return "the prompt parts from the nearest prefix"
