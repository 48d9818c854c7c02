"""The estimate from the header is what engines really take, whatever the architecture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from localllm.engine import checkpoints
from localllm.engine.engine import Engine
from localllm.engine.loading import LoadParams
from localllm.models import estimate
from localllm.models.entry import Entry
from localllm.models.gguf import Gguf, Tensor, read_parts
from localllm.sampling_params import SamplingParams
from tests import tiny_models

MIB = 1 << 20
N_BATCH = 128


def entry(**keys: object) -> Entry:
    return Entry(**({"id": "x", "source": "x.gguf"} | keys))  # type: ignore[arg-type]


SHAPES = [
    ("llama", 4, 768, 8000, 4096),
    ("llama", 4, 512, 8000, 32_768),
    pytest.param("qwen2", 2, 384, 60_000, 2048, marks=pytest.mark.slow),
    ("gemma3", 6, 512, 8000, 16_384),
    ("mamba", 6, 512, 8000, 4096),
    ("lfm2", 6, 512, 8000, 16_384),
    ("bert", 6, 768, 8000, 512),
    pytest.param("bert", 4, 384, 30_000, 2048, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("arch", "n_layers", "n_embd", "n_vocab", "n_ctx"), SHAPES)
def test_the_estimate_is_within_ten_percent_of_what_the_engine_takes(
    tmp_path: Path, arch: str, n_layers: int, n_embd: int, n_vocab: int, n_ctx: int
):
    """Measured as the resident memory of the engine process after it has computed a full batch."""
    path = tiny_models.write(
        tmp_path / "m.gguf", arch, n_layers=n_layers, n_embd=n_embd, n_vocab=n_vocab, n_ctx=n_ctx
    )
    is_embedding = arch == "bert"
    wanted = entry(kind="embedding" if is_embedding else "chat", n_batch=N_BATCH)
    needed = estimate.needs(read_parts(path), wanted, n_ctx)
    estimated = needed.total - needed.checkpoints  # which come with many conversations, and never here
    log = str(tmp_path / "log")
    params = LoadParams(
        str(path), n_ctx=n_ctx, n_batch=N_BATCH, n_threads=1, embedding=is_embedding, log_path=log
    )
    engine = Engine(params)
    try:
        engine.start()
        if is_embedding:
            engine.embed([[300] * n_ctx])
        else:
            list(engine.submit([300] * 140, SamplingParams(max_tokens=2)))
        taken = psutil.Process(engine.pid).memory_info().rss
    finally:
        engine.close()
    assert estimated == pytest.approx(taken, rel=0.10), f"{estimated / MIB:.0f} for {taken / MIB:.0f} MiB"


def test_a_quantized_cache_and_fewer_tokens_take_less(tmp_path: Path):
    """The knobs that people turn to make a model fit do what they say."""
    headers = read_parts(tiny_models.write(tmp_path / "m.gguf", "llama", n_layers=8, n_embd=256))
    usual = estimate.needs(headers, entry(), 8192).total
    assert estimate.needs(headers, entry(cache_type_k="q8_0", cache_type_v="q8_0"), 8192).total < usual
    assert estimate.needs(headers, entry(), 4096).total < usual


def test_mixtures_of_experts_and_latent_attention_are_understood():
    """Headers of shapes that no test loads: a DeepSeek-like one, whose cache is one latent vector per layer."""
    metadata = {
        "general.architecture": "deepseek2", "deepseek2.embedding_length": 2048, "deepseek2.attention.head_count": 16,
        "deepseek2.attention.head_count_kv": 1, "deepseek2.attention.key_length": 576,
        "deepseek2.attention.key_length_mla": 192, "deepseek2.attention.value_length": 512,
        "deepseek2.feed_forward_length": 10_944, "deepseek2.expert_used_count": 6,
        "deepseek2.expert_feed_forward_length": 1408,
    }  # fmt: skip
    tensor = Tensor("blk.0.ffn_up_exps.weight", (2048, 1408, 64), 0, 0)
    found = estimate.needs([Gguf(Path("x"), 3, metadata, {}, (tensor,), 0, 0)], entry(), 4096)
    assert found.layers == (2048 * 1408 * 64 * 4 + 576 * 2 * 4096,)


def test_layers_with_heads_of_another_size_are_counted_with_theirs():
    """Gemma 4's header: sliding layers have smaller heads than the others, and a count of heads of their own."""
    metadata = {
        "general.architecture": "gemma4", "gemma4.embedding_length": 2816, "gemma4.attention.head_count": 16,
        "gemma4.attention.head_count_kv": (8, 2), "gemma4.attention.key_length": 512,
        "gemma4.attention.value_length": 512, "gemma4.attention.key_length_swa": 256,
        "gemma4.attention.value_length_swa": 256, "gemma4.attention.sliding_window": 1024,
        "gemma4.attention.sliding_window_pattern": (True, False),
    }  # fmt: skip
    tensors = tuple(Tensor(f"blk.{i}.x", (1,), 0, 0) for i in range(2))
    per_token = Tensor("per_layer_token_embd.weight", (1000,), 0, 0)
    header = Gguf(Path("x"), 3, metadata, {}, (*tensors, per_token), 0, 0)
    found = estimate.needs([header], entry(), 1024)
    assert found.layers == (4 + 2 * 2 * 8 * 256 * 1024, 4 + 2 * 2 * 2 * 512 * 1024)
    assert (found.input, found.output) == (4000, 0)  # llama.cpp never puts these on a GPU
    without = {k: v for k, v in metadata.items() if "pattern" not in k}
    careful = estimate.needs([replace(header, metadata=without)], entry(), 1024)
    assert careful.layers == (4 + 2 * 2 * 8 * 512 * 1024, found.layers[1])


