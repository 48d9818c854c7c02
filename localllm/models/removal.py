"""Removes what was downloaded of a model, and nothing that belongs to the user or that another entry uses."""

from __future__ import annotations

from pathlib import Path

from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.sources import HubFile, parse_source
from localllm.paths import Paths


def downloaded_files(entry: Entry, catalog: Catalog, paths: Paths) -> list[Path]:
    """The files that may be deleted with this entry; none where another entry has the same source."""
    source = parse_source(entry.source)
    if not isinstance(source, HubFile) or any(
        other.source == entry.source for other in catalog.entries if other.id != entry.id
    ):
        return []
    files = [source.local_path(paths.models, file) for file in source.shards()]
    return [path for path in files if path.exists()]


def delete(files: list[Path]) -> int:
    """Delete the files; how many bytes that freed."""
    num_bytes = sum(path.stat().st_size for path in files)
    for path in files:
        path.unlink()
    return num_bytes
