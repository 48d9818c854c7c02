"""The exported file, where torch and gguf are installed: llama.cpp must compute with it what the training computed."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; only training the guide needs it")
for name in ("tokenizers", "gguf"):
    pytest.importorskip(name, reason=f"{name} is not installed; only training the guide needs it")

from guide_model import export, train  # noqa: E402 - torch comes first
from guide_model.conversation import Conversation, user  # noqa: E402
from guide_model.evaluate import Guide  # noqa: E402
from guide_model.model import rope_tables  # noqa: E402

from localllm.sampling_params import SamplingParams  # noqa: E402

NUM_STEPS, NUM_LIKELIEST = 4, 20
QUANTIZED = 0.1  # how far a log-probability may be off with weights of 8 bits


def test_the_file_gives_the_probabilities_that_training_computes(tmp_path: Path):
    """Rotation, tied embeddings, doubles with a space and tokenizer: a mistake in any of them shows here."""
    options = {"seed": 1, "folder": tmp_path, "steps": NUM_STEPS, "workers": 1, "no_compile": True}
    run = train.Run(argparse.Namespace(**options), worker=0)
    train.train(run, save_every_s=60)
    network, tokenizer, _ = export.load(tmp_path)
    export.export(tmp_path, tmp_path / "trained.gguf")
    text = "".join(
        piece.text for piece in Conversation([user("Repeat: seven Zürich 天气 lamp lamp")]).pieces()
    )
    ids = torch.tensor([tokenizer.encode(text).ids])
    with torch.no_grad():
        hidden = network(ids, *rope_tables(network.shape, ids.shape[1]))[0, -1]
        expected = (hidden @ network.embeddings().T).log_softmax(-1)
    with Guide(tmp_path / "trained.gguf") as guide:
        assert guide.engine.tokenize(text) == ids[0].tolist()
        asked = SamplingParams(temperature=0.0, max_tokens=1, logprobs=NUM_LIKELIEST)
        [entry] = [e for delta in guide.engine.submit(text, asked) for e in delta.logprobs or []]
    assert len(entry.top) == NUM_LIKELIEST
    assert expected.max() - expected.median() > 10 * QUANTIZED
    assert entry.logprob == pytest.approx(expected[entry.token_id].item(), abs=QUANTIZED)
    likeliest = expected.topk(NUM_LIKELIEST).values.tolist()
    assert [logprob for _, logprob, _ in entry.top] == pytest.approx(likeliest, abs=QUANTIZED)
