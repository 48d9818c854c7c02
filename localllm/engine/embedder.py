"""Prompts → vectors, many in one batch: pooled as the model says, normalised to length one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from localllm.errors import InvalidRequest
from localllm.llama.batch import Batch
from localllm.llama.context import Context
from localllm.llama.model import Model

Prompt = npt.ArrayLike


class Embedder:
    """Embeds on a context that was made for it. A prompt must fit into one batch."""

    def __init__(self, model: Model, context: Context, n_batch: int, n_seq_max: int) -> None:
        self._model = model
        self._context = context
        self._n_seq_max = n_seq_max
        self._batch = Batch(n_batch)

    def embed(self, prompts: Sequence[Sequence[int] | npt.NDArray[np.int32]]) -> list[bytes]:
        """One vector per prompt, in order: float32 little endian, n_embd numbers (one number for a reranker)."""
        for position, prompt in enumerate(prompts):
            if not 0 < len(prompt) <= self._batch.capacity:
                raise InvalidRequest(
                    f"Input {position} has {len(prompt)} tokens; this model embeds 1 to {self._batch.capacity}.",
                    param=f"input[{position}]",
                )
        return [vector for group in self._groups(prompts) for vector in self._run(group)]

    def _groups(
        self, prompts: Sequence[Sequence[int] | npt.NDArray[np.int32]]
    ) -> Iterator[list[Sequence[int] | npt.NDArray[np.int32]]]:
        """As many prompts together as fit into one batch."""
        group: list[Sequence[int] | npt.NDArray[np.int32]] = []
        num_tokens = 0
        for prompt in prompts:
            if group and (num_tokens + len(prompt) > self._batch.capacity or len(group) == self._n_seq_max):
                yield group
                group, num_tokens = [], 0
            group.append(prompt)
            num_tokens += len(prompt)
        if group:
            yield group

    def _run(self, group: list[Sequence[int] | npt.NDArray[np.int32]]) -> Iterator[bytes]:
        self._batch.clear()
        for seq_id, prompt in enumerate(group):
            self._batch.add(seq_id, prompt, 0, num_logits=len(prompt), count=len(prompt))
        self._context.clear()
        self._context.decode(self._batch)
        for seq_id in range(len(group)):
            vector = self._context.embedding(seq_id)
            norm = float(np.linalg.norm(vector))
            if self._context.pooling != "rank" and norm > 0:
                vector = vector / norm
            yield vector.astype("<f4").tobytes()
