"""Embedding: calls share batches and stay apart, and an input may be as long as the context."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from localllm import errors
from localllm.engine.embedder import MAX_TOGETHER, PACKED_TOKENS, EmbedCall, Embedder
from localllm.engine.engine import Engine
from localllm.engine.loading import LoadParams
from localllm.llama import library
from tests import tiny_models

Tokens = list[int]


class FakeContext:
    """Its vectors are the lengths of the sequences. `batches`: the lengths that were computed together."""

    def __init__(self, n_ctx: int, n_batch: int, pooling: str) -> None:
        self.n_ctx, self.n_batch, self.pooling = n_ctx, n_batch, pooling
        self.batches: list[list[int]] = []
        self.lengths: dict[int, int] = {}
        self.error: Exception | None = None

    def clear(self) -> None:
        self.lengths = {}

    def decode(self, batch: Any) -> None:
        if self.error is not None:
            raise self.error
        seq_ids = batch._seq_ids[: batch.num_tokens].tolist()
        counts = {seq_id: seq_ids.count(seq_id) for seq_id in dict.fromkeys(seq_ids)}
        self.batches.append(list(counts.values()))
        for seq_id, count in counts.items():
            self.lengths[seq_id] = self.lengths.get(seq_id, 0) + count

    def embedding(self, seq_id: int) -> np.ndarray:
        return np.array([3.0, 4.0 * (self.lengths[seq_id] > 0), self.lengths[seq_id]], dtype=np.float32)


def make(
    *, is_bidirectional: bool = True, pooling: str = "mean", n_ctx: int = 2048, n_ctx_train: int = 2048
) -> tuple[Embedder, FakeContext]:
    n_batch = n_ctx if is_bidirectional else PACKED_TOKENS
    context = FakeContext(n_ctx, n_batch, pooling)
    model = SimpleNamespace(is_bidirectional=is_bidirectional, n_ctx_train=n_ctx_train)
    return Embedder(model, context), context  # type: ignore[arg-type]


def call(call_id: int, *lengths: int) -> EmbedCall:
    return EmbedCall(call_id, [[1] * length for length in lengths])


def run(embedder: Embedder) -> dict[int, list[int]]:
    """Call id → what each of its vectors says of the prompt's length, in the order of the answers."""
    answers = {}
    while embedder.has_work:
        for reply in embedder.step():
            vectors = [np.frombuffer(v, "<f4") for v in reply.vectors]
            answers[reply.call_id] = [round(float(3 * v[2] / v[0])) for v in vectors]
    return answers


def test_calls_that_wait_share_a_batch():
    """Eight clients with one text each cost one computation."""
    embedder, context = make()
    for call_id in range(8):
        embedder.add(call(call_id, 10 + call_id))
    assert run(embedder) == {call_id: [10 + call_id] for call_id in range(8)}
    assert len(context.batches) == 1


def test_vectors_belong_to_their_prompts_however_batches_are_cut():
    """Long and short ones, calls that end within a batch and calls that need several."""
    embedder, context = make()
    calls = {1: [5] * 40, 2: [600, 7, 500, 20], 3: [1], 4: [2048, 3]}
    for call_id, lengths in calls.items():
        embedder.add(call(call_id, *lengths))
    assert run(embedder) == calls
    assert all(len(batch) <= MAX_TOGETHER for batch in context.batches)
    assert all(sum(batch) <= PACKED_TOKENS for batch in context.batches if len(batch) > 1)


def test_a_prompt_longer_than_a_batch_is_computed_in_pieces_where_the_last_token_says_all():
    """As far as the context goes; one token more is refused."""
    embedder, context = make(is_bidirectional=False, pooling="last")
    embedder.add(call(1, 1200, 4))
    assert run(embedder) == {1: [1200, 4]}
    assert context.batches == [[512], [512], [176], [4]]
    embedder.check([[1] * 2048])
    with pytest.raises(errors.InvalidRequest, match=r"Input 1 has 2049 tokens.* Split the text\.$"):
        embedder.check([[1], [1] * 2049])


def test_where_every_token_counts_a_prompt_must_fit_into_one_batch():
    """A mean over pieces would be another vector."""
    embedder, _ = make(is_bidirectional=False, pooling="mean")
    with pytest.raises(errors.InvalidRequest, match=r"embeds 1 to 512\. Split the text\.$"):
        embedder.check([[1] * 513])
    with pytest.raises(errors.InvalidRequest, match="nothing to embed"):
        embedder.check([])


def test_where_a_longer_context_would_help_the_error_says_so():
    """An encoder that was loaded with less than it was trained for."""
    embedder, _ = make(n_ctx=512, n_ctx_train=2048)
    with pytest.raises(errors.InvalidRequest, match="Split the text, or give the model a larger n_ctx"):
        embedder.check([[1] * 513])


def test_a_mistake_of_the_library_ends_the_calls_that_wait_and_nothing_else():
    """All are told; the next call is computed."""
    embedder, context = make()
    context.error = library.LlamaError("llama_decode failed")
    for call_id in (1, 2):
        embedder.add(call(call_id, 3))
    with pytest.raises(library.LlamaError):
        embedder.step()
    assert embedder.give_up() == [1, 2]
    context.error = None
    embedder.add(call(3, 3))
    assert run(embedder) == {3: [3]}


@pytest.mark.parametrize("n_parallel", [1, 3])
def test_an_encoder_takes_inputs_as_long_as_its_context(tmp_path: Path, n_parallel: int):
    """Not a part of it for each of the requests that may run at once, whatever their number."""
    path = tiny_models.write(tmp_path / "bert.gguf", "bert", n_ctx=1024)
    engine = Engine(
        LoadParams(path=str(path), embedding=True, n_ctx=1024, n_threads=1, n_parallel=n_parallel)
    )
    try:
        vectors, num_tokens = engine.embed([[300] * 1024, [301] * 3])
        assert (len(vectors), num_tokens) == (2, 1027)
        with pytest.raises(errors.InvalidRequest, match="1025 tokens; this model embeds 1 to 1024"):
            engine.embed([[300] * 1025])
    finally:
        engine.close()


def test_a_long_input_of_a_causal_model_has_the_vector_of_its_last_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Computed in pieces as in one: the first 512 tokens change it, and the same input gives the same vector."""
    llama = tiny_models._llama
    monkeypatch.setitem(tiny_models.ARCHITECTURES, "llama", lambda w, s: llama(w, s) | {"pooling_type": 3})
    path = tiny_models.write(tmp_path / "last.gguf", "llama", n_ctx=2048)
    engine = Engine(LoadParams(path=str(path), embedding=True, n_ctx=2048, n_threads=1))
    try:
        tail = [70 + i % 50 for i in range(700)]
        (first, again, other), _ = engine.embed([[65] * 600 + tail, [65] * 600 + tail, [66] * 600 + tail])
        assert engine.info.pooling == "last"
        np.testing.assert_allclose(first, again, atol=1e-4)
        assert float(first @ other) < 0.9999
    finally:
        engine.close()
