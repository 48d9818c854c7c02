"""The trainer, where torch is installed; nobody needs it to run or to test localllm otherwise."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; only training the guide needs it")
pytest.importorskip("tokenizers", reason="tokenizers is not installed; only training the guide needs it")

from guide_model import batches, model, train  # noqa: E402 - torch comes first

NUM_STEPS = 1000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tokenizer lies that all runs here share; learned by the first of them."""
    return tmp_path_factory.mktemp("training")


def start(folder: Path, seed: int) -> train.Run:
    return train.Run(
        argparse.Namespace(seed=seed, folder=folder, steps=NUM_STEPS, workers=1, no_compile=True), worker=0
    )


def losses(run: train.Run, count: int = 2) -> list[float]:
    return [loss for _ in range(count) for loss in run.advance()[0]]


def test_the_same_seed_gives_the_same_losses_to_the_last_digit(folder: Path):
    """Whoever trains again gets what is shipped."""
    assert losses(start(folder, seed=1)) == losses(start(folder, seed=1))
    assert losses(start(folder, seed=1)) != losses(start(folder, seed=2))


def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(folder: Path):
    """Weights, optimizers and the place in the corpus are all in the checkpoint."""
    run = start(folder, seed=1)
    losses(run)
    run.save()
    expected = losses(run)
    continued = start(folder, seed=1)
    continued.resume()
    assert losses(continued) == expected


@pytest.mark.parametrize("step", [0, NUM_STEPS // 10 * 2, NUM_STEPS - 1])
def test_every_part_of_the_run_has_answers_to_learn_in_each_batch(folder: Path, step: int):
    """At full weight, beside some of what is only read."""
    for batch in start(folder, seed=1).maker.batches(step, worker=0):
        assert (batch.weights == 1).sum() > batch.ids.numel() / 8
        assert (batch.weights == batches.PROMPT_WEIGHT).any()
        assert batch.positions.max() < batch.ids.numel()


def test_every_shape_of_a_batch_is_compiled_for():
    """torch gives up after a number of them without an error, and the last half of a run was a third slower."""
    rows = {(r.count, r.length) for step in range(NUM_STEPS) for r in batches.plan(step, NUM_STEPS)}
    assert len(rows) <= train.NUM_SHAPES


def test_fixed_tokens_keep_the_embeddings_they_start_with(folder: Path):
    """Words that training hardly sees stay as loud as all others, so that they can be copied."""
    run = start(folder, seed=1)
    before = run.network.embed.weight.detach().clone()
    losses(run)
    moved = (run.network.embed.weight != before).any(dim=1)
    fixed = run.network.learns == 0
    assert fixed.sum() > 1000
    assert not moved[fixed].any()
    assert moved[~fixed].any()


def test_a_word_that_came_twice_is_continued_as_after_the_word_before_it(folder: Path):
    """From the first step on: in A B C … D B E … A B, one head looks at C rather than at E, whatever the words are."""
    network = start(folder, seed=1).network
    assert sum(prefers_the_pair(network, seed) for seed in range(40)) >= 28


def prefers_the_pair(network: model.Network, seed: int) -> bool:
    ids = torch.randperm(6000, generator=torch.Generator().manual_seed(seed))
    ids = torch.cat([ids[:30], ids[:2]])  # A B C … A B
    ids[15] = ids[1]  # D B E
    cos, sin = model.rope_tables(network.shape, len(ids))
    x = network.layers[0](network.embed(network.base_of[ids[None]]), cos, sin)
    layer, size = network.layers[1], network.shape.head_dim
    h = layer.attn_norm(x)[0]
    q, k = (model.rotate(w(h)[:, size : 2 * size], cos, sin) for w in (layer.q, layer.k))
    return bool(q[-1] @ k[2] > q[-1] @ k[16])


@pytest.mark.parametrize("length", [1, 64, 200])
def test_attention_in_blocks_is_attention(length: int):
    """Written for speed; the last block may be a shorter one."""
    generator = torch.Generator().manual_seed(1)
    q, k, v = (torch.randn(2, 3, length, 16, generator=generator) for _ in range(3))
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(model.attention(q, k, v), expected, rtol=1e-4, atol=1e-5)


def test_the_loss_is_that_of_the_rows_a_runtime_has(folder: Path):
    """Doubles with a space are never computed in training, and yet it is their cross-entropy too."""
    network = start(folder, seed=1).network
    hidden = torch.randn(6, network.shape.width)
    first_spaced = network.shape.vocab
    targets = torch.tensor([5, 500, first_spaced - 1, first_spaced, 9000, len(network.base_of) - 1])
    expected = torch.nn.functional.cross_entropy(hidden @ network.embeddings().T, targets, reduction="none")
    torch.testing.assert_close(network.losses(hidden, targets), expected, rtol=1e-4, atol=1e-4)
