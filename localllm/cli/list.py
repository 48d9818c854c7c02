"""`localllm list`: the models of the catalog, with what is known of their files."""

from __future__ import annotations

from typing import Any

import click

from localllm import errors
from localllm.cli.output import json_option, print_json, print_table, size
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.gguf import Gguf, read_gguf
from localllm.models.sources import HubFile, find_file, parse_source
from localllm.paths import Paths, user_paths


@click.command("list")
@json_option
def command(as_json: bool) -> None:
    """Show the models of the catalog."""
    paths = user_paths()
    catalog = Catalog(paths.catalog)
    rows = [describe(entry, paths) for entry in catalog.entries]
    if as_json:
        print_json({"models": rows, "catalog": str(paths.catalog), "error": catalog.error})
        return
    print_table(("ID", "NAME", "STATE", "SIZE", "QUANT", "CONTEXT"), [_cells(row) for row in rows])
    if catalog.error:
        click.echo(f"\n{catalog.error}", err=True)


def describe(entry: Entry, paths: Paths) -> dict[str, Any]:
    """What a script may want to know of one model. State: ready, not downloaded, missing or broken."""
    row: dict[str, Any] = {
        "id": entry.id,
        "name": entry.display_name,
        "aliases": list(entry.aliases),
        "kind": entry.kind,
        "source": entry.source,
        "description": entry.description,
        "state": "ready",
        "path": None,
        "size_bytes": entry.size_bytes or None,
        "quant": None,
        "architecture": None,
        "context_length": None,
    }
    try:
        path = find_file(entry, paths)
        return row | {"path": str(path)} | _from_header(read_gguf(path))
    except errors.ModelNotFound:
        is_remote = isinstance(parse_source(entry.source), HubFile)
        return row | {"state": "not downloaded" if is_remote else "missing"}
    except errors.ModelLoadFailed as e:
        return row | {"state": "broken", "problem": e.message}


def _from_header(header: Gguf) -> dict[str, Any]:
    return {
        "size_bytes": header.file_bytes,
        "quant": header.quant,
        "architecture": header.architecture,
        "context_length": header.get("context_length"),
    }


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    context = row["context_length"]
    return (
        row["id"],
        row["name"],
        row["state"],
        size(row["size_bytes"]) if row["size_bytes"] else "-",
        row["quant"] or "-",
        str(context) if context else "-",
    )
