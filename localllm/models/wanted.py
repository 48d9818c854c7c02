"""What a person means by a name to download: a model of the catalog, or a file or repository of the hub.

`ID`, `hf:owner/repo/file.gguf`, `hf:owner/repo:Q4_K_M` or `hf:owner/repo`; the `hf:` may be left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import PurePosixPath

from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.hub import Hub
from localllm.models.memory import Memory
from localllm.models.pull import choose_file, of_quant, quant_of
from localllm.models.sources import HubFile, parse_hub, parse_repo


def wanted(
    name: str, catalog: Catalog, hub: Hub, measure: Callable[[], Memory], model_id: str | None = None
) -> Entry:
    """The catalog's entry, or a new one that is not in the catalog yet.

    Where no quantization is named, chooses the one that fits into RAM and GPUs as `measure` says they are. Raises
    ModelNotFound, CatalogError, DownloadFailed.
    """
    text = name.removeprefix("hf:")
    known = next((e for e in catalog.entries if name in e.names), None)
    if known is not None or (text == name and "/" not in name):
        return known or catalog.find(name)
    if text.lower().endswith(".gguf"):
        source = parse_hub(text)
    else:
        repo_id, _, quant = text.partition(":")
        owner, repo = parse_repo(repo_id)
        files = hub.list_files(owner, repo)
        file = of_quant(files, quant) if quant else choose_file(files, measure().together)
        source = HubFile(owner, repo, file)
    known = next((e for e in catalog.entries if e.source == source.uri), None)
    return known or Entry(id=model_id or new_id(source, catalog), source=source.uri)


def new_id(source: HubFile, catalog: Catalog) -> str:
    """An id that is free: "qwen3-4b" for Qwen3-4B-Q4_K_M.gguf; with the quantization where another model has that."""
    short = _id_of(source)
    taken = {name for entry in catalog.entries for name in entry.names}
    longer = (
        f"{short}{end}"
        for end in ("", f"-{quant_of(source.file).lower() or '2'}", f"-{source.owner.lower()}")
    )
    free = next((model_id for model_id in longer if model_id not in taken), None)
    return free or next(f"{short}-{n}" for n in itertools.count(2) if f"{short}-{n}" not in taken)


def _id_of(source: HubFile) -> str:
    stem = PurePosixPath(source.file).name.removesuffix(".gguf").split("-00001-of-")[0]
    return stem.removesuffix(quant_of(source.file)).rstrip("-._").lower() or source.repo.lower()
