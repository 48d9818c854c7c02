"""Prompts → vectors: of all calls that wait, many in one batch; pooled as the model says, normalised to length one.

Belongs to the loop, which computes one batch at a time between whatever else arrives. Knows no pipe.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from localllm.engine import messages as m
from localllm.engine.loading import LoadParams
from localllm.errors import InvalidRequest
from localllm.llama.batch import Batch
from localllm.llama.context import Context
from localllm.llama.model import Model

Prompt = Sequence[int] | npt.NDArray[np.int32]
DEFAULT_N_CTX = 2048
PACKED_TOKENS = (
    512  # short prompts share a batch up to here; an encoder compares each of its tokens with every other
)
MAX_TOGETHER = 32  # a power of two: where it does not divide the batch, llama.cpp ends the process
LAST_TOKEN = ("last", "rank")  # poolings that look at the last token only, where attention is causal


@dataclass
class EmbedCall:
    """The prompts of one call, and the vectors of the first of them."""

    call_id: int
    prompts: Sequence[Prompt]
    vectors: list[bytes] = field(default_factory=list)
    num_taken: int = 0

    @property
    def is_complete(self) -> bool:
        return len(self.vectors) == len(self.prompts)

    @property
    def reply(self) -> m.Embeddings:
        return m.Embeddings(self.call_id, self.vectors, sum(len(p) for p in self.prompts))


def embedding_context(model: Model, params: LoadParams, n_threads: int) -> Context:
    """A context in which one prompt may be as long as `n_ctx`. Raises LlamaError."""
    n_ctx = params.n_ctx or min(model.n_ctx_train, DEFAULT_N_CTX)
    n_ctx = max(n_ctx, MAX_TOGETHER) // MAX_TOGETHER * MAX_TOGETHER
    n_batch = n_ctx if model.is_bidirectional else min(PACKED_TOKENS, n_ctx)
    return Context(
        model,
        n_ctx=n_ctx,
        n_seq_max=MAX_TOGETHER,
        n_batch=n_batch,
        n_threads=n_threads,
        flash_attn=params.flash_attn,
        cache_type_k=params.cache_type_k,
        cache_type_v=params.cache_type_v,
        embedding=True,
    )


class Embedder:
    """Embeds on a context that was made for it. Calls are answered in the order in which they come."""

    def __init__(self, model: Model, context: Context) -> None:
        self._context = context
        can_split = not model.is_bidirectional and context.pooling in LAST_TOKEN
        self.max_tokens = min(context.n_ctx if can_split else context.n_batch, model.n_ctx_train)
        self._may_grow = (can_split or model.is_bidirectional) and self.max_tokens < model.n_ctx_train
        self._batch = Batch(context.n_batch)
        self._waiting: deque[EmbedCall] = deque()

    def check(self, prompts: Sequence[Prompt]) -> None:
        """Raises InvalidRequest for no prompts, and for one that is empty or too long. For any thread."""
        if not prompts:
            raise InvalidRequest("There is nothing to embed.", param="input")
        for position, prompt in enumerate(prompts):
            if not 0 < len(prompt) <= self.max_tokens:
                raise InvalidRequest(
                    f"Input {position} has {len(prompt)} tokens; this model embeds 1 to {self.max_tokens}. "
                    f"{self._way_out}",
                    param=f"input[{position}]",
                )

    @property
    def _way_out(self) -> str:
        return f"Split the text{', or give the model a larger n_ctx in its catalog entry' if self._may_grow else ''}."

    # ── in the loop ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def has_work(self) -> bool:
        return bool(self._waiting)

    def add(self, call: EmbedCall) -> None:
        self._waiting.append(call)

    def step(self) -> list[m.Embeddings]:
        """Compute one batch; the calls that are complete now. Raises LlamaError."""
        group = self._take()
        vectors = self._run([prompt for _, prompt in group])
        for (call, _), vector in zip(group, vectors, strict=True):
            call.vectors.append(vector)
        replies = []
        while self._waiting and self._waiting[0].is_complete:
            replies.append(self._waiting.popleft().reply)
        return replies

    def give_up(self) -> list[int]:
        """Forget every call; their ids, for whoever tells them."""
        call_ids = [call.call_id for call in self._waiting]
        self._waiting.clear()
        return call_ids

    def _take(self) -> list[tuple[EmbedCall, Prompt]]:
        """The next prompts, as many as fit together; a long one alone."""
        group: list[tuple[EmbedCall, Prompt]] = []
        num_tokens = 0
        for call in self._waiting:
            for prompt in call.prompts[call.num_taken :]:
                num_tokens += len(prompt)
                if group and (num_tokens > PACKED_TOKENS or len(group) == MAX_TOGETHER):
                    return group
                group.append((call, prompt))
                call.num_taken += 1
        return group

    def _run(self, prompts: Sequence[Prompt]) -> list[bytes]:
        self._context.clear()
        if len(prompts[0]) > self._batch.capacity:
            self._decode_in_pieces(prompts[0])
        else:
            self._batch.clear()
            for seq_id, prompt in enumerate(prompts):
                self._batch.add(seq_id, prompt, 0, num_logits=len(prompt), count=len(prompt))
            self._context.decode(self._batch)
        return [self._vector(seq_id) for seq_id in range(len(prompts))]

    def _decode_in_pieces(self, prompt: Prompt) -> None:
        """A prompt longer than a batch, on sequence 0; the vector is that of its last token."""
        for start in range(0, len(prompt), self._batch.capacity):
            piece = prompt[start : start + self._batch.capacity]
            self._batch.clear()
            self._batch.add(0, piece, start, num_logits=len(piece), count=len(piece))
            self._context.decode(self._batch)

    def _vector(self, seq_id: int) -> bytes:
        vector = self._context.embedding(seq_id)
        norm = float(np.linalg.norm(vector))
        if self._context.pooling != "rank" and norm > 0:
            vector = vector / norm
        return vector.astype("<f4").tobytes()
