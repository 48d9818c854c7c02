"""How many threads to compute with: measured once per machine and kind of model, and kept.

One thread per physical core is right for most laptops, but not for all: cores differ in speed, and a very small model
is faster on one thread than on two that wait for each other. So each candidate computes a few tokens, once.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from localllm.paths import write_atomically

SMALL_MODEL_BYTES = 64 * 1024**2
NUM_TOKENS = 6
MUST_GAIN = 1.1  # how much faster another number must be than the default, so that noise does not decide


def default_threads() -> int:
    """Physical cores this process may use."""
    return max(1, min(psutil.cpu_count(logical=False) or 1, _allowed_cores()))


def spin_briefly_where_busy() -> None:
    """To be called before llama.cpp is loaded.

    OpenMP threads spin at each barrier, hundreds of times a token. Alone on a machine that is right: over HTTP on two
    cores 30 tokens/s instead of 24. Where other work waits for the cores they spin while the thread they wait for has
    none: 1.5 tokens/s instead of 6.
    """
    if psutil.getloadavg()[0] > (os.cpu_count() or 1):
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def chosen_threads(file: Path | None, model_bytes: int, decode: Callable[[int], None]) -> int:
    """The number of threads for a model of this size: from the file, or measured now and written there.

    decode(n) computes one token with n threads. Without a file, or where it cannot be written, nothing is lost but
    the time to measure again.
    """
    default = default_threads()
    if file is None:
        return default
    kept = _read(file)
    key = machine_key(model_bytes)
    if isinstance(known := kept.get(key), int) and 1 <= known <= _allowed_cores():
        return known
    best = fastest(candidates(default, _allowed_cores(), model_bytes), default, decode)
    with contextlib.suppress(OSError):
        write_atomically(file, json.dumps(kept | {key: best}, indent=1) + "\n")
    return best


def candidates(default: int, allowed: int, model_bytes: int) -> list[int]:
    """Numbers worth a try, the default among them."""
    numbers = {default, max(1, default // 2), allowed}
    if model_bytes < SMALL_MODEL_BYTES:
        numbers.add(1)
    return sorted(numbers)


def fastest(
    numbers: Sequence[int],
    default: int,
    decode: Callable[[int], None],
    clock: Callable[[], float] = time.perf_counter,
) -> int:
    """The number with the shortest median time for a token; the default unless another is clearly faster."""
    times = {}
    for number in numbers:
        decode(number)  # wakes the threads up
        samples = []
        for _ in range(NUM_TOKENS):
            started = clock()
            decode(number)
            samples.append(clock() - started)
        times[number] = statistics.median(samples)
    best = min(times, key=lambda number: times[number])
    return best if times[best] * MUST_GAIN < times[default] else default


def machine_key(model_bytes: int) -> str:
    """What a measured number is valid for: this processor, these cores, this kind of model."""
    size = "small" if model_bytes < SMALL_MODEL_BYTES else "large"
    return f"{platform.machine()} {platform.processor()} {_allowed_cores()} cores, {size} model"


def _allowed_cores() -> int:
    """Logical cores this process may use."""
    try:
        return len(psutil.Process().cpu_affinity())
    except AttributeError:  # macOS
        return psutil.cpu_count() or 1


def _read(file: Path) -> dict[str, object]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}
