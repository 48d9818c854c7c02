"""The plan never promises more than there is; what does not fit is refused with a way out."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from localllm import errors
from localllm.models import estimate, memory, room
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.gguf import Gguf, read_parts
from localllm.models.memory import Memory
from localllm.paths import Paths
from tests import tiny_models

MIB = 1 << 20


def entry(**keys: object) -> Entry:
    return Entry(**({"id": "x", "source": "x.gguf"} | keys))  # type: ignore[arg-type]


def header(tmp_path: Path) -> list[Gguf]:
    return read_parts(tiny_models.write(tmp_path / "m.gguf", "llama", n_layers=8, n_embd=256))


def needed(headers: list[Gguf], n_ctx: int = 8192) -> int:
    return estimate.needs(headers, entry(), n_ctx).total


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


def test_as_many_layers_as_fit_go_to_the_gpu(tmp_path: Path):
    """Never more than its memory holds, and the more memory the more layers."""
    headers = header(tmp_path)
    found = estimate.needs(headers, entry(), 8192)
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
    found = estimate.needs(headers, entry(), 8192)
    enough = Memory(found.total + found.compute, on_devices=found.total, shares_ram=True)
    assert memory.plan(headers, entry(), enough) is not None
    too_little = Memory(found.total - MIB, on_devices=found.total, shares_ram=True)
    assert memory.plan(headers, entry(n_ctx=8192), too_little) is None


def test_a_number_of_gpu_layers_that_was_asked_for_is_kept(tmp_path: Path):
    """And refused where it does not fit, instead of being changed."""
    headers = header(tmp_path)
    found = estimate.needs(headers, entry(), 8192)
    plan = memory.plan(headers, entry(n_gpu_layers=3), Memory(found.total, on_devices=found.total))
    assert plan is not None
    assert plan.n_gpu_layers == 3
    assert memory.plan(headers, entry(n_gpu_layers=3), Memory(found.total, on_devices=MIB)) is None


def test_several_gpus_each_have_a_compute_buffer_and_may_get_a_layer_more_than_their_share(tmp_path: Path):
    """What two halves cannot hold is not promised, although their sum could."""
    headers = header(tmp_path)
    found = estimate.needs(headers, entry(), 8192)
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
    free = Memory(estimate.needs(headers, catalog.find("m"), 5000).total)
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
