"""What the computer has free, minus what must stay free."""

from __future__ import annotations

from pathlib import Path

import psutil

from localllm.engine.devices import Device, find_devices
from localllm.models.machine import MIN_HEADROOM_BYTES, as_memory, container_free, free_ram
from localllm.models.memory import Memory

GIB = 1 << 30


def test_some_ram_always_stays_free_for_the_desktop():
    """Models never get the last half gigabyte."""
    assert free_ram() <= psutil.virtual_memory().total - MIN_HEADROOM_BYTES


def test_without_a_gpu_there_is_only_ram():
    """None, not zero: llama.cpp may know better."""
    assert as_memory(GIB, ()) == Memory(GIB, None)


def test_gpus_are_taken_together_with_headroom_on_each():
    """A full one adds nothing, and takes nothing away from the others."""
    devices = (Device("CUDA0", "", "gpu", 8 * GIB, 8 * GIB), Device("CUDA1", "", "gpu", 100, 8 * GIB))
    assert as_memory(GIB, devices) == Memory(GIB, 8 * GIB - GIB // 2)


def test_an_integrated_gpu_shares_the_ram():
    """As on a Mac."""
    assert as_memory(GIB, (Device("Metal", "", "igpu", GIB, GIB),)).shares_ram


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
