"""A runner without a model: it keeps the real cache's books and checks every instruction against them."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from localllm.engine.checkpoints import Checkpoints
from localllm.engine.core import Core
from localllm.engine.output import Output
from localllm.engine.pace import Pace
from localllm.engine.prefills import Portion, Prefills
from localllm.engine.prefix_cache import Copy, PrefixCache
from localllm.engine.runner import Sampled
from localllm.engine.scheduler import Scheduler
from localllm.engine.sequence import Sequence
from localllm.sampling_params import SamplingParams

EOG = 0
# two prompts without a token in common
A = list(range(100, 180))
B = list(range(300, 380))


class FakeRunner:
    """Holds what each seq_id's cells would hold; the next token is a function of all tokens before it."""

    def __init__(self, *, can_cut: bool = True) -> None:
        self.can_cut = can_cut
        self.cells: dict[int, list[int]] = {}
        self.open_sequences: set[Sequence] = set()
        self.num_computed = 0
        self.num_drafts = 0
        self.num_drafts_kept = 0
        self.append_fails: Callable[[], bool] = lambda: False
        self.next_token: Callable[[list[int]], int] = next_token
        self.batches: list[list[tuple[int, int]]] = []  # (request_id, count) of each chunk

    def open(self, sequence, constraint):
        assert sequence not in self.open_sequences
        self.open_sequences.add(sequence)

    def close(self, sequence):
        self.open_sequences.discard(sequence)

    def apply(self, operations):
        for op in operations:
            if isinstance(op, Copy):
                assert not self.cells.get(op.target), "a prefix is copied into an empty slot only"
                self.cells[op.target] = self.cells[op.source][: op.length]
                assert len(self.cells[op.target]) == op.length, "the source holds what is copied"
                whole = op.length == len(self.cells[op.source])
                assert self.can_cut or whole, "a state is copied whole or not at all"
            else:
                whole = op.length in (0, len(self.cells.get(op.seq_id, [])))
                assert self.can_cut or whole, "a state is not cut"
                self.cells[op.seq_id] = self.cells.get(op.seq_id, [])[: op.length]

    def save(self, seq_id):
        return b",".join(b"%d" % token for token in self.cells[seq_id])

    def restore(self, seq_id, state):
        assert not self.cells.get(seq_id), "cells are restored into an empty slot only"
        self.cells[seq_id] = [int(token) for token in state.split(b",")]
        return True

    def append(self, seq_id, state):
        if self.append_fails():
            return False
        self.cells.setdefault(seq_id, []).extend(int(token) for token in state.split(b","))
        return True

    def run(self, chunks):
        self.batches.append([(c.sequence.request_id, c.count) for c in chunks])
        sampled = []
        for chunk in chunks:
            sequence = chunk.sequence
            held = self.cells.setdefault(sequence.slot.seq_id, [])
            assert len(held) == chunk.start, "a chunk begins where the cells end"
            held.extend(sequence.tokens.view(chunk.start, chunk.start + chunk.count).tolist())
            self.num_computed += chunk.count
            if chunk.wants_logits:
                assert held == sequence.tokens.view().tolist(), "the cells hold this sequence's own tokens"
                sampled.append(self._sample(chunk, held))
        return sampled

    def _sample(self, chunk, held):
        token_ids = [self.next_token(held)]
        for draft in chunk.drafts:
            held.append(draft)
            if draft != token_ids[-1]:
                break
            token_ids.append(self.next_token(held))
        held.extend(chunk.drafts[len(held) - chunk.start - chunk.count :])
        self.num_drafts += len(chunk.drafts)
        self.num_drafts_kept += len(token_ids) - 1
        return Sampled(chunk, token_ids, forced=[])


