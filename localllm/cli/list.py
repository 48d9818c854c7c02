"""`localllm list`: the models of the catalog, with what is known of their files."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from localllm import errors, facts
from localllm.cli.output import json_option, print_json, print_table, size
from localllm.models.catalog import Catalog
from localllm.models.discover import Found, find_models
from localllm.models.entry import Entry
from localllm.models.gguf import Gguf, read_gguf
from localllm.models.sources import HubFile, find_file, parse_source
from localllm.paths import Paths, user_paths


@click.command("list")
@click.option("--found", is_flag=True, help="Show what other programs have on this computer instead.")
@click.option(
    "--in", "folders", multiple=True, type=click.Path(path_type=Path), help="With --found: look here too."
)
@json_option
def command(found: bool, folders: tuple[Path, ...], as_json: bool) -> None:
    """Show the models of the catalog."""
    if found:
        _print_found(find_models([f.expanduser().absolute() for f in folders]), as_json)
    else:
        _print_catalog(as_json)


def _print_catalog(as_json: bool) -> None:
    paths = user_paths()
    catalog = Catalog(paths.catalog)
    rows = [describe(entry, paths) for entry in catalog.entries]
    if as_json:
        print_json({"models": rows, "catalog": str(paths.catalog), "error": catalog.error})
        return
    print_table(("ID", "NAME", "STATE", "SIZE", "QUANT", "CONTEXT"), [_cells(row) for row in rows])
    if catalog.error:
        click.echo(f"\n{catalog.error}", err=True)


def _print_found(models: list[Found], as_json: bool) -> None:
    if as_json:
        print_json({"found": [asdict(model) | {"path": str(model.path)} for model in models]})
        return
    if not models:
        click.echo("No models of other programs were found; --in FOLDER looks in further places.")
        return
    rows = [(m.program, m.name, size(m.size_bytes), str(m.path)) for m in models]
    print_table(("PROGRAM", "NAME", "SIZE", "PATH"), rows)
    click.echo(f"\nUse one where it lies: {facts.ADD}")


def describe(entry: Entry, paths: Paths) -> dict[str, Any]:
    """What a script may want to know of one model. State: ready, forwarded, not downloaded, missing or broken."""
    row: dict[str, Any] = {
        "id": entry.id,
        "name": entry.display_name,
        "aliases": list(entry.aliases),
        "kind": entry.kind,
        "source": entry.source,
        "description": entry.description,
        "licence": entry.licence,
        "state": "ready",
        "path": None,
        "size_bytes": entry.size_bytes or None,
        "quant": None,
        "architecture": None,
        "context_length": None,
    }
    if entry.upstream is not None:
        where = [address.url for address in entry.upstream.addresses]
        return row | {"state": "forwarded", "forwarded_to": where}
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
