"""`localllm add PATH --id ID`: a GGUF file that lies on this computer already, used where it lies."""

from __future__ import annotations

import re
from pathlib import Path

import click

from localllm import errors
from localllm.cli.output import json_option, print_json, size
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry, Kind
from localllm.models.gguf import Gguf, check_complete, read_gguf
from localllm.paths import user_paths

POOLING_RANK = 4  # llama.cpp's pooling type of rerankers
_LATER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}\.gguf$")


@click.command("add")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--id", "model_id", required=True, help="The name in the API.")
@click.option("--name", default="", help="The name that people see.")
@json_option
def command(path: Path, model_id: str, name: str, as_json: bool) -> None:
    """Put a GGUF file of yours into the catalog; it is used where it lies."""
    path = path.expanduser().absolute()
    header = checked_header(path)
    paths = user_paths()
    name = name or str(header.metadata.get("general.name") or "")
    entry = Entry(id=model_id, source=str(path), name=name, kind=kind_of(header))
    Catalog(paths.catalog).add(entry)
    if as_json:
        print_json(
            {"id": entry.id, "source": entry.source, "name": entry.name, "catalog": str(paths.catalog)}
        )
        return
    click.echo(f'Added "{model_id}" ({header.architecture}, {header.quant}, {size(header.file_bytes)}).')
    click.echo(f'Talk to it: localllm chat --model {model_id} "Hello"')


def checked_header(path: Path) -> Gguf:
    """The header of a file that can be loaded. Raises NotFound or ModelLoadFailed that says what is wrong."""
    if not path.is_file():
        raise errors.NotFound(f"There is no file {path}.")
    if _LATER_PART.search(path.name):
        raise errors.ModelLoadFailed(f"{path} is a later part of a split model: add the part 00001 instead.")
    header = read_gguf(path)
    check_complete(header)
    if not header.tensors:
        raise errors.ModelLoadFailed(f"{path} holds no weights, only metadata: it cannot answer.")
    return header


def kind_of(header: Gguf) -> Kind:
    """Whether the file's model writes text, gives vectors or gives scores."""
    pooling = header.get("pooling_type")
    if pooling == POOLING_RANK:
        return "reranking"
    return "embedding" if pooling else "chat"
