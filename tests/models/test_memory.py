"""The estimate from the header is what engines really take, and the plan never promises more than there is."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from localllm import errors
from localllm.engine import checkpoints
from localllm.engine.engine import Engine
from localllm.engine.messages import LoadParams
from localllm.models import memory, room
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.gguf import Gguf, Tensor, read_parts
from localllm.models.memory import Memory
from localllm.paths import Paths
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
    needed = memory.needs(read_parts(path), wanted, n_ctx)
    estimate = needed.total - needed.checkpoints  # which come with many conversations, and never here
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
    assert estimate == pytest.approx(taken, rel=0.10), f"{estimate / MIB:.0f} for {taken / MIB:.0f} MiB"


def header(tmp_path: Path) -> list[Gguf]:
    return read_parts(tiny_models.write(tmp_path / "m.gguf", "llama", n_layers=8, n_embd=256))


def needed(headers: list[Gguf], n_ctx: int = 8192, **keys: object) -> int:
    return memory.needs(headers, entry(**keys), n_ctx).total


def test_a_plan_is_as_large_as_its_needs(tmp_path: Path):
    """Exactly enough is enough; a byte less is not."""
    headers = header(tmp_path)
    enough = needed(headers)
    assert memory.plan(headers, entry(n_ctx=8192), Memory(enough)) is not None
    assert memory.plan(headers, entry(n_ctx=8192), Memory(enough - 1)) is None


def test_the_context_is_lowered_only_where_the_entry_says_auto_and_then_it_is_told(tmp_path: Path):
    """What a person wrote is never changed behind their back."""
    headers = header(tmp_path)
    tight = Memory(needed(headers, 3000))
    assert memory.plan(headers, entry(n_ctx=8192), tight) is None
    lowered = memory.plan(headers, entry(), tight)
    assert lowered is not None
    assert lowered.n_ctx == 2048
    assert "lowered from 8192 to 2048" in lowered.note
    whole = memory.plan(headers, entry(), Memory(needed(headers)))
    assert whole is not None
    assert (whole.n_ctx, whole.note) == (8192, "")


def test_a_quantized_cache_and_fewer_tokens_take_less(tmp_path: Path):
    """The knobs that people turn to make a model fit do what they say."""
    headers = header(tmp_path)
    assert needed(headers, cache_type_k="q8_0", cache_type_v="q8_0") < needed(headers)
    assert needed(headers, 4096) < needed(headers, 8192)


def test_as_many_layers_as_fit_go_to_the_gpu(tmp_path: Path):
    """Never more than its memory holds, and the more memory the more layers."""
    headers = header(tmp_path)
    found = memory.needs(headers, entry(), 8192)
    layers = []
    for share in (0.0, 0.3, 0.6, 1.0):
        gpu = int(found.on_devices(len(found.layers) + 1) * share)
        plan = memory.plan(headers, entry(), Memory(found.total, on_devices=gpu))
        assert plan is not None
        assert plan.device_bytes <= gpu
        layers.append(plan.n_gpu_layers)
    assert layers == sorted(layers)
    assert layers[0] == 0
    assert layers[-1] == len(found.layers) + 1


def test_a_gpu_that_shares_the_ram_counts_once(tmp_path: Path):
    """On a Mac what the GPU takes is missing from the RAM."""
    headers = header(tmp_path)
    found = memory.needs(headers, entry(), 8192)
    enough = Memory(found.total + found.compute, on_devices=found.total, shares_ram=True)
    assert memory.plan(headers, entry(), enough) is not None
    too_little = Memory(found.total - MIB, on_devices=found.total, shares_ram=True)
    assert memory.plan(headers, entry(n_ctx=8192), too_little) is None


def test_a_number_of_gpu_layers_that_was_asked_for_is_kept(tmp_path: Path):
    """And refused where it does not fit, instead of being changed."""
    headers = header(tmp_path)
    found = memory.needs(headers, entry(), 8192)
    plan = memory.plan(headers, entry(n_gpu_layers=3), Memory(found.total, on_devices=found.total))
    assert plan is not None
    assert plan.n_gpu_layers == 3
    assert memory.plan(headers, entry(n_gpu_layers=3), Memory(found.total, on_devices=MIB)) is None


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
    found = memory.needs([Gguf(Path("x"), 3, metadata, {}, (tensor,), 0, 0)], entry(), 4096)
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
    found = memory.needs([header], entry(), 1024)
    assert found.layers == (4 + 2 * 2 * 8 * 256 * 1024, 4 + 2 * 2 * 2 * 512 * 1024)
    assert (found.input, found.output) == (4000, 0)  # llama.cpp never puts these on a GPU
    without = {k: v for k, v in metadata.items() if "pattern" not in k}
    careful = memory.needs([replace(header, metadata=without)], entry(), 1024)
    assert careful.layers == (4 + 2 * 2 * 8 * 512 * 1024, found.layers[1])


def test_several_gpus_each_have_a_compute_buffer_and_may_get_a_layer_more_than_their_share(tmp_path: Path):
    """What two halves cannot hold is not promised, although their sum could."""
    headers = header(tmp_path)
    found = memory.needs(headers, entry(), 8192)
    whole = found.on_devices(len(found.layers) + 1)
    more = found.compute + max(found.layers) + found.output
    one = memory.plan(headers, entry(), Memory(found.total, on_devices=whole))
    assert one is not None
    assert one.n_gpu_layers == len(found.layers) + 1
    two = memory.plan(headers, entry(), Memory(found.total, on_devices=whole, num_shares=2))
    assert two is not None
    assert 0 < two.n_gpu_layers < one.n_gpu_layers
    enough = memory.plan(headers, entry(), Memory(found.total, on_devices=whole + more, num_shares=2))
    assert enough is not None
    assert (enough.n_gpu_layers, enough.device_bytes) == (one.n_gpu_layers, whole + more)


@pytest.mark.parametrize(("arch", "has_checkpoints"), [("llama", False), ("mamba", True), ("lfm2", True)])
def test_copies_of_recurrent_states_are_counted(tmp_path: Path, arch: str, has_checkpoints: bool):
    """As many as the engine keeps at most; beside them the one that is being made."""
    headers = read_parts(tiny_models.write(tmp_path / "m.gguf", arch))
    assert (checkpoints.MAX_BYTES, checkpoints.MAX_STATES) == (
        memory.CHECKPOINT_BYTES,
        memory.NUM_CHECKPOINTS,
    )
    few, many = (memory.needs(headers, entry(), n_ctx) for n_ctx in (512, 1 << 22))
    assert (few.checkpoints > 0) == has_checkpoints
    assert many.checkpoints >= (memory.CHECKPOINT_BYTES if arch == "lfm2" else few.checkpoints)
    assert (
        few.checkpoints == memory.needs(headers, entry(n_parallel=1), 512).checkpoints
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
    assert memory.wanted_n_ctx(encoder(30_522, 140), entry(kind="embedding")) == 2048
    assert memory.wanted_n_ctx(encoder(250_002, 600), entry(kind="embedding")) == 512
    assert memory.wanted_n_ctx(encoder(250_002, 600), entry(kind="embedding", n_ctx=8192)) == 8192
    few = memory.needs([encoder(250_002, 600)], entry(kind="embedding"), 512).compute
    many = memory.needs([encoder(250_002, 600)], entry(kind="embedding"), 2048).compute
    assert many > 3.9 * few


def test_an_embedding_model_of_a_chat_models_kind_keeps_its_cache(tmp_path: Path):
    """GTE-Qwen2 looks both ways and has a KV cache nevertheless; BERT has none."""
    (header,) = read_parts(tiny_models.write(tmp_path / "m.gguf", "qwen2"))
    both_ways = replace(header, metadata=header.metadata | {"qwen2.attention.causal": False})
    with_cache = memory.needs([both_ways], entry(kind="embedding"), 1024).layers
    assert sum(with_cache) == sum(memory.needs([header], entry(kind="embedding"), 1024).layers)
    (bert,) = read_parts(tiny_models.write(tmp_path / "bert.gguf", "bert"))
    short, long = (sum(memory.needs([bert], entry(kind="embedding"), n).layers) for n in (256, 2048))
    assert short == long


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path / "cache", tmp_path / "logs")


def test_a_model_that_is_too_big_is_refused_fast_with_numbers_and_a_way_out(paths: Paths, tmp_path: Path):
    """Without loading anything: the header of a large vocabulary is read in milliseconds."""
    tiny_models.write(tmp_path / "big.gguf", n_layers=4, n_embd=128, n_vocab=100_000)
    tiny_models.write(tmp_path / "small.gguf")
    paths.catalog.write_text(
        '[[model]]\nid = "big"\nsource = "big.gguf"\n[[model]]\nid = "small"\nsource = "small.gguf"\n'
    )
    catalog, free = Catalog(paths.catalog), Memory(100 * MIB)
    began = time.perf_counter()
    assert room.make_plan(catalog.find("big"), paths, free) is None
    error = room.too_big(catalog.find("big"), paths, catalog, free)
    assert time.perf_counter() - began < 10, "this is a guard against loading, not a measurement"
    assert isinstance(error, errors.ModelLoadFailed)
    assert error.code == "not_enough_memory"
    assert "needs 0.2 GB with a context of 8192 tokens, and this computer has 0.1 GB" in error.message
    assert 'The largest model here that fits is "small".' in error.message


def test_less_context_is_the_first_way_out(paths: Paths, tmp_path: Path):
    """The number that fits is in the message, and it does fit."""
    path = tiny_models.write(tmp_path / "m.gguf", n_layers=8, n_embd=512)
    paths.catalog.write_text('[[model]]\nid = "m"\nsource = "m.gguf"\nn_ctx = 8192\n')
    catalog, headers = Catalog(paths.catalog), read_parts(path)
    free = Memory(memory.needs(headers, catalog.find("m"), 5000).total)
    message = room.too_big(catalog.find("m"), paths, catalog, free).message
    n_ctx = int(message.split("n_ctx = ")[1].split(":")[0])
    assert 4096 <= n_ctx <= 5120
    assert memory.plan(headers, entry(n_ctx=n_ctx), free) is not None


def test_a_draft_model_is_counted_with_the_model_it_guesses_for(paths: Paths, tmp_path: Path):
    """Both are in one engine process, so one reservation holds both."""
    for name, n_embd in (("big", 256), ("small", 64)):
        tiny_models.write(tmp_path / f"{name}.gguf", n_embd=n_embd)
    big, small = entry(id="big", source="big.gguf"), entry(id="small", source="small.gguf")
    plenty = Memory(10 << 30)
    alone, both = room.make_plan(big, paths, plenty), room.make_plan(big, paths, plenty, draft=small)
    assert alone is not None
    assert both is not None
    assert both.ram_bytes > alone.ram_bytes + (tmp_path / "small.gguf").stat().st_size
    assert room.make_plan(big, paths, Memory(both.ram_bytes)) is not None
    fixed = entry(id="big", source="big.gguf", n_ctx=8192)
    assert room.make_plan(fixed, paths, Memory(alone.ram_bytes), draft=small) is None
