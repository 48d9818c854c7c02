"""What goes to disk and what comes back: the traffic between the slots and the prefix files.

Slots are saved while the loop has nothing to do, when they are evicted, and at the end, so that a crash, a swap and a
restart all find them again. What many conversations begin with is written once. Belongs to the loop; only the functions
it returns may run elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from collections.abc import Sequence as Seq
from pathlib import Path

from localllm.engine.disk_cache import MIN_TOKENS, DiskCache, Stored
from localllm.engine.prefix_cache import Cut, PrefixCache, Slot
from localllm.engine.runner import Runner
from localllm.engine.sequence import Sequence, TokenBuffer, TokenIds, common_prefix

WORTH_READING = 64  # tokens that the disk must have more than the memory

Write = Callable[[], None]


class Retention:
    """Decides for one model. `write_later` runs a write beside the loop."""

    def __init__(
        self, disk: DiskCache, cache: PrefixCache, runner: Runner, write_later: Callable[[Write], object]
    ) -> None:
        self._disk = disk
        self._cache = cache
        self._runner = runner
        self._write_later = write_later
        self._saved: dict[int, tuple[int, int]] = {}  # seq_id → what it held when it was looked at last
        self._on_its_way: dict[int, TokenIds] = {}  # to the disk
        self._num_writes = 0
        self.num_restored_tokens = 0
        cache.on_evict = self._save_evicted

    def wanted(self, sequence: Sequence) -> Stored | None:
        """The stored prefix worth reading for this sequence: much longer than what the slots have."""
        if not sequence.params.cache_prompt or sequence.is_background:
            return None
        stored, length = self._disk.find(sequence.tokens)
        is_only_whole = not self._cache.can_cut or self._cache.has_window
        if stored is None or (is_only_whole and length < len(stored.token_ids)):
            return None
        _, in_memory = self._cache.find(sequence.tokens)
        return stored if length >= in_memory + WORTH_READING else None

    def read(self, stored: Stored) -> bytes | None:
        """The saved cells; to be called beside the loop."""
        return self._disk.read(stored)

    def restore(self, stored: Stored, state: bytes) -> bool:
        """Put read cells into a slot, where the next schedule finds them. False where there is no room."""
        if self._is_here(stored):
            return True
        slot = self._cache.adopt(stored.token_ids)
        if slot is None:
            return False
        self._runner.apply(self._cache.take_operations())
        if not self._runner.restore(slot.seq_id, state):
            self._cache.on_evict = None
            self._cache.drop(slot)
            self._cache.on_evict = self._save_evicted
            return False
        if self._cache.can_cut:
            self._runner.apply([Cut(slot.seq_id, slot.length)])  # whatever a file may have had beside
        self.num_restored_tokens += slot.length
        self._saved[slot.seq_id] = (slot.last_used, slot.length)
        return True

    def _is_here(self, stored: Stored) -> bool:
        """True where another request that begins alike was faster."""
        _, length = self._cache.find(TokenBuffer(stored.token_ids))
        return length >= len(stored.token_ids) - 1

    def save_one(self) -> bool:
        """Save an idle slot that is not on disk yet. False when there is none left."""
        for slot in self._cache.slots:
            if self._is_worth_saving(slot):
                self._save(slot)
                return True
        return False

    def _save_evicted(self, slot: Slot) -> None:
        staying = []
        if self._cache.can_cut:
            staying = [s.held for s in self._cache.slots if s is not slot and not s.is_background]
        if self._is_worth_saving(slot, staying):
            self._save(slot)

    def _is_worth_saving(self, slot: Slot, staying: Seq[TokenIds] = ()) -> bool:
        """staying: what is in memory beside it, and saves itself when it has to go."""
        if not slot.is_idle or slot.is_background or slot.length < MIN_TOKENS:
            return False
        if self._saved.get(slot.seq_id) == (slot.last_used, slot.length):
            return False
        self._saved[slot.seq_id] = (slot.last_used, slot.length)
        elsewhere = [common_prefix(ids, slot.held) for ids in (*staying, *self._on_its_way.values())]
        num_lost = slot.length - max(self._disk.covers(slot.held), *elsewhere, 0)
        return num_lost >= (MIN_TOKENS if self._cache.can_cut else 1)

    def _save(self, slot: Slot) -> None:
        self._runner.apply(self._cache.take_operations())  # wrong guesses may still be in its cells
        token_ids, state = slot.held.copy(), self._runner.save(slot.seq_id)
        self._num_writes += 1
        number = self._num_writes
        self._on_its_way[number] = token_ids

        def write() -> None:
            try:
                self._disk.write(token_ids, state)
            finally:
                del self._on_its_way[number]

        self._write_later(write)


def fingerprint(path: Path, *settings: object) -> str:
    """What a saved state belongs to: the model's content (its size, beginning and end) and how it is run."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        digest.update(file.read(1 << 22))
        file.seek(max(0, size - (1 << 22)))
        digest.update(file.read(1 << 22))
    return " ".join([digest.hexdigest(), *map(str, settings)])
