"""`localllm rm ID`: remove a model. Files that localllm downloaded are deleted; yours are left where they are."""

from __future__ import annotations

import click

from localllm.cli.output import json_option, print_json, size
from localllm.models.catalog import Catalog
from localllm.models.removal import delete, downloaded_files, unfinished_files
from localllm.paths import user_paths


@click.command("rm")
@click.argument("model")
@click.option("--keep-entry", is_flag=True, help="Delete the download only; the model stays in the catalog.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@json_option
def command(model: str, keep_entry: bool, yes: bool, as_json: bool) -> None:
    """Remove a model; deletes only what localllm downloaded itself."""
    paths = user_paths()
    catalog = Catalog(paths.catalog)
    entry = catalog.find(model)
    files = [*downloaded_files(entry, catalog, paths), *unfinished_files(entry, catalog, paths)]
    num_bytes = sum(path.stat().st_size for path in files)
    if not yes:
        what = f"delete {size(num_bytes)} and " if files else ""
        click.confirm(f'Really {what}remove "{entry.id}"?', abort=True, err=True)
    delete(files)
    if not keep_entry:
        catalog.remove(entry.id)
    if as_json:
        print_json({"id": entry.id, "deleted": [str(p) for p in files], "bytes": num_bytes})
        return
    click.echo(f'Removed "{entry.id}"{f", {size(num_bytes)} freed" if files else ""}.')
