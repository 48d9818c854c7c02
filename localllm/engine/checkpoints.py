"""Checkpoints at turn boundaries, for memories that cannot be cut: recurrent and hybrid models.

Such a memory holds only where its sequence ended. When the next turn renders the last answer differently (its thinking
left out, white space trimmed), nothing of it can be reused, and the whole conversation would be computed again. So the
state is copied where the prompt's last finished message ends, and the next turn starts from there.
Belongs to the loop. Knows tokens and states, no template: a message ends with a token that ends generations.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from localllm.engine.plan import Chunk
from localllm.engine.prefix_cache import PrefixCache
from localllm.engine.runner import Runner, StateBytes
from localllm.engine.sequence import Sequence, TokenIds, common_prefix

MAX_BYTES, MAX_STATES = 512 * 1024**2, 32  # models/estimate.py counts with both
WORTH_RESTORING = 32  # tokens that a checkpoint must save


class Checkpoints:
    """States of one model, least recently used ones forgotten beyond `max_bytes` or MAX_STATES."""

    def __init__(
        self, cache: PrefixCache, runner: Runner, eog_tokens: frozenset[int], max_bytes: int = MAX_BYTES
    ) -> None:
        self._cache = cache
        self._runner = runner
        self._eog = np.fromiter(eog_tokens, dtype=np.int32)
        self._max_bytes = max_bytes
        self._states: OrderedDict[bytes, tuple[TokenIds, StateBytes]] = OrderedDict()

    def boundary(self, token_ids: TokenIds) -> int | None:
        """How many tokens a prompt has up to the end of its last finished message; None where it has none."""
        ends = np.flatnonzero(np.isin(token_ids[:-1], self._eog))
        return int(ends[-1]) + 1 if len(ends) else None

    def restore_for(self, sequence: Sequence) -> None:
        """Put the longest checkpoint that the prompt begins with into a slot, where the scheduler finds it."""
        wanted = sequence.tokens.view(0, len(sequence.tokens) - 1)
        fitting = [ids for ids, _ in self._states.values() if common_prefix(ids, wanted) == len(ids)]
        best = max(fitting, key=len, default=None)
        if best is None or len(best) < self._cache.find(sequence.tokens)[1] + WORTH_RESTORING:
            return
        slot = self._cache.adopt(best)
        if slot is None:
            return
        self._runner.apply(self._cache.take_operations())
        self._states.move_to_end(best.tobytes())
        if not self._runner.restore(slot.seq_id, self._states[best.tobytes()][1]):
            self._cache.drop(slot)

    def save_after(self, chunk: Chunk) -> None:
        """Copy the state if the chunk ended at its sequence's boundary."""
        sequence = chunk.sequence
        if sequence.slot is None or chunk.start + chunk.count != sequence.checkpoint_at:
            return
        token_ids = sequence.tokens.view(0, sequence.checkpoint_at).copy()
        self._states[token_ids.tobytes()] = (token_ids, self._runner.save(sequence.slot.seq_id))
        while len(self._states) > MAX_STATES or self._num_bytes > self._max_bytes:
            self._states.popitem(last=False)

    @property
    def _num_bytes(self) -> int:
        return sum(len(state) for _, state in self._states.values())