@pytest.mark.parametrize(("arch", "has_checkpoints"), [("llama", False), ("mamba", True), ("lfm2", True)])
def test_copies_of_recurrent_states_are_counted(tmp_path: Path, arch: str, has_checkpoints: bool):
    """As many as the engine keeps at most; beside them the one that is being made."""
    headers = read_parts(tiny_models.write(tmp_path / "m.gguf", arch))
    assert (checkpoints.MAX_BYTES, checkpoints.MAX_STATES) == (
        estimate.CHECKPOINT_BYTES,
        estimate.NUM_CHECKPOINTS,
    )
    few, many = (estimate.needs(headers, entry(), n_ctx) for n_ctx in (512, 1 << 22))
    assert (few.checkpoints > 0) == has_checkpoints
    assert many.checkpoints >= (estimate.CHECKPOINT_BYTES if arch == "lfm2" else few.checkpoints)
    assert (
        few.checkpoints == estimate.needs(headers, entry(n_parallel=1), 512).checkpoints
    )  # one row's state each
    assert few.in_ram(0) == few.total


def encoder(n_vocab: int, weights_mib: int) -> Gguf:
    """The header of a BERT with a context of 8 192 tokens."""
    metadata = {
        "general.architecture": "bert", "bert.context_length": 8192, "bert.attention.causal": False,
        "bert.vocab_size": n_vocab, "bert.embedding_length": 384,
    }  # fmt: skip
    return Gguf(Path("x"), 3, metadata, {}, (Tensor("blk.0.x", (weights_mib * MIB // 4,), 0, 0),), 0, 0)


def test_an_encoder_takes_inputs_as_long_as_its_buffers_are_in_proportion():
    """2 048 tokens of a small vocabulary; 512 of one of 250 000 words, of which each token costs a megabyte."""
    assert estimate.wanted_n_ctx(encoder(30_522, 140), entry(kind="embedding")) == 2048
    assert estimate.wanted_n_ctx(encoder(250_002, 600), entry(kind="embedding")) == 512
    assert estimate.wanted_n_ctx(encoder(250_002, 600), entry(kind="embedding", n_ctx=8192)) == 8192
    few = estimate.needs([encoder(250_002, 600)], entry(kind="embedding"), 512).compute
    many = estimate.needs([encoder(250_002, 600)], entry(kind="embedding"), 2048).compute
    assert many > 3.9 * few


def test_an_embedding_model_of_a_chat_models_kind_keeps_its_cache(tmp_path: Path):
    """GTE-Qwen2 looks both ways and has a KV cache nevertheless; BERT has none."""
    (header,) = read_parts(tiny_models.write(tmp_path / "m.gguf", "qwen2"))
    both_ways = replace(header, metadata=header.metadata | {"qwen2.attention.causal": False})
    with_cache = estimate.needs([both_ways], entry(kind="embedding"), 1024).layers
    assert sum(with_cache) == sum(estimate.needs([header], entry(kind="embedding"), 1024).layers)
    (bert,) = read_parts(tiny_models.write(tmp_path / "bert.gguf", "bert"))
    short, long = (sum(estimate.needs([bert], entry(kind="embedding"), n).layers) for n in (256, 2048))
    assert short == long
