"""`localllm add PATH --id ID`: a GGUF file that lies on this computer already, used where it lies."""

from __future__ import annotations

from pathlib import Path

import click

from localllm.cli.output import json_option, print_json, size
from localllm.models.catalog import Catalog
from localllm.models.own_file import entry_of_file
from localllm.paths import user_paths


@click.command("add")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--id", "model_id", required=True, help="The name in the API.")
@click.option("--name", default="", help="The name that people see.")
@json_option
def command(path: Path, model_id: str, name: str, as_json: bool) -> None:
    """Put a GGUF file of yours into the catalog; it is used where it lies."""
    paths = user_paths()
    entry, header = entry_of_file(path.expanduser().absolute(), model_id, name)
    Catalog(paths.catalog).add(entry)
    if as_json:
        print_json(
            {"id": entry.id, "source": entry.source, "name": entry.name, "catalog": str(paths.catalog)}
        )
        return
    click.echo(f'Added "{model_id}" ({header.architecture}, {header.quant}, {size(header.file_bytes)}).')
    click.echo(f'Talk to it: localllm chat --model {model_id} "Hello"')
