"""A smaller model that guesses the next tokens of a larger one: its own weights and context, one sequence.

It reads along in small portions, so that a long prompt never holds the loop up; until it has caught up it guesses
nothing. Guesses cost time of their own, which the drafter measures with the step.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from localllm.engine.sequence import TokenBuffer, TokenIds, common_prefix
from localllm.llama.batch import Batch
from localllm.llama.context import Context
from localllm.llama.library import LlamaError
from localllm.llama.model import Model

PORTION = 128  # tokens read in one call


class DraftModel:
    """Greedy guesses from a model with the same vocabulary. Raises LlamaError where the vocabularies differ."""

    def __init__(self, path: Path, target: Model, *, n_ctx: int, n_threads: int, n_gpu_layers: int) -> None:
        self._model = Model(path, n_gpu_layers=n_gpu_layers)
        if not _same_vocabulary(self._model, target):
            raise LlamaError(
                f"{path} cannot draft for this model: their vocabularies differ. Choose one of its family."
            )
        self._context = Context(
            self._model, n_ctx=n_ctx, n_seq_max=1, n_batch=PORTION, n_threads=n_threads, max_logits=1
        )
        self._batch = Batch(PORTION)
        self._held: TokenIds = np.empty(0, dtype=np.int32)

    def close(self) -> None:
        self._context.close()
        self._model.close()

    def guess(self, tokens: TokenBuffer, count: int) -> list[int]:
        """The next `count` tokens; fewer where it ends, none while it is still reading."""
        wanted = tokens.view()
        if len(wanted) + count > self._context.n_ctx:
            return []
        shared = min(common_prefix(self._held, wanted), len(wanted) - 1)
        if not self._context.cut(0, shared):
            shared = 0
            self._context.cut(0, 0)
        portion = wanted[shared : shared + PORTION]
        logits_index = self._read(portion, shared)
        self._held = wanted[: shared + len(portion)].copy()
        if len(self._held) < len(wanted):
            return []
        return self._continue(logits_index, count)

    def _continue(self, logits_index: int, count: int) -> list[int]:
        drafts: list[int] = []
        while len(drafts) < count:
            token_id = int(self._context.logits(logits_index).argmax())
            if token_id in self._model.eog_tokens:
                break
            drafts.append(token_id)
            if len(drafts) < count:
                logits_index = self._read(np.array([token_id], dtype=np.int32), len(self._held))
                self._held = np.append(self._held, np.int32(token_id))
        return drafts

    def _read(self, token_ids: TokenIds, position: int) -> int:
        self._batch.clear()
        last = self._batch.add(0, token_ids, position, num_logits=1, count=len(token_ids))
        self._context.decode(self._batch)
        return last


def _same_vocabulary(a: Model, b: Model) -> bool:
    """Alike in size and in every token's bytes that are looked at: all control tokens and a sample of the rest."""
    if a.n_vocab != b.n_vocab or a.eog_tokens != b.eog_tokens:
        return False
    step = max(1, a.n_vocab // 1000)
    return all(a.piece(t, special=True) == b.piece(t, special=True) for t in range(0, a.n_vocab, step))
