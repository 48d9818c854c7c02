"""`localllm fit [MODEL]`: which models fit into this computer's memory, and how."""

from __future__ import annotations

import sys
from typing import Any

import click

from localllm import errors
from localllm.cli.output import json_option, print_json, print_table, size
from localllm.models import memory
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.gguf import read_parts
from localllm.models.machine import free_memory
from localllm.models.memory import Memory
from localllm.models.pull import OVERHEAD
from localllm.models.sources import find_file, has_file
from localllm.paths import Paths, user_paths


@click.command("fit")
@click.argument("model", required=False)
@json_option
def command(model: str | None, as_json: bool) -> None:
    """Show which models fit into memory, before loading them."""
    paths = user_paths()
    catalog = Catalog(paths.catalog)
    entries = catalog.entries if model is None else (catalog.find(model),)
    free = free_memory()
    rows = [judge(entry, paths, free) for entry in entries]
    if as_json:
        print_json({"free_ram_bytes": free.ram, "free_device_bytes": free.on_devices, "models": rows})
    else:
        _print(rows, free)
    if model is not None and not rows[0]["fits"]:
        sys.exit(1)


def judge(entry: Entry, paths: Paths, free: Memory) -> dict[str, Any]:
    """Needs and verdict of one model. A model that is not here is judged by the size of its download alone."""
    row: dict[str, Any] = {"id": entry.id, "fits": None, "needs_bytes": None, "n_ctx": None, "note": ""}
    if not has_file(entry, paths):
        needs = int(entry.size_bytes * OVERHEAD)
        fits = needs < free.ram + (free.on_devices or 0) if needs else None
        return row | {"fits": fits, "needs_bytes": needs or None, "note": "not on this computer"}
    try:
        headers = read_parts(find_file(entry, paths))
    except errors.ModelLoadFailed as e:
        return row | {"note": e.message}
    n_ctx = memory.wanted_n_ctx(headers[0], entry)
    needed = memory.needs(headers, entry, n_ctx)
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
        "note": plan.note if plan else "",
    }
    return row


def _print(rows: list[dict[str, Any]], free: Memory) -> None:
    gpu = "" if free.on_devices is None else f", {size(free.on_devices)} on the GPU"
    click.echo(f"Free for models: {size(max(0, free.ram))} of RAM{gpu}\n")
    print_table(
        ("ID", "FITS", "NEEDS", "CONTEXT", "LARGEST CONTEXT", "GPU LAYERS", "NOTE"), [_cells(r) for r in rows]
    )


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    is_here = "num_layers" in row
    fits = {True: "yes", False: "no", None: "?"}[row["fits"]]
    needs = size(row["needs_bytes"]) if row["needs_bytes"] else "-"
    return (
        row["id"],
        fits,
        needs if is_here or needs == "-" else f"about {needs}",
        str(row["n_ctx"] or "-"),
        str(row.get("largest_n_ctx") or "-"),
        f"{row['n_gpu_layers']} of {row['num_layers']}" if is_here else "-",
        row["note"],
    )
