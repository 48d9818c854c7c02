"""`localllm install-desktop`: an entry with an icon in the menu of a Linux desktop; `--remove` takes it away."""

from __future__ import annotations

import os
import sys

import click

from localllm import errors
from localllm.desktop import entry


@click.command("install-desktop")
@click.option("--remove", is_flag=True, help="Take the entry and the icon away again.")
def command(remove: bool) -> None:
    """Put localllm into the menu of a Linux desktop."""
    if sys.platform in ("win32", "darwin"):
        wrapper = "localllm.bat" if sys.platform == "win32" else "localllm.command"
        raise errors.ConfigError(
            f"install-desktop is for Linux desktops. Here, double-click packaging/{wrapper}, or the built program."
        )
    share = entry.share_folder(os.environ)
    try:
        files = entry.remove(share) if remove else entry.install(share, entry.own_program())
    except OSError as e:
        raise errors.ConfigError(
            f"{e.filename or share} cannot be written: {e.strerror or e}. Make it writable and say it again."
        ) from e
    for file in files:
        click.echo(f"{'Removed' if remove else 'Wrote'} {file}")
    if remove:
        click.echo("localllm is not in the menu any more." if files else "There was no entry.")
    else:
        click.echo("localllm is in the menu now; some desktops show it after the next login.")
