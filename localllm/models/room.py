"""Makes room: plans a model into memory, chooses who has to leave for it, and says so when nothing helps.

Decides only; the loader acts. Knows no process and no thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

import msgspec

from localllm import errors
from localllm.models import estimate, memory
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.gguf import read_parts
from localllm.models.ledger import Ledger
from localllm.models.memory import Memory, Plan
from localllm.models.place import Place
from localllm.models.sources import find_file, has_file
from localllm.paths import Paths

GB = 1e9


@dataclass(frozen=True)
class Choice:
    """How a model will be loaded: at once, or when the memory of `victims` and of those that leave already is free."""

    plan: Plan
    is_free: bool
    victims: tuple[Place, ...] = ()


def make_plan(entry: Entry, paths: Paths, free: Memory, draft: Entry | None = None) -> Plan | None:
    """How to load the entry's file into `free`, or None; a draft model is loaded beside it and counted with it.

    Raises ModelNotFound, ModelLoadFailed.
    """
    headers = read_parts(find_file(entry, paths))
    if draft is None:
        return memory.plan(headers, entry, free)
    beside = _draft_plan(draft, paths, free, estimate.wanted_n_ctx(headers[0], entry))
    plan = memory.plan(headers, entry, free.less([beside]))
    if plan is None:
        return None
    ram, on_devices = plan.ram_bytes + beside.ram_bytes, plan.device_bytes + beside.device_bytes
    return replace(plan, ram_bytes=ram, device_bytes=on_devices)


def _draft_plan(draft: Entry, paths: Paths, free: Memory, n_ctx: int) -> Plan:
    """A draft model's bytes: all on the GPU where there is one, for one sequence as long as the model's."""
    alone = msgspec.structs.replace(draft, n_parallel=1)
    needed = estimate.needs(read_parts(find_file(draft, paths)), alone, n_ctx)
    total = needed.total - needed.process - needed.checkpoints
    if free.on_devices is None:
        return Plan(n_ctx, -1, total, 0)
    return Plan(n_ctx, -1, 0, total + needed.uneven(free.num_shares))


def choose(
    make: Callable[[Memory], Plan | None],
    ledger: Ledger,
    measured: Memory,
    loaded: Collection[Place],
    *,
    may_drain: bool,
) -> Choice | None:
    """The plan and the fewest of the `loaded` that have to leave for it, idle and least recently used ones first.

    may_drain: those in use may be chosen too (to leave when their requests have ended). None: not even without all
    that may leave now.
    """
    closing = [p for p in ledger.holders if p.is_closed]
    leaving = [p for p in loaded if not p.entry.pinned and (p.is_idle or (may_drain and p.is_busy))]
    leaving.sort(key=lambda p: (p.num_users > 0, p.last_used))
    best = make(ledger.free(measured, [*closing, *leaving]))
    if best is None:
        return None
    for gone in ([], *([*closing, *leaving[:count]] for count in range(len(leaving) + 1))):
        plan = make(ledger.free(measured, gone))
        if plan is not None and (plan.n_ctx, plan.n_gpu_layers) == (best.n_ctx, best.n_gpu_layers):
            return Choice(plan, not gone, tuple(gone[len(closing) :]))
    return None


def leaves_room(
    plan: Plan,
    make: Callable[[Memory], Plan | None],
    ledger: Ledger,
    measured: Memory,
    loaded: Collection[Place],
) -> bool:
    """True where a model that waits can be loaded beside `plan` too, once those have left that leave for it anyway."""
    choice = choose(make, ledger, measured, loaded, may_drain=True)
    if choice is None:
        return False
    leaving = [p for p in ledger.holders if p.is_closed or p in choice.victims]
    return make(ledger.free(measured, leaving).less([plan])) is not None


def check_can_come(
    entry: Entry, make: Callable[[Memory], Plan | None], ledger: Ledger, measured: Memory
) -> None:
    """Raises NotReady where there would be no room if all had left but the pinned ones."""
    leaving = [p for p in ledger.holders if not p.entry.pinned or not p.load.done()]
    if make(ledger.free(measured, leaving)) is None:
        raise no_room_now(entry, ledger.free(measured))


def too_big(entry: Entry, paths: Paths, catalog: Catalog, capacity: Memory) -> errors.ModelLoadFailed:
    """What to tell when the model fits in no way: the numbers, and the nearest thing that fits."""
    headers = read_parts(find_file(entry, paths))
    n_ctx = estimate.wanted_n_ctx(headers[0], entry)
    needed = estimate.needs(headers, entry, n_ctx)
    there = f"{capacity.ram / GB:.1f} GB of memory"
    if capacity.on_devices is not None:
        there += f" and {capacity.on_devices / GB:.1f} GB on the GPU"
    if entry.rpc:
        there += f" and {capacity.on_workers / GB:.1f} GB on its workers"
    return errors.ModelLoadFailed(
        f'The model "{entry.id}" needs {needed.total / GB:.1f} GB with a context of {n_ctx} tokens, and this computer '
        f"has {there} for models. {_way_out(entry, paths, catalog, capacity)}",
        code="not_enough_memory",
    )


def no_room_now(entry: Entry, free: Memory) -> errors.NotReady:
    """What to tell when others than our models have taken the memory."""
    return errors.NotReady(
        f'There is not enough memory for the model "{entry.id}" at the moment: {max(0, free.ram) / GB:.1f} GB are free '
        "for models. Close other programs, or unload a pinned model with `localllm stop`.",
        code="not_enough_memory",
    )


def _way_out(entry: Entry, paths: Paths, catalog: Catalog, capacity: Memory) -> str:
    """The nearest thing that fits: the same model with less context, or the largest other one."""
    n_ctx = memory.largest_n_ctx(read_parts(find_file(entry, paths)), entry, capacity)
    if n_ctx is not None:
        return f"It fits with n_ctx = {n_ctx}: set that in {catalog.path}."
    fitting: list[tuple[int, str]] = []
    for other in catalog.entries:
        if other.id != entry.id and other.kind == entry.kind and has_file(other, paths):
            try:
                plan = make_plan(other, paths, capacity)
            except errors.LocalllmError:
                continue
            if plan is not None:
                fitting.append((plan.total_bytes, other.id))
    if fitting:
        return f'The largest model here that fits is "{max(fitting)[1]}".'
    return "Choose a smaller model or a stronger quantization; `localllm fit` shows what fits."
