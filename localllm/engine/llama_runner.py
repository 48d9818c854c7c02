"""Carries plans out on a llama.cpp context and samples the next tokens: where decisions meet the C library."""

from __future__ import annotations

from collections.abc import Sequence as Seq

import numpy as np
import numpy.typing as npt

from localllm.engine.constraint import Constraint
from localllm.engine.messages import TokenLogprob
from localllm.engine.plan import Chunk
from localllm.engine.prefix_cache import Copy, Operation
from localllm.engine.runner import Sampled, StateBytes
from localllm.engine.sequence import Sequence
from localllm.llama.batch import Batch
from localllm.llama.context import Context
from localllm.llama.model import Model
from localllm.llama.sampler import Sampler, is_greedy, needs_history


class LlamaRunner:
    """Runs plans on a llama.cpp context."""

    def __init__(self, model: Model, context: Context, n_batch: int, *, spare_seq_id: int) -> None:
        """spare_seq_id: a sequence of the context that is no slot."""
        self._spare_seq_id = spare_seq_id
        self._model = model
        self._context = context
        self._batch = Batch(n_batch)
        self._samplers: dict[Sequence, _SequenceSampler] = {}

    def open(self, sequence: Sequence, constraint: Constraint | None) -> None:
        self._samplers[sequence] = _SequenceSampler(self._model, sequence, constraint)

    def close(self, sequence: Sequence) -> None:
        sampler = self._samplers.pop(sequence, None)
        if sampler is not None:
            sampler.close()

    def apply(self, operations: Seq[Operation]) -> None:
        for operation in operations:
            if isinstance(operation, Copy):
                self._context.copy_prefix(operation.source, operation.target, operation.length)
            else:
                self._context.cut(operation.seq_id, operation.length)

    def save(self, seq_id: int) -> StateBytes:
        return self._context.save(seq_id)

    def restore(self, seq_id: int, state: StateBytes) -> bool:
        return self._context.restore(seq_id, state)

    def append(self, seq_id: int, state: StateBytes) -> bool:
        return self._context.append(seq_id, state, through=self._spare_seq_id)

    def run(self, chunks: Seq[Chunk]) -> list[Sampled]:
        batch = self._batch
        batch.clear()
        wanted = []
        for chunk in chunks:
            sequence = chunk.sequence
            assert sequence.slot is not None
            tokens = sequence.tokens.view(chunk.start, chunk.start + chunk.count)
            if chunk.drafts:
                tokens = np.concatenate([tokens, np.array(chunk.drafts, dtype=np.int32)])
            num_logits = 1 + len(chunk.drafts) if chunk.wants_logits else 0
            last = batch.add(
                sequence.slot.seq_id, tokens, chunk.start, num_logits=num_logits, count=len(tokens)
            )
            if chunk.wants_logits:
                wanted.append((chunk, last - len(chunk.drafts)))
        self._context.decode(batch)
        return [self._samplers[chunk.sequence].sample(self._context, chunk, index) for chunk, index in wanted]


class _SequenceSampler:
    """Draws one sequence's tokens: constraint first, then greedy by argmax or llama.cpp's chain."""

    def __init__(self, model: Model, sequence: Sequence, constraint: Constraint | None) -> None:
        params = sequence.params
        self._model = model
        self._sequence = sequence
        self._constraint = constraint
        self._num_logprobs = params.logprobs
        self._forbidden = (
            np.fromiter(model.eog_tokens, dtype=np.int64)
            if params.ignore_eos
            else np.empty(0, dtype=np.int64)
        )
        self._chain: Sampler | None = None
        if not is_greedy(params):
            self._chain = Sampler(model, params, _seed(params.seed, sequence.index))
            history = min(needs_history(params), sequence.num_prompt_tokens)
            for token_id in sequence.tokens.view(sequence.num_prompt_tokens - history).tolist():
                self._chain.accept(token_id)

    def close(self) -> None:
        if self._chain is not None:
            self._chain.close()

    def sample(self, context: Context, chunk: Chunk, index: int) -> Sampled:
        """Draw the next token from the logits of batch token `index`; as long as it is the draft, the one after too."""
        token_ids: list[int] = []
        forced: list[int] = []
        logprobs: list[TokenLogprob] = []
        for offset in range(1 + len(chunk.drafts)):
            token_id = self._draw(context, index + offset, logprobs)
            token_ids.append(token_id)
            forced = self._advance(token_id)
            if forced or (offset < len(chunk.drafts) and token_id != chunk.drafts[offset]):
                break
        return Sampled(
            chunk,
            token_ids,
            forced,
            is_complete=self._constraint is not None and self._constraint.is_complete,
            logprobs=logprobs,
        )

    def _draw(self, context: Context, index: int, logprobs: list[TokenLogprob]) -> int:
        logits = context.logits(index)
        distribution = _log_softmax(logits) if self._num_logprobs is not None else None
        if self._forbidden.size:
            logits[self._forbidden] = -np.inf
        if self._constraint is not None:
            self._constraint.apply(logits)
        token_id = int(logits.argmax()) if self._chain is None else self._chain.sample(context, index)
        if distribution is not None:
            logprobs.append(self._report(token_id, distribution))
        return token_id

    def _advance(self, token_id: int) -> list[int]:
        """Tell the constraint. Returns the tokens it forces next."""
        if self._constraint is None:
            return []
        forced = self._constraint.accept(token_id, self._model.piece(token_id, special=True))
        if self._chain is not None:
            for forced_id in forced:
                self._chain.accept(forced_id)
        return forced

    def _report(self, token_id: int, logprobs: npt.NDArray[np.float32]) -> TokenLogprob:
        count = self._num_logprobs or 0
        top = np.argpartition(logprobs, -count)[-count:] if count else np.empty(0, dtype=np.int64)
        top = top[np.argsort(-logprobs[top])]
        return TokenLogprob(
            token_id,
            self._text(token_id),
            self._piece(token_id),
            float(logprobs[token_id]),
            [(self._text(t), float(logprobs[t]), self._piece(t)) for t in top.tolist()],
        )

    def _piece(self, token_id: int) -> bytes:
        return self._model.piece(token_id, special=True)

    def _text(self, token_id: int) -> str:
        return self._piece(token_id).decode("utf-8", errors="replace")


def _log_softmax(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    shifted = logits - logits.max()
    result: npt.NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum())
    return result


def _seed(seed: int | None, index: int) -> int:
    """llama.cpp's seeds are unsigned 32 bit numbers; each completion of a request gets its own."""
    if seed is None:
        return int(np.random.SeedSequence().generate_state(1)[0])
    return (seed + index) % 2**32
