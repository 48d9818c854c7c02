"""Where a model's file is: `builtin:guide`, a file path, or `hf:owner/repo/file.gguf`.

Turns the `source` of an entry into a file on this machine, or into an error that says how to get it. Opens no file
and downloads nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from localllm import errors, facts
from localllm.models.entry import Entry
from localllm.models.gguf import shard_paths
from localllm.paths import PACKAGE_DIR, Paths

BUILTIN = {facts.GUIDE: facts.GUIDE_FILE}
PART, PART_STATE = ".part", ".part.json"  # beside a file that is being downloaded
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")


@dataclass(frozen=True)
class Builtin:
    """A model inside the package."""

    name: str


@dataclass(frozen=True)
class LocalFile:
    """A file that lies on this machine already and belongs to the user."""

    path: Path


@dataclass(frozen=True)
class HubFile:
    """A file in a repository of the Hugging Face hub. `file` may lie in folders: `Q4/model.gguf`."""

    owner: str
    repo: str
    file: str

    @property
    def repo_id(self) -> str:
        return f"{self.owner}/{self.repo}"

    @property
    def uri(self) -> str:
        """As it is written in the catalog."""
        return f"hf:{self.repo_id}/{self.file}"

    def shards(self) -> tuple[str, ...]:
        """All files of the model: one, or every `-0000i-of-0000n.gguf` of a split one."""
        return tuple(path.as_posix() for path in shard_paths(PurePosixPath(self.file)))

    def local_path(self, models: Path, file: str | None = None) -> Path:
        """Where the file (or another shard of it) is kept once downloaded."""
        return models.joinpath(self.owner, self.repo, *PurePosixPath(file or self.file).parts)

    def leftovers(self, models: Path) -> list[Path]:
        """What an unfinished download of it has left on the disk."""
        paths = [self.local_path(models, file) for file in self.shards()]
        names = [path.with_name(path.name + end) for path in paths for end in (PART, PART_STATE)]
        return [path for path in names if path.exists()]


@dataclass(frozen=True)
class Elsewhere:
    """No file: another server runs the model."""


Source = Builtin | LocalFile | HubFile | Elsewhere


@lru_cache(maxsize=1024)
def parse_source(text: str) -> Source:
    """Raises CatalogError for what is no source, or would leave the models folder."""
    if not text:
        return Elsewhere()
    scheme, separator, rest = text.partition(":")
    if separator and scheme == "builtin":
        if rest not in BUILTIN:
            raise errors.CatalogError(f'There is no built-in model "{rest}"; there is {", ".join(BUILTIN)}.')
        return Builtin(rest)
    if separator and scheme == "hf":
        return parse_hub(rest)
    if not text.strip() or (separator and len(scheme) > 1 and scheme.isalpha() and rest.startswith("//")):
        raise errors.CatalogError(
            f'"{text}" is no source: use builtin:guide, the path of a GGUF file, or hf:owner/repo/file.gguf.'
        )
    return LocalFile(Path(text))


def parse_hub(text: str) -> HubFile:
    """`owner/repo/file.gguf` (without `hf:`). Raises CatalogError."""
    parts = text.split("/")
    if len(parts) < 3 or not all(_PART.fullmatch(p) and ".." not in p for p in parts):
        raise errors.CatalogError(f'"hf:{text}" is no file of the hub: write hf:owner/repo/file.gguf.')
    if not text.lower().endswith(".gguf"):
        raise errors.CatalogError(f'"hf:{text}" does not end in .gguf; localllm runs GGUF files only.')
    return HubFile(parts[0], parts[1], "/".join(parts[2:]))


def parse_repo(text: str) -> tuple[str, str]:
    """`owner/repo` (without `hf:`). Raises CatalogError."""
    owner, _, repo = text.partition("/")
    if not (_PART.fullmatch(owner) and _PART.fullmatch(repo)):
        raise errors.CatalogError(f'"hf:{text}" is no repository of the hub: write hf:owner/repo.')
    return owner, repo


def source_path(source: Source, paths: Paths) -> Path:
    """The (first) file that the source means, whether it exists or not."""
    match source:
        case Builtin(name):
            return PACKAGE_DIR / BUILTIN[name]
        case LocalFile(path):
            return path if path.is_absolute() else (paths.catalog.parent / path.expanduser())
        case HubFile():
            return source.local_path(paths.models)
        case Elsewhere():
            raise errors.ModelNotFound("This model is run by another server: there is no file of it here.")


def find_file(entry: Entry, paths: Paths) -> Path:
    """The file to load. Raises ModelNotFound that says what is missing and how to get it."""
    source = parse_source(entry.source)
    path = source_path(source, paths)
    if isinstance(source, HubFile):
        missing = [f for f in source.shards() if not source.local_path(paths.models, f).is_file()]
        if missing:
            raise errors.ModelNotFound(
                f'The model "{entry.id}" is not downloaded yet: run `localllm pull {entry.id}`.',
                param="model",
            )
    elif not path.is_file():
        raise errors.ModelNotFound(
            f'The file of the model "{entry.id}" is not there: {path}. Put it back or edit {paths.catalog}.',
            param="model",
        )
    return path


def has_file(entry: Entry, paths: Paths) -> bool:
    """True where the model can be loaded without a download."""
    try:
        find_file(entry, paths)
    except (errors.ModelNotFound, errors.CatalogError):
        return False
    return True
