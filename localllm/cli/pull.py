"""`localllm pull ID|hf:owner/repo[/file]`: download a model, with progress, and go on where an earlier pull stopped."""

from __future__ import annotations

import contextlib
import sys
import time
from functools import partial

import click

from localllm import errors
from localllm.cli.output import json_option, print_json, size
from localllm.config import load_config
from localllm.models.catalog import Catalog
from localllm.models.hub import Hub
from localllm.models.machine import free_memory
from localllm.models.pull import Progress, Pull
from localllm.models.sources import HubFile, has_file, parse_source
from localllm.models.wanted import wanted
from localllm.paths import user_paths

BAR_WIDTH = 30
REDRAW_S = 0.2


@click.command("pull")
@click.argument("model")
@click.option("--id", "model_id", help="The name in the API for a model that is not in the catalog yet.")
@json_option
def command(model: str, model_id: str | None, as_json: bool) -> None:
    """Download a model of the catalog, or hf:owner/repo[/file.gguf] of the hub."""
    paths = user_paths()
    catalog = Catalog(paths.catalog)
    with contextlib.closing(Hub()) as hub:
        measure = partial(free_memory, load_config(paths).memory_limit_bytes or None)
        entry = wanted(model, catalog, hub, measure, model_id)
        source = parse_source(entry.source)
        if not isinstance(source, HubFile):
            where = entry.source or "another server"
            raise errors.DownloadFailed(f'"{entry.id}" is no download: its source is {where}.')
        was_there = has_file(entry, paths)
        if not as_json:
            click.echo(f"{source.repo_id}: {source.file}", err=True)
        bar = _Bar(entry.id, is_shown=not as_json and sys.stderr.isatty())
        try:
            path = Pull(hub, source, paths.models).run(bar.show)
        except KeyboardInterrupt:
            click.echo("\nStopped. The same command goes on with it.", err=True)
            sys.exit(130)
        finally:
            bar.end()
    if entry.id not in [e.id for e in catalog.entries]:
        catalog.add(entry)
    if as_json:
        print_json({"id": entry.id, "path": str(path), "downloaded": not was_there})
        return
    click.echo(f'"{entry.id}" is {"already " if was_there else ""}here: {path}')
    click.echo(f'Talk to it: localllm chat --model {entry.id} "Hello"')


class _Bar:
    """One line that is drawn again and again."""

    def __init__(self, name: str, *, is_shown: bool) -> None:
        self._name = name
        self._is_shown = is_shown
        self._drawn_at = 0.0

    def show(self, progress: Progress) -> None:
        now = time.monotonic()
        if not self._is_shown or now - self._drawn_at < REDRAW_S:
            return
        self._drawn_at = now
        click.echo(f"\r{self._name} {bar_text(progress)}\033[K", err=True, nl=False)

    def end(self) -> None:
        if self._is_shown:
            click.echo("\r\033[K", err=True, nl=False)


def bar_text(progress: Progress) -> str:
    """'[#####-----] 1.2 GB of 2.4 GB, 20.0 MB/s, 1 min 0 s left'."""
    share = progress.done_bytes / progress.total_bytes if progress.total_bytes else 0.0
    filled = int(share * BAR_WIDTH)
    text = f"[{'#' * filled}{'-' * (BAR_WIDTH - filled)}] {size(progress.done_bytes)} of {size(progress.total_bytes)}"
    if progress.left_s is None:
        return text
    minutes, seconds = divmod(round(progress.left_s), 60)
    left = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
    return f"{text}, {size(int(progress.bytes_per_s))}/s, {left} left"
