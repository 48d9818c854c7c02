"""`localllm paths`: where things are kept."""

from __future__ import annotations

import click

from localllm.cli.output import json_option, print_json, print_table
from localllm.paths import user_paths

NAMES = {
    "data": "Data folder",
    "catalog": "Models (edit this)",
    "settings": "Settings",
    "models": "Downloaded models",
    "cache": "Cache",
    "logs": "Logs",
}


@click.command("paths")
@json_option
def command(as_json: bool) -> None:
    """Show where localllm keeps things."""
    paths = user_paths()
    if as_json:
        print_json({name: str(getattr(paths, name)) for name in NAMES})
        return
    print_table(("What", "Where"), [(words, str(getattr(paths, name))) for name, words in NAMES.items()])
