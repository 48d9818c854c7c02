"""`localllm ps`: which models the running server has in memory, how much they take, and until when."""

from __future__ import annotations

from typing import Any

import click

from localllm import facts
from localllm.cli.output import json_option, print_json, print_table, size
from localllm.cli.running import ask


@click.command("ps")
@click.option("--port", type=int, help="Port of the server; the settings' port otherwise.")
@json_option
def command(port: int | None, as_json: bool) -> None:
    """Show which models are in memory."""
    rows: list[dict[str, Any]] = ask(facts.HEALTH, port=port)["loaded"]
    if as_json:
        print_json({"loaded": rows})
    elif not rows:
        click.echo("No model is in memory; the first request loads one.")
    else:
        print_table(
            ("ID", "STATE", "REQUESTS", "RAM", "GPU", "CONTEXT", "UNLOADED IN"), [_cells(r) for r in rows]
        )
        for row in rows:
            if row["note"]:
                click.echo(f"\n{row['id']}: {row['note']}")


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    expires_s = row["expires_s"]
    until = "pinned" if row["pinned"] else "never" if expires_s is None else f"{round(expires_s)} s"
    return (
        row["id"],
        row["status"],
        str(row["num_users"]),
        size(row["ram_bytes"]),
        size(row["device_bytes"]) if row["device_bytes"] else "-",
        str(row["n_ctx"]),
        "in use" if row["num_users"] else until,
    )
