"""Who runs in the next step, with which tokens, on which slot. Decides and nothing else: no thread, no clock, no C.

    add(sequence) · schedule() → Plan → (the runner computes it, tokens are appended) · … · finish(sequence)

Every step carries one token of each decoding sequence; what is left of the step is shared fairly by prompts. When
cells run out, kept prefixes go first, then the newest sequence is paused and comes back by its prefix later.
Background work has the rows and cells that chats leave: it is paused when a chat waits for either.
Which of those who wait may start is answered by admission_control.py.
"""

from __future__ import annotations

import itertools

import msgspec

from localllm.engine.admission_control import AdmissionControl, may_overtake
from localllm.engine.admissions import Admissions
from localllm.engine.drafting import Drafter
from localllm.engine.plan import Chunk, Plan, Prefill
from localllm.engine.prefills import Prefills
from localllm.engine.prefix_cache import PrefixCache, Slot
from localllm.engine.sequence import Sequence, State, by_importance

STRETCH = (
    1.5  # of a step's prompt tokens where nobody's stream waits, if all prompts are then read to their ends
)


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
        prefills: Prefills | None = None,
    ) -> None:
        """drafter: guesses tokens for a sequence that runs alone; prefills: reads long prompts apart.

        Both need a cache that can be cut.
        """
        self.cache = cache
        self.drafter = drafter
        self.prefills = prefills
        self.admissions = Admissions(cache)
        self.max_waiting = max_waiting
        self.n_batch = n_batch
        self.waiting: list[Sequence] = []
        self.running: list[Sequence] = []
        self.num_paused = 0
        self._admission = AdmissionControl(cache, self.running, max_running)

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

    def num_unread(self) -> int:
        """Prompt tokens that those who wait would have to compute."""
        return sum(len(s.tokens) - self._find(s)[1] for s in self.waiting)

    # ── in and out ──────────────────────────────────────────────────────────────────────────────────────────

    def add(self, sequence: Sequence) -> None:
        """Queue a sequence: first come, first served, background work behind everything else."""
        end = len(self.waiting)
        self.waiting.insert(end if sequence.is_background else self._num_waiting_chats(), sequence)

    def _num_waiting_chats(self) -> int:
        return next((i for i, s in enumerate(self.waiting) if s.is_background), len(self.waiting))

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
            self._release(sequence)
            if not sequence.params.cache_prompt:
                self.cache.drop(slot)
        sequence.state = State.FINISHED

    # ── one step ────────────────────────────────────────────────────────────────────────────────────────────

    def schedule(self, prefill_budget: int, *, apart_from: int | None = None) -> Plan:
        """The next step. prefill_budget: how many prompt tokens it may carry beside the decoding rows.

        apart_from: prompts with so many tokens to read, or more, are read apart.
        """
        self._admit()  # first: a prefix may only be copied from cells that were computed in an earlier step
        decoding = self._decode_chunks()
        num_decoded = sum(chunk.count for chunk in decoding)
        room = self.n_batch - num_decoded
        prefills = self._take_apart(apart_from)
        prefilling = self._prefill_chunks(
            min(prefill_budget if decoding else self._stretched(prefill_budget), room)
        )
        if self.running and not decoding and not prefilling and not any(s.is_apart for s in self.running):
            # All cells are held by half-done prompts: let the oldest go on.
            self._pause(by_importance(self.running)[-1])
            return self.schedule(prefill_budget, apart_from=apart_from)
        if len(decoding) == 1 and not prefilling:
            decoding = [self._with_drafts(decoding[0])]
        num_prefilled = sum(chunk.count for chunk in prefilling)
        return Plan(self.cache.take_operations(), decoding + prefilling, num_decoded, num_prefilled, prefills)

    def _take_apart(self, apart_from: int | None) -> list[Prefill]:
        """Which prompt shall be read apart from this step on: one at a time, so that memory is looked at for each."""
        if self.prefills is None or apart_from is None:
            return []
        wanted = (s for s in self.running if s.num_unread >= apart_from and not s.is_apart)
        taken = (prefill for s in wanted if (prefill := self.prefills.take(s)) is not None)
        return list(itertools.islice(taken, 1))

    def _stretched(self, budget: int) -> int:
        """A few tokens more, where otherwise another step would have to read the ends of the prompts."""
        num_pending = sum(s.num_pending for s in self.running if s.is_prefilling and not s.is_apart)
        return max(budget, num_pending) if num_pending <= STRETCH * budget else budget

    def _decode_chunks(self) -> list[Chunk]:
        """One row each, and what a grammar forced as far as the batch has room: the rest waits for the next step."""
        chunks, room = [], self.n_batch
        decoding = [s for s in by_importance(self.running) if not s.is_prefilling]
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
            last = by_importance(self.running)[-1]
            self._pause(last)
            if last is sequence:
                return False
        return True

    def _pause(self, sequence: Sequence) -> None:
        """Send a running sequence back to the front of its line; it resumes by its prefix."""
        self._release(sequence)
        self.running.remove(sequence)
        sequence.state = State.WAITING
        sequence.was_paused = True
        self.waiting.insert(self._num_waiting_chats() if sequence.is_background else 0, sequence)
        self.num_paused += 1

    def _release(self, sequence: Sequence) -> None:
        """Let a sequence leave its slot, with what was read of its prompt apart."""
        assert sequence.slot is not None
        if self.prefills is not None:
            self.prefills.recall(sequence)
        self.cache.release(sequence.slot)

    def _admit(self) -> None:
        """Start waiting sequences in order, as long as there are rows, slots and cells.

        One whose prefix is just being computed by another is passed over: it will get that prefix for nothing. One
        that finds no room lets those behind it go ahead, a few times.
        """
        without_room: list[Sequence] = []
        for sequence in list(self.waiting):
            if not self._admission.may_have_row(sequence) or not may_overtake(sequence, without_room):
                return
            source, length = self._find(sequence)
            other = self._admission.who_computes_prefix(sequence, length)
            if other is not None and (sequence.is_background or not other.is_background):
                continue
            aside = self._admission.who_steps_aside(sequence, source, length, first=other)
            if aside is not None and self._start(sequence, source, length, aside):
                for passed in without_room:
                    passed.num_overtaken += 1
            else:
                without_room.append(sequence)

    def _find(self, sequence: Sequence) -> tuple[Slot | None, int]:
        """Where the longest prefix of its tokens is, and its length."""
        return self.cache.find(sequence.tokens) if sequence.params.cache_prompt else (None, 0)

    def _start(self, sequence: Sequence, source: Slot | None, length: int, aside: list[Sequence]) -> bool:
        """Give a sequence its row and slot. False where all slots hold what it may not evict."""
        for other in aside:
            self._pause(other)
        slot = self.cache.pick_slot(source, length, for_background=sequence.is_background)
        if slot is None:
            return False
        self.admissions.note(sequence)
        self.cache.occupy(slot, sequence, source, length)
        if not sequence.is_background:
            self.cache.make_way()
        if not sequence.was_paused:
            sequence.num_cached_tokens = length
        sequence.prefill_end = len(sequence.tokens)
        sequence.state = State.RUNNING
        self.waiting.remove(sequence)
        self.running.append(sequence)
        return True

    def _prefill_chunks(self, budget: int) -> list[Chunk]:
        """Share the budget among chats: equal parts, and what a short prompt leaves goes to the others.

        What all chats leave is shared by background work in the same way.
        """
        prefilling = [s for s in self.running if s.is_prefilling and not s.is_apart]
        prefilling.sort(key=lambda s: (s.is_background, s.num_pending))
        chunks = []
        for position, sequence in enumerate(prefilling):
            num_sharing = sum(s.is_background == sequence.is_background for s in prefilling[position:])
            count = min(-(-budget // num_sharing), sequence.num_pending)
            count = self._until_copied(sequence, count)
            if not self.cache.make_room(count, for_background=sequence.is_background):
                count = min(count, self.cache.num_free_cells)
            if count > 0:
                chunks.append(self._chunk(sequence, count))
                budget -= count
        return chunks

    def _until_copied(self, sequence: Sequence, count: int) -> int:
        """So many of the next `count` prompt tokens that no place is passed where the state has to be copied.

        In a memory that cannot be cut, that is the checkpoint, and what a twin will take: all but the last token.
        """
        twin_takes = sequence.prefill_end - 1 if self._has_twin(sequence) else 0
        stops = (s for s in (sequence.checkpoint_at or 0, twin_takes) if s > sequence.num_computed)
        return min(count, min(stops, default=sequence.prefill_end) - sequence.num_computed)

    def _has_twin(self, sequence: Sequence) -> bool:
        """True where another with the same prompt (n > 1) waits for what this one computes, and needs it whole."""
        if self.cache.can_cut:
            return False
        prompts = (s.tokens.view(0, len(s.tokens) - 1) for s in self.waiting if s.params.cache_prompt)
        return any(self._admission.will_share(sequence, prompt) for prompt in prompts)

    def _chunk(self, sequence: Sequence, count: int) -> Chunk:
        slot = sequence.slot
        assert slot is not None
        start = slot.length
        self.cache.extend(slot, count)
        return Chunk(sequence, start, count, wants_logits=sequence.num_pending == 0)
