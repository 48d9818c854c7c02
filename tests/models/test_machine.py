"""What the computer has free, minus what must stay free."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from localllm.engine.devices import Device, find_devices
from localllm.models.machine import MIN_HEADROOM_BYTES, as_memory, container_free, free_memory, free_ram
from localllm.models.memory import Memory

GIB = 1 << 30


def test_some_ram_always_stays_free_for_the_desktop():
    """Models never get the last half gigabyte."""
    assert free_ram() <= psutil.virtual_memory().total - MIN_HEADROOM_BYTES


def test_without_a_gpu_there_is_only_ram():
    """None, not zero: llama.cpp may know better."""
    assert as_memory(GIB, ()) == Memory(GIB, None)


def gpu(number: int, free_gib: float) -> Device:
    return Device(f"CUDA{number}", "", "gpu", int(free_gib * GIB), 24 * GIB)


def test_gpus_hold_together_what_the_first_to_be_full_allows():
    """llama.cpp deals layers out as memory is free, so a small one's headroom counts for all."""
    assert as_memory(GIB, (gpu(0, 8), gpu(1, 8))) == Memory(GIB, 15 * GIB, num_shares=2)
    assert as_memory(GIB, (gpu(0, 7), gpu(1, 1))) == Memory(GIB, 4 * GIB, num_shares=8)


def test_a_full_gpu_leaves_nothing_for_layers_on_the_others():
    """It would get its layer nevertheless, and loading would fail there."""
    assert as_memory(GIB, (gpu(0, 8), gpu(1, 0))) == Memory(GIB, 0)


def test_an_integrated_gpu_beside_another_is_not_counted():
    """llama.cpp does not use it then, and the other one has memory of its own."""
    assert as_memory(GIB, (gpu(0, 8), Device("Vulkan1", "", "igpu", GIB, GIB))) == as_memory(
        GIB, (gpu(0, 8),)
    )


def test_an_integrated_gpu_shares_the_ram():
    """What one takes is missing from the other."""
    assert as_memory(GIB, (Device("Vulkan0", "", "igpu", GIB, GIB),)).shares_ram


@pytest.mark.parametrize("name", ["MTL0", "Metal"])
def test_a_macs_gpu_shares_the_ram_although_it_is_called_a_gpu_of_its_own(name: str):
    """llama.cpp's Metal device says GPU; its memory is the computer's, and is counted once."""
    memory = as_memory(16 * GIB, (Device(name, "Apple M3", "gpu", 12 * GIB, 12 * GIB),))
    assert memory.shares_ram
    assert memory.together == 16 * GIB
    assert as_memory(16 * GIB, (gpu(0, 8),)).together == 16 * GIB + 8 * GIB - GIB // 2


def test_a_limit_holds_for_each_kind_of_memory():
    """As the settings say: so much RAM, and as much on the GPUs."""
    assert Memory(8 * GIB, 4 * GIB).within(5 * GIB) == Memory(5 * GIB, 4 * GIB)
    assert Memory(8 * GIB).within(None) == Memory(8 * GIB)
    assert free_memory(1000).ram <= 1000


def test_the_memory_limit_of_a_container_counts(tmp_path: Path):
    """`docker run -m 2g` is the truth inside, whatever the host has; file cache can be reclaimed."""
    (tmp_path / "memory.max").write_text("2000\n")
    (tmp_path / "memory.current").write_text("1500\n")
    (tmp_path / "memory.stat").write_text("anon 900\ninactive_file 400\n")
    assert container_free(tmp_path, 9999) == 900
    (tmp_path / "memory.max").write_text("max\n")
    assert container_free(tmp_path, 9999) == 9999
    assert container_free(tmp_path / "none", 9999) == 9999


def test_asking_for_gpus_gives_an_answer_whatever_the_build():
    """None on a CPU build, and never an exception."""
    assert all(d.total_bytes >= d.free_bytes for d in find_devices())
