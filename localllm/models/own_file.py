"""A GGUF file that lies on this computer already, as an entry of the catalog: it is used where it lies."""

from __future__ import annotations

import re
from pathlib import Path

from localllm import errors
from localllm.models.entry import Entry, Kind
from localllm.models.gguf import Gguf, check_complete, read_gguf

POOLING_RANK = 4  # llama.cpp's pooling type of rerankers
_LATER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}\.gguf$")


def entry_of_file(path: Path, model_id: str, name: str = "") -> tuple[Entry, Gguf]:
    """The entry, in no catalog yet, and the file's header. Raises NotFound or ModelLoadFailed."""
    header = checked_header(path)
    name = name or str(header.metadata.get("general.name") or "")
    return Entry(id=model_id, source=str(path), name=name, kind=kind_of(header)), header


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
