"""Prefixes survive: a restart, a swap, a crash. And a bad file is only a file less."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time

import msgspec
import numpy as np
import psutil
import pytest

from localllm.engine.disk_cache import DiskCache
from localllm.engine.engine import Engine
from localllm.engine.loading import LoadParams
from localllm.engine.sequence import TokenBuffer
from localllm.sampling_params import SamplingParams
from tests import tiny_models
from tests.engine.generation import finish_of, text_of
from tests.waiting import wait_until

A = np.arange(1000, 1400, dtype=np.int32)
GREEDY = SamplingParams(temperature=0, max_tokens=12, logprobs=0)


def prompt(*parts):
    return TokenBuffer(np.concatenate([np.asarray(p, dtype=np.int32) for p in parts]))


def files(folder):
    return sorted(folder.rglob("*.prefix"))


def test_a_stored_prefix_is_found_again_by_another_process(tmp_path):
    """What one DiskCache wrote, the next one of the same fingerprint reads back byte for byte."""
    DiskCache(tmp_path, "model", 10**9).write(A, b"cells")
    cache = DiskCache(tmp_path, "model", 10**9)
    stored, length = cache.find(prompt(A[:300], [1, 2, 3]))
    assert stored is not None
    assert length == 300
    assert cache.read(stored) == b"cells"


def test_another_fingerprint_sees_nothing(tmp_path):
    """A state of other settings is never offered."""
    DiskCache(tmp_path, "q8_0", 10**9).write(A, b"cells")
    assert DiskCache(tmp_path, "f16", 10**9).find(prompt(A, [1])) == (None, 0)


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "foreign"])
def test_a_damaged_file_is_ignored_and_removed(tmp_path, damage):
    """Whatever a file holds, it gives the right bytes or none."""
    DiskCache(tmp_path, "model", 10**9).write(A, b"cells" * 100)
    (path,) = files(tmp_path)
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[-3] ^= 1
    path.write_bytes({"flip": data, "cut": data[:-10], "empty": b"", "foreign": b"#!/bin/sh\n" * 50}[damage])
    cache = DiskCache(tmp_path, "model", 10**9)
    stored, _ = cache.find(prompt(A, [1]))
    assert stored is None or cache.read(stored) is None
    assert files(tmp_path) == []
    assert cache.find(prompt(A, [1]))[0] is None


def test_a_longer_prefix_replaces_the_one_it_extends(tmp_path):
    """A conversation leaves one file, not one for every turn."""
    cache = DiskCache(tmp_path, "model", 10**9)
    cache.write(A[:300], b"short")
    cache.write(A, b"long")
    assert len(files(tmp_path)) == 1
    assert cache.covers(A[:300]) == 300


def test_the_cap_holds_over_all_models_and_the_oldest_go_first(tmp_path):
    """Least recently used files make room."""
    for i in range(6):
        DiskCache(tmp_path, f"model {i}", 12_000).write(A + i, bytes(2000))
        for age, path in enumerate(files(tmp_path)):
            os.utime(path, (path.stat().st_mtime - 10, path.stat().st_mtime - 10))
            assert age < 4
    assert sum(path.stat().st_size for path in files(tmp_path)) <= 12_000 + 1024
    assert DiskCache(tmp_path, "model 5", 12_000).find(prompt(A + 5, [1]))[1] == len(A)
    assert DiskCache(tmp_path, "model 0", 12_000).find(prompt(A, [1]))[1] == 0


def test_a_prefix_larger_than_the_cap_is_not_kept_and_costs_the_others_nothing(tmp_path):
    """Four gigabytes at most are four gigabytes at most."""
    cache = DiskCache(tmp_path, "model", 12_000)
    cache.write(A, bytes(2000))
    cache.write(A + 1, bytes(12_000))
    assert cache.find(prompt(A, [1]))[1] == len(A)
    assert cache.find(prompt(A + 1, [1]))[1] == 0
    assert len(files(tmp_path)) == 1


def unfinished(folder, pid, num_bytes):
    path = folder / f"{'0' * 24}.{pid}.tmp"
    path.write_bytes(bytes(num_bytes))
    return path


def test_what_a_killed_engine_left_of_a_write_is_removed(tmp_path):
    """By whoever starts or writes next, whichever model it was; one that is being written now is left alone."""
    cache = DiskCache(tmp_path, "model", 10**9)
    cache.write(A, b"cells")
    folder = files(tmp_path)[0].parent
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left, running = unfinished(folder, gone.pid, 100), unfinished(folder, os.getpid(), 100)
    DiskCache(tmp_path, "another", 10**9)
    assert not left.exists()
    assert running.exists()
    left = unfinished(folder, gone.pid, 100)
    os.utime(running, (0, 0))  # its process number was given to another since
    cache.write(A + 1, b"cells")
    assert not left.exists()
    assert not running.exists()
    assert len(files(tmp_path)) == 2


def test_what_is_just_being_written_counts_for_the_cap(tmp_path):
    """Two engines that write at once stay below it together."""
    cache = DiskCache(tmp_path, "model", 12_000)
    for i in range(3):
        cache.write(A + i, bytes(2000))
    unfinished(files(tmp_path)[0].parent, os.getpid(), 4000)
    cache.write(A + 3, bytes(2000))
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.*")) <= 12_000
    assert cache.find(prompt(A + 3, [1]))[1] == len(A)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_no_request_waits_behind_a_write(tmp_path):
    """A disk that takes nothing for minutes delays only what goes to disk."""
    path = tiny_models.write(tmp_path / "llama.gguf")
    engine = Engine(
        LoadParams(
            path=str(path), model_id="llama", n_ctx=4096, n_parallel=1, disk_cache_dir=str(tmp_path / "kept")
        )
    )
    one_token = SamplingParams(temperature=0, max_tokens=1)
    prompts = [[65 + i * step % 26 for i in range(300)] for step in (3, 5, 7, 9)]
    try:
        list(engine.submit(prompts[0], one_token))
        wait_until(lambda: files(tmp_path / "kept"))
        folder = files(tmp_path / "kept")[0].parent
        for ids in prompts[1:]:  # to be written where nobody reads: the write waits for ever
            name = hashlib.blake2b(np.array(ids, dtype=np.int32).tobytes(), digest_size=12).hexdigest()
            os.mkfifo(folder / f"{name}.{engine.pid}.tmp")
        for ids in prompts[1:]:  # each sends the one before it away, to the disk
            assert (
                finish_of(list(engine.submit(ids, one_token, poll=give_up_after(60)))).num_completion_tokens
                == 1
            )
        assert text_of(engine.submit("x", GREEDY, poll=give_up_after(60)))
    finally:
        psutil.Process(engine.pid).kill()
        engine.close()


def give_up_after(seconds):
    deadline = time.monotonic() + seconds

    def poll():
        assert time.monotonic() < deadline, "the request waits behind a write"

    return poll


def test_files_are_readable_by_their_owner_only(tmp_path):
    """They hold what was asked."""
    DiskCache(tmp_path, "model", 10**9).write(A, b"cells")
    (path,) = files(tmp_path)
    assert path.stat().st_mode & 0o077 == 0


def test_a_full_disk_is_no_error(tmp_path):
    """A folder that cannot be written keeps nothing, and says nothing."""
    (tmp_path / "file").write_text("in the way")
    cache = DiskCache(tmp_path / "file", "model", 10**9)
    cache.write(A, b"cells")
    assert cache.find(prompt(A, [1])) == (None, 0)


@pytest.mark.parametrize(
    ("arch", "end"),
    [
        ("llama", "close"),
        ("llama", "kill"),
        *(
            pytest.param(arch, end, marks=pytest.mark.slow)
            for arch in ("gemma3", "lfm2")
            for end in ("close", "kill")
        ),
    ],
)
def test_a_prefix_survives_restart_and_crash_and_gives_the_same_answer(tmp_path, arch, end):
    """After the engine is gone the same long prompt is read from disk, not computed; greedy text is identical."""
    path = tiny_models.write(tmp_path / f"{arch}.gguf", arch=arch)
    params = LoadParams(
        path=str(path), model_id=arch, n_ctx=2048, n_parallel=2, disk_cache_dir=str(tmp_path / "prefixes")
    )
    engine = Engine(params)
    ids = [65 + i * 7 % 26 for i in range(600)]
    first = list(engine.submit(ids, GREEDY))
    wait_until(lambda: files(tmp_path / "prefixes"))
    if end == "kill":
        psutil.Process(engine.pid).kill()
        wait_until(lambda: engine.state == "dead")
    engine.close()
    again = Engine(params)
    answer = [entry.token_id for d in first for entry in d.logprobs or []]
    follow_up = [*ids, *answer, 70, 71]
    restored = list(again.submit(follow_up, GREEDY))
    assert again.stats().num_restored_tokens >= 600
    assert finish_of(restored).num_cached_tokens >= 600
    fresh = Engine(LoadParams(path=str(path), model_id=arch, n_ctx=2048, n_parallel=2))
    assert "".join(d.text for d in restored) == "".join(d.text for d in fresh.submit(follow_up, GREEDY))
    again.close()
    fresh.close()


@pytest.mark.parametrize("arch", ["llama", "gemma3"])
def test_whoever_shares_a_part_of_a_restored_prefix_gets_the_text_of_a_whole_computation(tmp_path, arch):
    """A sliding window is saved with the cells that its end can see: a part of it is computed again, not half taken."""
    path = tiny_models.write(tmp_path / f"{arch}.gguf", arch=arch)
    params = LoadParams(
        path=str(path), model_id=arch, n_ctx=2048, n_parallel=2, disk_cache_dir=str(tmp_path / "prefixes")
    )
    ids = [65 + i * 7 % 26 for i in range(400)]
    other = [*ids[:300], *range(70, 90)]
    engine = Engine(params)
    expected = text_of(engine.submit(other, msgspec.structs.replace(GREEDY, cache_prompt=False)))
    first = list(engine.submit(ids, GREEDY))
    answer = [entry.token_id for d in first for entry in d.logprobs or []]
    wait_until(lambda: files(tmp_path / "prefixes"))
    engine.close()
    again = Engine(params)
    finish_of(again.submit([*ids, *answer, 70, 71], GREEDY))
    assert again.stats().num_restored_tokens >= 400
    deltas = list(again.submit(other, GREEDY))
    assert text_of(deltas) == expected
    assert finish_of(deltas).num_cached_tokens == (300 if arch == "llama" else 0)
    again.close()
