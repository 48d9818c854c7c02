"""Slots and the cells they hold: what is kept after a sequence ends, what a new one can take, what goes first.

A slot is a `seq_id` of llama.cpp's context together with the tokens its KV cells hold. A copied prefix shares its
cells, so cells are counted with references, exactly as the unified KV cache does. Pure: it records what has to be
done to the real cache as operations, in order; the runner carries them out before the next batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec
import numpy as np
import numpy.typing as npt

from localllm.engine.sequence import Sequence, TokenBuffer, TokenIds, common_prefix

NO_TOKENS = TokenBuffer([])


class Copy(msgspec.Struct, frozen=True):
    """Let the empty slot `target` share the first `length` tokens of `source`."""

    source: int
    target: int
    length: int


class Cut(msgspec.Struct, frozen=True):
    """Keep only the first `length` tokens of a slot."""

    seq_id: int
    length: int


Operation = Copy | Cut


class Slot:
    """A seq_id, the tokens in its cells, and the sequence that runs on it, if any."""

    def __init__(self, seq_id: int, num_cells: int) -> None:
        self.seq_id = seq_id
        self.tokens = NO_TOKENS
        self.length = 0
        self.sequence: Sequence | None = None
        self.is_background = False
        self.last_used = 0
        self.whole_from = 0  # shorter prefixes of it are of no use: their cells were not all saved
        self.reserved: npt.NDArray[np.int32] = np.empty(0, dtype=np.int32)  # cells for what is read apart
        self._cells: npt.NDArray[np.int32] = np.empty(num_cells, dtype=np.int32)

    @property
    def cells(self) -> npt.NDArray[np.int32]:
        return self._cells[: self.length]

    @property
    def held(self) -> TokenIds:
        """The tokens whose cells this slot holds."""
        return self.tokens.view(0, self.length)

    @property
    def is_idle(self) -> bool:
        return self.sequence is None

    @property
    def is_empty(self) -> bool:
        return self.sequence is None and self.length == 0

    def set_cells(self, start: int, cells: npt.NDArray[np.int32]) -> None:
        self._cells[start : start + len(cells)] = cells


class Cells:
    """The KV cells as reference counts: shared ones are counted once."""

    def __init__(self, count: int) -> None:
        self.references = np.zeros(count, dtype=np.int32)
        self._free = np.arange(count, dtype=np.int32)
        self.num_free = count

    def take(self, count: int) -> npt.NDArray[np.int32]:
        """`count` free cells; a view, to be copied before the next call."""
        assert count <= self.num_free, "the scheduler asks for cells only when they are free"
        self.num_free -= count
        cells = self._free[self.num_free : self.num_free + count]
        self.references[cells] = 1
        return cells

    def share(self, cells: npt.NDArray[np.int32]) -> None:
        self.references[cells] += 1

    def drop(self, cells: npt.NDArray[np.int32]) -> None:
        self.references[cells] -= 1
        freed = cells[self.references[cells] == 0]
        self._free[self.num_free : self.num_free + len(freed)] = freed
        self.num_free += len(freed)


class PrefixCache:
    """All slots of a context.

    can_cut: part of a sequence can be removed (attention). Where it cannot (recurrent), only whole slots are reused.
    has_window: a saved state has only the cells that its end can see, so that a part of a restored prefix is of no use.
    kept_beside_streams: how many cells idle slots may hold when a chat starts, because attention walks over them for
    every token of every stream; None where that costs nothing.
    """

    def __init__(
        self,
        num_slots: int,
        num_cells: int,
        *,
        can_cut: bool = True,
        has_window: bool = False,
        kept_beside_streams: int | None = None,
    ) -> None:
        self.num_cells = num_cells
        self.can_cut = can_cut
        self.has_window = has_window
        self.kept_beside_streams = kept_beside_streams
        self.slots = [Slot(seq_id, num_cells) for seq_id in range(num_slots)]
        self.operations: list[Operation] = []
        self.on_evict: Callable[[Slot], None] | None = None  # told before an idle slot loses tokens
        self._cells = Cells(num_cells)
        self._clock = 0

    @property
    def num_free_cells(self) -> int:
        return self._cells.num_free

    def take_operations(self) -> list[Operation]:
        """What has to be done to the real cache since the last call, in order."""
        operations, self.operations = self.operations, []
        return operations

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────────────

    def find(self, tokens: TokenBuffer) -> tuple[Slot | None, int]:
        """The slot that holds the longest usable prefix of `tokens`, and its length.

        The last token is never taken from the cache: it has to be computed to give logits. Idle slots win a tie.
        """
        wanted = tokens.view(0, len(tokens) - 1)
        best: Slot | None = None
        best_length = 0
        for slot in self.slots:
            length = self._usable(slot, wanted)
            if length > best_length or (
                length == best_length > 0 and best is not None and slot.is_idle > best.is_idle
            ):
                best, best_length = slot, length
        return best, best_length

    def _usable(self, slot: Slot, wanted: TokenIds) -> int:
        length = common_prefix(slot.held, wanted)
        if length < slot.whole_from:
            return 0
        return length if self.can_cut or length == slot.length else 0

    # ── changing ────────────────────────────────────────────────────────────────────────────────────────────

    def occupy(self, slot: Slot, sequence: Sequence, source: Slot | None, length: int) -> None:
        """Give a slot to a sequence, with the first `length` tokens taken over from `source`."""
        if source is slot:
            self._cut(slot, length)
        else:
            self._cut(slot, 0)
            if source is not None and length:
                slot.set_cells(0, source.cells[:length])
                slot.whole_from = source.whole_from
                self._cells.share(source.cells[:length])
                self.operations.append(Copy(source.seq_id, slot.seq_id, length))
        slot.tokens, slot.length, slot.sequence = sequence.tokens, length, sequence
        slot.is_background = sequence.is_background
        sequence.slot = slot

    def extend(self, slot: Slot, count: int) -> None:
        """`count` more tokens of the slot's sequence were given cells."""
        slot.set_cells(slot.length, self._cells.take(count))
        slot.length += count

    def reserve(self, slot: Slot, count: int) -> bool:
        """Set cells aside for a chat's next `count` tokens, computed elsewhere. False where there is no room."""
        if self.num_available(None, 0, for_background=False) < count:
            return False
        self.make_room(count, for_background=False)
        slot.reserved = self._cells.take(count).copy()
        return True

    def settle(self, slot: Slot, count: int) -> None:
        """The next `count` of the reserved cells were filled."""
        slot.set_cells(slot.length, slot.reserved[:count])
        slot.length += count
        slot.reserved = slot.reserved[count:]

    def give_back(self, slot: Slot) -> None:
        """The reserved cells that are left are not needed."""
        self._cells.drop(slot.reserved)
        slot.reserved = slot.reserved[:0]

    def trim(self, slot: Slot, length: int) -> None:
        """Give back the cells behind the first `length` tokens."""
        self._cut(slot, length)

    def release(self, slot: Slot) -> None:
        """The sequence has left; its cells stay until they are needed."""
        if slot.sequence is not None:
            slot.sequence.slot, slot.sequence = None, None
        self._clock += 1
        slot.last_used = self._clock

    def adopt(self, token_ids: TokenIds) -> Slot | None:
        """An idle slot set aside for tokens whose cells are about to be restored; None where there is no room."""
        slot = self.pick_slot(None, 0, for_background=False)
        if slot is None:
            return None
        self.drop(slot)
        if not self.make_room(len(token_ids), for_background=False):
            return None
        slot.tokens, slot.is_background = TokenBuffer(token_ids), False
        self.extend(slot, len(token_ids))
        slot.whole_from = slot.length if self.has_window else 0
        self.release(slot)
        return slot

    def drop(self, slot: Slot) -> None:
        """Forget an idle slot's tokens."""
        self._cut(slot, 0)
        slot.tokens = NO_TOKENS

    def _cut(self, slot: Slot, length: int) -> None:
        if length < slot.length:
            if slot.is_idle and self.on_evict is not None:
                self.on_evict(slot)
            self._cells.drop(slot.cells[length:])
            slot.length = length
            slot.whole_from = min(slot.whole_from, length)
            self.operations.append(Cut(slot.seq_id, length))

    # ── making room ─────────────────────────────────────────────────────────────────────────────────────────

    def pick_slot(self, source: Slot | None, length: int, *, for_background: bool) -> Slot | None:
        """The slot a new sequence should run on, or None where all are taken.

        The source itself when nothing of value is lost by it (it is idle and wholly used), else an empty slot,
        else the least recently used idle one. Background work copies a chat's slot instead of taking it over.
        """
        if source is not None and source.is_idle and (source.is_background or not for_background):
            if length == source.length:
                return source
            fallback: Slot | None = source
        else:
            fallback = None
        empty = next((s for s in self.slots if s.is_empty), None)
        return empty or self._oldest(for_background, keep=source) or fallback

    def make_room(self, count: int, *, for_background: bool) -> bool:
        """Evict idle slots, least recently used first, until `count` cells are free. False if that is not enough."""
        while self._cells.num_free < count:
            victim = self._oldest(for_background)
            if victim is None:
                return False
            self.drop(victim)
        return True

    def make_way(self) -> None:
        """A chat starts: evict idle slots, least recently used first, down to what may be kept beside streams."""
        if self.kept_beside_streams is None:
            return
        while self._num_kept() > self.kept_beside_streams and (victim := self._oldest(for_background=False)):
            self.drop(victim)

    def _num_kept(self) -> int:
        """Cells that no running sequence uses."""
        is_kept = self._cells.references > 0
        for slot in self.slots:
            if not slot.is_idle:
                is_kept[slot.cells] = False
                is_kept[slot.reserved] = False
        return int(np.count_nonzero(is_kept))

    def num_available(
        self, source: Slot | None, length: int, given_up: Iterable[Slot] = (), *, for_background: bool
    ) -> int:
        """Cells that would be free if every slot that may be evicted were, but for `source`'s first `length`.

        given_up: slots in use that count as evicted too.
        """
        references = self._cells.references.copy()
        for slot in [*self._evictable(for_background), *given_up]:
            references[slot.cells] -= 1
        if source is not None:
            references[source.cells[:length]] += 1
        return int(np.count_nonzero(references == 0))

    def _evictable(self, for_background: bool) -> list[Slot]:
        """The idle slots that may be given up for a chat or for background work.

        Background work takes a chat's slot only while no chat runs: it has to end some day too.
        """
        a_chat_runs = any(s.sequence is not None and not s.is_background for s in self.slots)
        may_take_chats = not (for_background and a_chat_runs)
        return [s for s in self.slots if s.is_idle and s.length and (s.is_background or may_take_chats)]

    def _oldest(self, for_background: bool, keep: Slot | None = None) -> Slot | None:
        """The slot to give up first: background before chat, then least recently used."""
        candidates = [s for s in self._evictable(for_background) if s is not keep]
        return min(candidates, key=lambda s: (not s.is_background, s.last_used), default=None)
