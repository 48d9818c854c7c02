"""Long prompts that are read apart: which ones, and how what was read comes into their slots.

A step beside a stream must be short, and short steps read a prompt slowly. So a long prompt is read in large batches in
a context of its own (`Prefiller`), which stands still while a step is computed. Its cells are reserved in its slot from
the beginning, and filled chunk by chunk, so that others can share them as soon as they are there. Belongs to the loop.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from localllm.engine.plan import Prefill
from localllm.engine.prefix_cache import PrefixCache
from localllm.engine.runner import Runner, StateBytes
from localllm.engine.sequence import Sequence

MOST_AT_ONCE = 2  # each has a context; more would only be read more slowly


class Portion(msgspec.Struct, frozen=True):
    """The next `count` tokens of a prompt, and their cells. 0, None and is_last where it does not work."""

    sequence: Sequence
    count: int
    state: StateBytes | None
    is_last: bool


class Prefiller(Protocol):
    """Reads prompts beside the loop, and only between `go` and `hold`."""

    def has_room(self, num_tokens: int) -> bool:
        """True if there is memory for a prompt of so many tokens, its prefix included."""

    def start(self, prefill: Prefill, prefix: StateBytes | None) -> None:
        """Begin to read. prefix: the cells of the tokens before."""

    def collect(self) -> list[Portion]:
        """What has been read since the last call."""

    def stop(self, sequence: Sequence) -> list[Portion]:
        """Give one up, and collect what there is of it."""

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
        self._reading: set[Sequence] = set()
        self.num_tokens = 0  # that were read apart so far
        self.hold, self.go = prefiller.hold, prefiller.go

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
        self._reading.add(sequence)
        return Prefill(sequence, sequence.num_computed, count)

    def start(self, prefill: Prefill) -> None:
        """After the step's operations: the slot holds the prompt's prefix now."""
        slot = prefill.sequence.slot
        assert slot is not None
        try:
            prefix = self._runner.save(slot.seq_id) if prefill.start else None
        except MemoryError:
            self._end(prefill.sequence)
            prefill.sequence.may_be_apart = False
        else:
            self._prefiller.start(prefill, prefix)

    def settle(self) -> None:
        """Give everybody what has been read since the last step."""
        for portion in self._prefiller.collect():
            if portion.sequence in self._reading:
                self._settle(portion)

    def recall(self, sequence: Sequence) -> None:
        """A sequence has to leave its slot, which keeps what has been read so far."""
        if sequence in self._reading:
            for portion in self._prefiller.stop(sequence):
                self._settle(portion)
            self._end(sequence)

    def _settle(self, portion: Portion) -> None:
        sequence = portion.sequence
        slot = sequence.slot
        assert slot is not None, "whoever leaves is recalled first"
        self._runner.apply(self._cache.take_operations())
        is_there = portion.state is not None and self._runner.append(slot.seq_id, portion.state)
        if is_there:
            self._cache.settle(slot, portion.count)
            self.num_tokens += portion.count
        else:  # the rest is read in steps
            sequence.may_be_apart = False
            self._prefiller.stop(sequence)
        if not is_there or portion.is_last:
            self._end(sequence)

    def _end(self, sequence: Sequence) -> None:
        self._reading.discard(sequence)
        if sequence.slot is not None:
            self._cache.give_back(sequence.slot)

    def progress(self) -> list[tuple[Sequence, int]]:
        """Of each: how many tokens of its prompt have been read, the ones before included."""
        return [(sequence, sequence.num_computed) for sequence in self._reading]
