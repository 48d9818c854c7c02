"""The memory there is for models, and how a model is fitted into it: on which devices, with how long a context.

Knows no process and asks no system: what the machine has comes in as `Memory` (machine.py measures it), what a model
needs from estimate.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from localllm.models import estimate
from localllm.models.entry import Entry
from localllm.models.estimate import Needs
from localllm.models.gguf import Gguf

MIN_AUTO_N_CTX = 2048


@dataclass(frozen=True)
class Plan:
    """How a model is loaded, and what it will take. `device_bytes`: on GPUs of this computer."""

    n_ctx: int
    n_gpu_layers: int
    ram_bytes: int
    device_bytes: int
    note: str = ""
    worker_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        return self.ram_bytes + self.device_bytes


@dataclass(frozen=True)
class Memory:
    """Bytes that may be used. `on_devices`: of the GPUs together, None where there are none.

    shares_ram: the GPU has no memory of its own and takes it from the RAM. on_workers: of the other computers that
    hold layers of the one model in question. num_shares: how many times the smallest GPU's memory all GPUs have, by
    which llama.cpp deals out layers; 1 with one GPU.
    """

    ram: int
    on_devices: int | None = None
    shares_ram: bool = False
    on_workers: int = 0
    num_shares: int = 1

    @property
    def together(self) -> int:
        """RAM and GPUs, each byte once: what a model may take of which only the size is known."""
        return self.ram if self.shares_ram else self.ram + (self.on_devices or 0)

    @property
    def for_layers(self) -> int | None:
        """Where layers can go but into RAM: GPUs and workers together; None where there is neither."""
        if self.on_devices is None:
            return self.on_workers or None
        return self.on_devices + self.on_workers

    def share_of_workers(self, layer_bytes: int) -> int:
        """How much of the layers goes to the workers: llama.cpp deals them out as memory is free."""
        return layer_bytes * self.on_workers // self.for_layers if self.for_layers else 0

    def less(self, plans: Sequence[Plan]) -> Memory:
        """What is left when these plans are carried out."""
        return self._changed(-1, plans)

    def plus(self, plans: Sequence[Plan]) -> Memory:
        """What there is when what these plans took comes back."""
        return self._changed(1, plans)

    def within(self, limit_bytes: int | None) -> Memory:
        """No more than the limit of each kind; None: no limit."""
        if limit_bytes is None:
            return self
        on_devices = None if self.on_devices is None else min(self.on_devices, limit_bytes)
        return replace(self, ram=min(self.ram, limit_bytes), on_devices=on_devices)

    def smaller(self, other: Memory) -> Memory:
        """The smaller of the two, kind by kind."""
        return self._merged(other, min)

    def larger(self, other: Memory) -> Memory:
        """The larger of the two, kind by kind."""
        return self._merged(other, max)

    def _merged(self, other: Memory, choose: Callable[[int, int], int]) -> Memory:
        on_devices = None
        if self.on_devices is not None and other.on_devices is not None:
            on_devices = choose(self.on_devices, other.on_devices)
        num_shares = max(self.num_shares, other.num_shares)
        return Memory(choose(self.ram, other.ram), on_devices, self.shares_ram, num_shares=num_shares)

    def _changed(self, sign: int, plans: Sequence[Plan]) -> Memory:
        on_devices = sum(p.device_bytes for p in plans)
        ram = sum(p.ram_bytes for p in plans) + (on_devices if self.shares_ram else 0)
        devices = None if self.on_devices is None else self.on_devices + sign * on_devices
        return replace(self, ram=self.ram + sign * ram, on_devices=devices)


def plan(headers: Sequence[Gguf], entry: Entry, memory: Memory) -> Plan | None:
    """The best way to load the model into `memory`, or None where there is none.

    As many layers as fit go to the GPUs. The context is lowered only where the entry leaves it to us.
    """
    wanted = estimate.wanted_n_ctx(headers[0], entry)
    n_ctx = wanted
    while True:
        found = _plan_layers(estimate.needs(headers, entry, n_ctx), entry, memory)
        if found is not None:
            lowered = f"The context was lowered from {wanted} to {n_ctx} tokens, so that the model fits into memory."
            return replace(found, n_ctx=n_ctx, note=lowered if n_ctx < wanted else "")
        is_bidirectional = estimate.is_bidirectional(headers[0])
        least = estimate.MIN_BIDIRECTIONAL_N_CTX if is_bidirectional else MIN_AUTO_N_CTX
        if entry.n_ctx != "auto" or n_ctx <= least:
            return None
        n_ctx = max(n_ctx // 2, least)


def largest_n_ctx(headers: Sequence[Gguf], entry: Entry, memory: Memory) -> int | None:
    """The longest context (in steps of 256) with which the model fits, or None where none does."""
    low, high = 0, (estimate.n_ctx_train(headers[0]) or estimate.DEFAULT_N_CTX) // estimate.CTX_PADDING
    while low < high:
        middle = (low + high + 1) // 2
        needed = estimate.needs(headers, entry, middle * estimate.CTX_PADDING)
        fits = _plan_layers(needed, entry, memory) is not None
        low, high = (middle, high) if fits else (low, middle - 1)
    return low * estimate.CTX_PADDING or None


def _plan_layers(needed: Needs, entry: Entry, memory: Memory) -> Plan | None:
    most = len(needed.layers) + 1
    if memory.for_layers is None:  # no GPU, or none that would tell: llama.cpp decides
        own = -1 if entry.n_gpu_layers == "auto" else entry.n_gpu_layers
        return Plan(needed.n_ctx, own, needed.total, 0) if needed.total <= memory.ram else None
    if entry.n_gpu_layers == "auto":
        candidates = list(range(most, -1, -1))
    else:
        candidates = [most if entry.n_gpu_layers < 0 else min(entry.n_gpu_layers, most)]
    for n_gpu_layers in candidates:
        ram, on_devices = needed.in_ram(n_gpu_layers), needed.on_devices(n_gpu_layers)
        on_workers = memory.share_of_workers(on_devices)
        on_gpus = on_devices - on_workers + (needed.uneven(memory.num_shares) if on_devices else 0)
        in_main_memory = ram + on_gpus if memory.shares_ram else ram
        if in_main_memory <= memory.ram and on_gpus + on_workers <= memory.for_layers:
            return Plan(needed.n_ctx, n_gpu_layers, ram, on_gpus, worker_bytes=on_workers)
    return None
