"""What memory this computer has free for models, with enough left over for everything else that runs.

Knows the operating system's numbers and the GPUs'; nothing of models.
"""

from __future__ import annotations

from pathlib import Path

import psutil

from localllm.engine.devices import Device, find_devices
from localllm.models.memory import Memory

MIB = 1 << 20
MIN_HEADROOM_BYTES = 512 * MIB
MAX_HEADROOM_BYTES = 2048 * MIB
DEVICE_HEADROOM_BYTES = 512 * MIB  # the driver's context, and the desktop that is drawn with the same memory
METAL = ("MTL", "Metal")  # how ggml's names of a Mac's GPU begin, which it calls a GPU with memory of its own
CGROUP = Path("/sys/fs/cgroup")


def free_memory(limit_bytes: int | None = None) -> Memory:
    """What models may take now, within a limit. Asks the GPUs, where there are any, which takes half a second."""
    return as_memory(free_ram(), find_devices()).within(limit_bytes)


def as_memory(ram: int, devices: tuple[Device, ...]) -> Memory:
    """RAM and the GPUs' memory in one; an integrated GPU's, and a Mac's, comes out of the RAM.

    llama.cpp deals layers out to several GPUs as memory is free on each, so the first to be full is the end of all.
    """
    used = [d for d in devices if d.kind == "gpu"] or list(
        devices
    )  # with others, it leaves integrated ones alone
    if not used:
        return Memory(ram)
    shares_ram = any(d.kind == "igpu" or d.name.startswith(METAL) for d in used)
    free = sum(d.free_bytes for d in used)
    smallest = min(d.free_bytes for d in used)
    if smallest <= DEVICE_HEADROOM_BYTES:
        return Memory(ram, 0, shares_ram)
    usable = min(free * (d.free_bytes - DEVICE_HEADROOM_BYTES) // d.free_bytes for d in used)
    return Memory(ram, usable, shares_ram, num_shares=-(-free // smallest))


def free_ram() -> int:
    """Bytes of RAM that may be taken without freezing the desktop; of the container where we run in one."""
    memory = psutil.virtual_memory()
    headroom = min(max(memory.total // 10, MIN_HEADROOM_BYTES), MAX_HEADROOM_BYTES)
    return max(0, min(memory.available, container_free(CGROUP, memory.available)) - headroom)


def container_free(cgroup: Path, otherwise: int) -> int:
    """What the memory limit of our control group (Docker's `-m`) leaves; `otherwise` where there is no limit."""
    try:
        limit = int((cgroup / "memory.max").read_text())
        used = int((cgroup / "memory.current").read_text())
        statistics = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):  # "max" is no number
        return otherwise
    return max(0, limit - used + int(statistics.get("inactive_file", 0)))
