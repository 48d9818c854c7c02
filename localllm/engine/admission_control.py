"""Which waiting sequence may start now, and which running ones must step aside for it.

    may_have_row · may_overtake → who_computes_prefix → who_steps_aside → (the scheduler pauses those, and starts it)

Only answers: nothing is started, paused or evicted here. Knows rows, cells and prefixes, but no step and no chunk.
"""

from __future__ import annotations

from localllm.engine.prefix_cache import PrefixCache, Slot
from localllm.engine.sequence import Sequence, TokenIds, by_importance, common_prefix

WORTH_WAITING = 32  # tokens of prefix that make it worth to let another sequence compute them first
HEADROOM = 16  # cells kept free per running sequence when another is admitted: it shall not be paused at once
MAX_OVERTAKEN = 8  # how often a prompt that finds no room lets a smaller one go first
LOOK_PAST = 4  # prompts without room that one step looks past: a long line shall cost no time


class AdmissionControl:
    """Asked about one waiting sequence after another, in their order."""

    def __init__(self, cache: PrefixCache, running: list[Sequence], max_running: int) -> None:
        """running: the scheduler's own list, so that every answer is about who runs at that moment."""
        self._cache = cache
        self._running = running
        self._max_running = max_running

    def may_have_row(self, sequence: Sequence) -> bool:
        """True if a row is free, or would be if background work stepped aside for a chat."""
        if len(self._running) < self._max_running:
            return True
        return not sequence.is_background and any(s.is_background for s in self._running)

    def who_computes_prefix(self, sequence: Sequence, length: int) -> Sequence | None:
        """Who computes just now so much more of this prompt than is there that it is worth waiting for.

        length: how many of its tokens are there.
        """
        if not sequence.params.cache_prompt:
            return None
        wanted = sequence.tokens.view(0, len(sequence.tokens) - 1)
        prefilling = (s for s in by_importance(self._running) if s.is_prefilling)
        return next((s for s in prefilling if self.will_share(s, wanted) >= length + WORTH_WAITING), None)

    def will_share(self, sequence: Sequence, wanted: TokenIds) -> int:
        """How many of the wanted tokens can be taken from this sequence while it reads its prompt."""
        shared = common_prefix(sequence.tokens.view(0, sequence.prefill_end), wanted)
        return shared if self._cache.can_cut or shared == len(wanted) == sequence.prefill_end - 1 else 0

    def who_steps_aside(
        self, sequence: Sequence, source: Slot | None, length: int, first: Sequence | None
    ) -> list[Sequence] | None:
        """The running background sequences that must be paused for this one: as few as will do, newest first.

        source, length: the slot that it takes its first tokens from, and how many. first: one that must be among
        those who are paused. None where there is no room even so.
        """
        background = sequence.is_background
        candidates = [] if background else [s for s in reversed(self._running) if s.is_background]
        candidates.sort(key=lambda s: s is not first)
        for count in range(int(first is not None), len(candidates) + 1):
            aside = candidates[:count]
            staying = [s for s in self._running if s not in aside]
            needed = len(sequence.tokens) - length + sum(s.num_promised + HEADROOM for s in staying)
            given_up = [s.slot for s in aside if s.slot is not None]
            available = self._cache.num_available(source, length, given_up, for_background=background)
            if len(staying) < self._max_running and available >= needed:
                return aside
        return None


def may_overtake(sequence: Sequence, without_room: list[Sequence]) -> bool:
    """True if a sequence may start before these, which came first: not for ever, and background work never a chat.

    One that was paused is in the middle of its answer and lets nobody ahead.
    """
    return len(without_room) < LOOK_PAST and all(
        other.num_overtaken < MAX_OVERTAKEN
        and not other.was_paused
        and sequence.is_background == other.is_background
        for other in without_room
    )
