"""Who runs in the next step, with which tokens, on which slot. Decides and nothing else: no thread, no clock, no C.

    add(sequence) · schedule() → Plan → (the runner computes it, tokens are appended) · … · finish(sequence)

Every step carries one token of each decoding sequence; what is left of the step is shared fairly by prompts. When
cells run out, kept prefixes go first, then the newest sequence is paused and comes back by its prefix later.
"""

from __future__ import annotations

import msgspec

from localllm.engine.admissions import Admissions
from localllm.engine.drafting import Drafter
from localllm.engine.prefix_cache import Operation, PrefixCache, Slot
from localllm.engine.sequence import Sequence, State, common_prefix

WORTH_WAITING = 32  # tokens of prefix that make it worth to let another sequence compute them first
HEADROOM = (
    16  # cells kept free per running sequence when another is admitted, so that it is not paused at once
)


class Chunk(msgspec.Struct, frozen=True):
    """`count` tokens of a sequence from position `start` on; with `wants_logits`, the next token is sampled after.

    drafts: guesses at what comes next, computed in the same batch and kept as far as they are what is sampled.
    """

    sequence: Sequence
    start: int
    count: int
    wants_logits: bool
    drafts: tuple[int, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """One step: what to do to the cache first, then what to compute."""

    operations: list[Operation]
    chunks: list[Chunk]
    num_decoded: int
    num_prefilled: int


class Scheduler:
    """The waiting line, the running sequences and their slots."""

    def __init__(
        self,
        cache: PrefixCache,
        *,
        max_running: int,
        max_waiting: int,
        n_batch: int,
        drafter: Drafter | None = None,
    ) -> None:
        """drafter: guesses tokens for a sequence that runs alone; needs a cache that can be cut."""
        self.cache = cache
        self.drafter = drafter
        self.admissions = Admissions(cache)
        self.max_running = max_running
        self.max_waiting = max_waiting
        self.n_batch = n_batch
        self.waiting: list[Sequence] = []
        self.running: list[Sequence] = []
        self.num_paused = 0

    @property
    def has_work(self) -> bool:
        return bool(self.waiting or self.running)

    @property
    def is_full(self) -> bool:
        return len(self.waiting) >= self.max_waiting

    @property
    def num_decoding(self) -> int:
        """How many chats' streams are producing tokens."""
        return sum(not s.is_prefilling and not s.is_background for s in self.running)

    # ── in and out ──────────────────────────────────────────────────────────────────────────────────────────

    def add(self, sequence: Sequence) -> None:
        """Queue a sequence: first come, first served, background work behind everything else."""
        background_starts = next(
            (i for i, s in enumerate(self.waiting) if s.is_background), len(self.waiting)
        )
        self.waiting.insert(len(self.waiting) if sequence.is_background else background_starts, sequence)

    def cancel(self, request_id: int) -> list[Sequence]:
        """End all sequences of a request. Their cells stay as a prefix for others."""
        ended = [s for s in self.waiting + self.running if s.request_id == request_id]
        for sequence in ended:
            self.finish(sequence)
        return ended

    def finish(self, sequence: Sequence) -> None:
        """A sequence has ended: its slot is free for others, what it holds is kept until room is needed."""
        if sequence in self.waiting:
            self.waiting.remove(sequence)
        if sequence in self.running:
            self.running.remove(sequence)
        if sequence.slot is not None:
            slot = sequence.slot
            self.cache.release(slot)
            if not sequence.params.cache_prompt:
                self.cache.drop(slot)
        sequence.state = State.FINISHED

    # ── one step ────────────────────────────────────────────────────────────────────────────────────────────

    def schedule(self, prefill_budget: int) -> Plan:
        """The next step. prefill_budget: how many prompt tokens it may carry beside the decoding rows."""
        self._admit()  # first: a prefix may only be copied from cells that were computed in an earlier step
        decoding = self._decode_chunks()
        num_decoded = sum(chunk.count for chunk in decoding)
        prefilling = self._prefill_chunks(min(prefill_budget, self.n_batch - num_decoded))
        if self.running and not decoding and not prefilling:
            # All cells are held by half-done prompts: let the oldest go on.
            self._pause(self._by_importance()[-1])
            return self.schedule(prefill_budget)
        if len(decoding) == 1 and not prefilling:
            decoding = [self._with_drafts(decoding[0])]
        num_prefilled = sum(chunk.count for chunk in prefilling)
        return Plan(self.cache.take_operations(), decoding + prefilling, num_decoded, num_prefilled)

    def _by_importance(self) -> list[Sequence]:
        """The running sequences: chats before background work, then in order of admission."""
        return sorted(self.running, key=lambda s: s.is_background)

    def _decode_chunks(self) -> list[Chunk]:
        """One row each, and what a grammar forced as far as the batch has room: the rest waits for the next step."""
        chunks, room = [], self.n_batch
        decoding = [s for s in self._by_importance() if not s.is_prefilling]
        for position, sequence in enumerate(decoding):
            if sequence.state is State.RUNNING and self._secure(sequence):
                count = min(sequence.num_pending, room - (len(decoding) - position - 1))
                chunks.append(self._chunk(sequence, count))
                room -= count
        return chunks

    def _with_drafts(self, chunk: Chunk) -> Chunk:
        """The chunk of the only sequence in this step, with guesses at its next tokens where guessing pays."""
        sequence = chunk.sequence
        if self.drafter is None or not sequence.may_draft or not chunk.wants_logits:
            return chunk
        room = min(self.cache.num_free_cells, self.n_batch - chunk.count)
        drafts = self.drafter.propose(sequence)[: max(0, room)]
        assert sequence.slot is not None
        self.cache.extend(sequence.slot, len(drafts))
        return msgspec.structs.replace(chunk, drafts=tuple(drafts))

    def keep(self, chunk: Chunk, num_tokens: int) -> None:
        """`num_tokens` were sampled after the chunk: the cells of the drafts that were wrong are given back."""
        if chunk.drafts and chunk.sequence.slot is not None:
            self.cache.trim(chunk.sequence.slot, chunk.start + chunk.count + num_tokens - 1)

    def _secure(self, sequence: Sequence) -> bool:
        """Make sure there are cells for the pending tokens, pausing the least important others if need be.

        False if the sequence itself had to be paused. Whoever is paused comes later in the order, so it has no
        chunk in this step yet.
        """
        while not self.cache.make_room(sequence.num_pending, for_background=sequence.is_background):
            last = self._by_importance()[-1]
            self._pause(last)
            if last is sequence:
                return False
        return True

    def _pause(self, sequence: Sequence) -> None:
        """Send a running sequence back to the front of the line; it resumes by its prefix."""
        assert sequence.slot is not None
        self.cache.release(sequence.slot)
        self.running.remove(sequence)
        sequence.state = State.WAITING
        self.waiting.insert(0, sequence)
        self.num_paused += 1

    def _admit(self) -> None:
        """Start waiting sequences in order, as long as there are rows, slots and cells.

        One whose prefix is just being computed by another is passed over: it will get that prefix for nothing.
        """
        for sequence in list(self.waiting):
            if len(self.running) >= self.max_running:
                return
            source, length = self.cache.find(sequence.tokens) if sequence.params.cache_prompt else (None, 0)
            if self._is_worth_waiting(sequence, length):
                continue
            if not self._start(sequence, source, length):
                return

    def _is_worth_waiting(self, sequence: Sequence, length: int) -> bool:
        if not self.cache.can_cut or not sequence.params.cache_prompt:
            return False
        wanted = sequence.tokens.view(0, len(sequence.tokens) - 1)
        return any(
            common_prefix(other.tokens.view(0, other.prefill_end), wanted) >= length + WORTH_WAITING
            for other in self.running
            if other.is_prefilling
        )

    def _start(self, sequence: Sequence, source: Slot | None, length: int) -> bool:
        background = sequence.is_background
        promised = sum(s.prefill_end - s.num_computed + HEADROOM for s in self.running)
        available = self.cache.num_available(source, length, for_background=background)
        if available < len(sequence.tokens) - length + promised:
            return False
        slot = self.cache.pick_slot(source, length, for_background=background)
        if slot is None:
            return False
        self.admissions.note(sequence)
        self.cache.occupy(slot, sequence, source, length)
        if not background:
            self.cache.make_way()
        if sequence.num_output_tokens == 0:
            sequence.num_cached_tokens = length
        sequence.prefill_end = len(sequence.tokens)
        sequence.state = State.RUNNING
        self.waiting.remove(sequence)
        self.running.append(sequence)
        return True

    def _prefill_chunks(self, budget: int) -> list[Chunk]:
        """Share the budget: equal parts, and what a short prompt leaves goes to the others. Chats come first."""
        prefilling = [s for s in self._by_importance() if s.is_prefilling]
        prefilling.sort(key=lambda s: (s.is_background, s.num_pending))
        chunks = []
        for position, sequence in enumerate(prefilling):
            share = -(-budget // (len(prefilling) - position))
            count = min(share, sequence.num_pending)
            if sequence.num_computed < (sequence.checkpoint_at or 0):
                count = min(count, (sequence.checkpoint_at or 0) - sequence.num_computed)
            if not self.cache.make_room(count, for_background=sequence.is_background):
                count = min(count, self.cache.num_free_cells)
            if count > 0:
                chunks.append(self._chunk(sequence, count))
                budget -= count
        return chunks

    def _chunk(self, sequence: Sequence, count: int) -> Chunk:
        slot = sequence.slot
        assert slot is not None
        start = slot.length
        self.cache.extend(slot, count)
        return Chunk(sequence, start, count, wants_logits=sequence.num_pending == 0)
