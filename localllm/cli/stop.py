"""`localllm stop MODEL`: the running server unloads a model and gives its memory back."""

from __future__ import annotations

import click

from localllm.cli.output import json_option, print_json
from localllm.cli.running import ask


@click.command("stop")
@click.argument("model")
@click.option("--port", type=int, help="Port of the server; the settings' port otherwise.")
@json_option
def command(model: str, port: int | None, as_json: bool) -> None:
    """Unload a model from memory; its running answers end with an error."""
    ask("/models/unload", {"model": model}, port=port)
    if as_json:
        print_json({"unloaded": model})
    else:
        click.echo(f'"{model}" is unloaded.')
