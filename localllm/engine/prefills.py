"""Long prompts that are read apart: which ones, and how what was read comes into their slots.

A step beside a stream must be short, and short steps read a prompt slowly. So a long prompt is read in large batches in
a context of its own (`Prefiller`), which stands still while a step is computed. Its cells are reserved in its slot from
the beginning, and it gets them all at once: when it is read, or when it has to leave. Belongs to the loop.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from localllm.engine.plan import Prefill
from localllm.engine.prefix_cache import PrefixCache
from localllm.engine.runner import Runner, StateBytes
from localllm.engine.sequence import Sequence

MOST_AT_ONCE = 2  # each has a context; more would only be read more slowly


class Prefilled(msgspec.Struct, frozen=True):
    """So many of a prefill's tokens were read, and these are their cells; 0 and None where it did not work."""

    sequence: Sequence
    count: int
    state: StateBytes | None


class Prefiller(Protocol):
    """Reads prompts beside the loop, and only between `go` and `hold`."""

    def has_room(self, num_tokens: int) -> bool:
        """True if there is memory for a prompt of so many tokens, its prefix included."""

    def start(self, prefill: Prefill, prefix: StateBytes | None) -> None:
        """Begin to read. prefix: the cells of the tokens before."""

    def collect(self) -> list[Prefilled]:
        """Those that have ended since the last call."""

    def stop(self, sequence: Sequence) -> Prefilled:
        """End one now; it will not be collected."""

    def progress(self) -> list[tuple[Sequence, int]]:
        """How many tokens of each prefill have been read."""

    def hold(self) -> None:
        """Stand still; returns when nothing is computed any more."""

    def go(self) -> None:
        """Go on."""


class Prefills:
    """What is being read apart."""

    def __init__(
        self, cache: PrefixCache, runner: Runner, prefiller: Prefiller, *, most_at_once: int = MOST_AT_ONCE
    ) -> None:
        self._most_at_once = most_at_once
        self._cache = cache
        self._runner = runner
        self._prefiller = prefiller
        self._reading: dict[Sequence, Prefill] = {}
        self.num_tokens = 0  # that were read apart so far

    @property
    def is_reading(self) -> bool:
        return bool(self._reading)

    def take(self, sequence: Sequence) -> Prefill | None:
        """Reserve cells for all of a running sequence's prompt but its last token, whose logits a step computes.

        None where it cannot be read apart. What is taken must be started in the same step.
        """
        assert sequence.slot is not None
        count = sequence.num_pending - 1
        if not sequence.may_be_apart or len(self._reading) >= self._most_at_once:
            return None
        if not self._prefiller.has_room(sequence.num_computed + count):
            return None
        if not self._cache.reserve(sequence.slot, count):
            return None
        self._reading[sequence] = prefill = Prefill(sequence, sequence.num_computed, count)
        return prefill

    def start(self, prefill: Prefill) -> None:
        """After the step's operations: the slot holds the prompt's prefix now."""
        slot = prefill.sequence.slot
        assert slot is not None
        prefix = self._runner.save(slot.seq_id) if prefill.start else None
        self._prefiller.start(prefill, prefix)

    def settle_ended(self) -> None:
        """Give those that have been read what was read."""
        for prefilled in self._prefiller.collect():
            if not self._settle(prefilled):
                prefilled.sequence.may_be_apart = False  # it did not work: the rest is read in steps

    def recall(self, sequence: Sequence) -> None:
        """A sequence has to leave its slot, which keeps what has been read so far."""
        if sequence in self._reading:
            self._settle(self._prefiller.stop(sequence))

    def _settle(self, prefilled: Prefilled) -> bool:
        """Into the slot with it. True if all of it is there."""
        sequence, count = prefilled.sequence, prefilled.count
        slot = sequence.slot
        assert slot is not None, "whoever leaves is recalled first"
        prefill = self._reading.pop(sequence)
        is_there = prefilled.state is not None and self._runner.append(slot.seq_id, prefilled.state)
        num_settled = count if is_there else 0
        self._cache.settle(slot, num_settled)
        self.num_tokens += num_settled
        return num_settled == prefill.count

    def progress(self) -> list[tuple[Sequence, int]]:
        """Of each: how many tokens of its prompt have been read, the ones before included."""
        return [
            (s, self._reading[s].start + count)
            for s, count in self._prefiller.progress()
            if s in self._reading
        ]

    def hold(self) -> None:
        if self._reading:
            self._prefiller.hold()

    def go(self) -> None:
        if self._reading:
            self._prefiller.go()
