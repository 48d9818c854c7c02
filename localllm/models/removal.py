"""Removes what was downloaded of a model, and nothing that belongs to the user or that another entry uses."""

from __future__ import annotations

import contextlib
from pathlib import Path

from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.sources import HubFile, parse_source
from localllm.paths import Paths


def downloaded_files(entry: Entry, catalog: Catalog, paths: Paths) -> list[Path]:
    """The files that may be deleted with this entry; none where another entry has the same source."""
    source = _own_download(entry, catalog)
    if source is None:
        return []
    files = [source.local_path(paths.models, file) for file in source.shards()]
    return [path for path in files if path.exists()]


def unfinished_files(entry: Entry, catalog: Catalog, paths: Paths) -> list[Path]:
    """What is left of a download that was stopped; none where another entry has the same source."""
    source = _own_download(entry, catalog)
    return source.leftovers(paths.models) if source is not None else []


def delete(files: list[Path]) -> int:
    """Delete the files, and folders that are empty then; how many bytes that freed."""
    num_bytes = sum(path.stat().st_size for path in files)
    for path in files:
        path.unlink()
    for path in files:
        for folder in path.parents[:2]:
            with contextlib.suppress(OSError):  # not empty, or gone already
                folder.rmdir()
    return num_bytes


def _own_download(entry: Entry, catalog: Catalog) -> HubFile | None:
    """The file of the hub that this entry and no other means."""
    if entry.is_forwarded or any(e.source == entry.source for e in catalog.entries if e.id != entry.id):
        return None
    source = parse_source(entry.source)
    return source if isinstance(source, HubFile) else None
