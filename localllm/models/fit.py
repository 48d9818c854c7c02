"""Whether a model fits into memory, and how: the question of `localllm fit` and of the page. Loads nothing."""

from __future__ import annotations

from typing import Any

from localllm import errors
from localllm.models import estimate, memory
from localllm.models.entry import Entry
from localllm.models.gguf import read_parts
from localllm.models.memory import Memory
from localllm.models.pull import OVERHEAD
from localllm.models.sources import find_file, has_file
from localllm.paths import Paths


def judge(entry: Entry, paths: Paths, free: Memory) -> dict[str, Any]:
    """Needs and verdict of one model. A model that is not here is judged by the size of its download alone."""
    row: dict[str, Any] = {"id": entry.id, "fits": None, "needs_bytes": None, "n_ctx": None, "note": ""}
    if not has_file(entry, paths):
        needs = int(entry.size_bytes * OVERHEAD)
        fits = needs < free.together if needs else None
        note = "runs on another server" if entry.is_forwarded else "not on this computer"
        return row | {"fits": fits, "needs_bytes": needs or None, "note": note}
    try:
        headers = read_parts(find_file(entry, paths))
    except errors.ModelLoadFailed as e:
        return row | {"note": e.message}
    n_ctx = estimate.wanted_n_ctx(headers[0], entry)
    needed = estimate.needs(headers, entry, n_ctx)
    plan = memory.plan(headers, entry, free)
    row |= {
        "needs_bytes": needed.total,
        "weights_bytes": sum(header.weights_bytes for header in headers),
        "compute_bytes": needed.compute,
        "fits": plan is not None,
        "n_ctx": plan.n_ctx if plan else n_ctx,
        "largest_n_ctx": memory.largest_n_ctx(headers, entry, free),
        "num_layers": len(needed.layers),
        "n_gpu_layers": plan.n_gpu_layers if plan and free.on_devices is not None else 0,
        "note": "without its workers, whose memory is not asked here"
        if entry.rpc
        else plan.note
        if plan
        else "",
    }
    return row