class FakePrefiller:
    """Reads `portion` tokens of each prompt between `go` and `hold`. `fails`: asked for each; `is_short`: no room."""

    def __init__(self, *, portion=40, fails=lambda: False, is_short=lambda: False):
        self.portion = portion
        self.fails = fails
        self.is_short = is_short
        self.jobs = {}  # sequence → [next position, end]
        self.portions = []
        self.is_held = False
        self.started = []  # (request_id, start, count)

    def has_room(self, num_tokens):
        return not self.is_short()

    def start(self, prefill, prefix):
        assert self.is_held
        held = [int(token) for token in prefix.split(b",")] if prefix else []
        expected = prefill.sequence.tokens.view(0, prefill.start).tolist()
        assert held == expected, "its prefix is what was before"
        self.started.append((prefill.sequence.request_id, prefill.start, prefill.count))
        self.jobs[prefill.sequence] = [prefill.start, prefill.start + prefill.count]

    def collect(self):
        assert self.is_held
        portions, self.portions = self.portions, []
        return portions

    def stop(self, sequence):
        self.jobs.pop(sequence, None)
        stopped = [p for p in self.portions if p.sequence is sequence]
        self.portions = [p for p in self.portions if p.sequence is not sequence]
        return stopped

    def hold(self):
        self.is_held = True

    def go(self):
        self.is_held = False
        for sequence, job in list(self.jobs.items()):
            start, end = job
            job[0] = min(end, start + self.portion)
            is_last = job[0] == end or self.fails()
            if is_last:
                del self.jobs[sequence]
            if is_last and job[0] < end:
                self.portions.append(Portion(sequence, 0, None, is_last=True))
            else:
                state = b",".join(b"%d" % token for token in sequence.tokens.view(start, job[0]))
                self.portions.append(Portion(sequence, job[0] - start, state, is_last=is_last))


def next_token(tokens: list[int]) -> int:
    """Deterministic, never EOG."""
    return 1 + (sum((i + 1) * t for i, t in enumerate(tokens[-8:])) + len(tokens)) % 97


class Rig:
    """Scheduler, fake runner and outputs put together as the worker does it."""

    def __init__(
        self,
        *,
        num_cells=512,
        num_slots=8,
        max_running=4,
        max_waiting=256,
        n_batch=64,
        can_cut=True,
        drafter=None,
        kept_beside_streams=None,
        prefiller=None,
        most_apart=2,
        apart_from=30,
    ):
        self.runner = FakeRunner(can_cut=can_cut)
        self.cache = PrefixCache(
            num_slots, num_cells, can_cut=can_cut, kept_beside_streams=kept_beside_streams
        )
        self.prefiller = prefiller
        prefills = None
        if prefiller is not None:
            prefills = Prefills(self.cache, self.runner, prefiller, most_at_once=most_apart)
        self.scheduler = Scheduler(
            self.cache,
            max_running=max_running,
            max_waiting=max_waiting,
            n_batch=n_batch,
            drafter=drafter,
            prefills=prefills,
        )
        ticks = itertools.count(step=0.001)  # every step takes as long, whatever this machine is doing
        checkpoints = None if can_cut else Checkpoints(self.cache, self.runner, frozenset({EOG}))
        self.core = Core(
            self.scheduler,
            self.runner,
            Pace(n_batch, apart_from=apart_from),
            checkpoints=checkpoints,
            clock=lambda: next(ticks),
        )
        self.texts: dict[tuple[int, int], int] = {}
        self.output: dict[tuple[int, int], str] = {}
        self.finished: dict[tuple[int, int], str] = {}
        self.num_cached: dict[tuple[int, int], int] = {}

    def submit(self, request_id, prompt, *, max_tokens=8, n=1, priority="chat", cache_prompt=True):
        params = SamplingParams(max_tokens=max_tokens, cache_prompt=cache_prompt)
        for index in range(n):
            sequence = Sequence(request_id, index, prompt, params, priority)
            output = Output(
                sequence,
                piece=lambda token: b"%d " % token,
                eog_tokens=frozenset({EOG}),
                max_length=self.cache.num_cells,
            )
            self.core.add(sequence, output, None)

    def step(self):
        deltas = self.core.step()
        for delta in deltas:
            if delta.prefilled is not None:
                continue
            key = (delta.request_id, delta.index)
            assert key not in self.finished, "nothing comes after the finish"
            self.texts[key] = self.texts.get(key, 0) + delta.num_tokens
            self.output[key] = self.output.get(key, "") + delta.text
            if delta.finish is not None:
                self.finished[key] = delta.finish.reason
                self.num_cached[key] = delta.finish.num_cached_tokens
        return deltas

    def run(self, max_steps=100_000):
        steps = 0
        while self.core.has_work:
            self.step()
            steps += 1
            assert steps < max_steps, "the scheduler makes no progress"
        return steps
