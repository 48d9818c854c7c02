"""`localllm fit [MODEL]`: which models fit into this computer's memory, and how."""

from __future__ import annotations

import sys
from typing import Any

import click

from localllm.cli.output import json_option, print_json, print_table, size
from localllm.config import load_config
from localllm.models.catalog import Catalog
from localllm.models.fit import judge
from localllm.models.machine import free_memory
from localllm.models.memory import Memory
from localllm.paths import user_paths


@click.command("fit")
@click.argument("model", required=False)
@json_option
def command(model: str | None, as_json: bool) -> None:
    """Show which models fit into memory, before loading them."""
    paths = user_paths()
    catalog = Catalog(paths.catalog)
    entries = catalog.entries if model is None else (catalog.find(model),)
    free = free_memory(load_config(paths).memory_limit_bytes or None)
    rows = [judge(entry, paths, free) for entry in entries]
    if as_json:
        print_json({"free_ram_bytes": free.ram, "free_device_bytes": free.on_devices, "models": rows})
    else:
        _print(rows, free)
    if model is not None and not rows[0]["fits"]:
        sys.exit(1)


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
