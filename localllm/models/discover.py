"""Finds GGUF models that other programs have on this computer already, so that nothing is downloaded twice.

Looks, read-only, where the Hugging Face cache, LM Studio, Ollama, llama.cpp, Jan and GPT4All keep them, and in
folders that the person names. Reads names and Ollama's manifests, never a model; a place that cannot be read is
passed over. Knows no catalog.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localllm.models.gguf import shard_paths

MAX_DEPTH = 8
MAX_MANIFEST_BYTES = 1 << 20
MIN_MODEL_BYTES = 1 << 20  # smaller ones are vocabularies for tests
OLLAMA_MODEL = "application/vnd.ollama.image.model"
UNTELLING = "model"  # Jan calls every file so, and names the folder
_LATER_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """A model file of another program. `name` is what that program calls it."""

    program: str
    name: str
    path: Path
    size_bytes: int


def find_models(
    folders: Sequence[Path] = (), environ: Mapping[str, str] | None = None, home: Path | None = None
) -> list[Found]:
    """Every model found, each file once. `folders`: further places to look in."""
    environ = os.environ if environ is None else environ
    home = home or Path.home()
    seen: set[Path] = set()
    found = []
    for model in _all(folders, environ, home):
        real = model.path.resolve()
        if real not in seen:
            seen.add(real)
            found.append(model)
    return found


def _all(folders: Sequence[Path], environ: Mapping[str, str], home: Path) -> Iterator[Found]:
    hub = Path(
        environ.get("HF_HUB_CACHE") or Path(environ.get("HF_HOME") or home / ".cache/huggingface") / "hub"
    )
    yield from _hugging_face(hub)
    for folder in _lm_studio_folders(home):
        yield from _files("LM Studio", folder)
    for folder in _ollama_folders(environ, home):
        yield from _ollama(folder)
    llama_cpp = Path(environ.get("LLAMA_CACHE") or _cache(environ, home) / "llama.cpp")
    yield from _files("llama.cpp", llama_cpp)
    settings, data = _settings(environ, home), _data(environ, home)
    for folder in (settings / "Jan" / "data", data / "Jan" / "data", home / "jan"):
        yield from _files("Jan", folder)
    yield from _files("GPT4All", data / "nomic.ai" / "GPT4All")
    for folder in folders:
        yield from _files(str(folder), folder)


# ── where they keep them ────────────────────────────────────────────────────────────────────────────────────


def _hugging_face(hub: Path) -> Iterator[Found]:
    """`models--owner--repo/snapshots/<commit>/file`, links into `blobs`."""
    for repo in _children(hub):
        if repo.name.startswith("models--"):
            owner_repo = "/".join(repo.name.split("--")[1:3])
            for model in _files("Hugging Face", repo / "snapshots"):
                yield Found(model.program, f"{owner_repo}/{model.path.name}", model.path, model.size_bytes)


def _lm_studio_folders(home: Path) -> Iterator[Path]:
    """Its own folder, which a file in the home folder names where it was moved, and the one for downloads."""
    moved = _text(home / ".lmstudio-home-pointer").strip()
    own = Path(moved) if moved else home / ".lmstudio"
    yield own / "models"
    try:
        chosen = json.loads(_text(own / "settings.json"))["downloadsFolder"]
    except (ValueError, LookupError, TypeError):
        chosen = None
    if isinstance(chosen, str) and chosen:
        yield Path(chosen)
    yield home / ".cache" / "lm-studio" / "models"


def _ollama_folders(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    if chosen := environ.get("OLLAMA_MODELS"):
        yield Path(chosen)
    yield home / ".ollama" / "models"
    if sys.platform == "linux":  # its service runs as a user of its own
        yield Path("/usr/share/ollama/.ollama/models")
        yield Path("/var/lib/ollama/.ollama/models")


def _ollama(models: Path) -> Iterator[Found]:
    """`manifests/<registry>/<owner>/<name>/<tag>` says which blob holds the weights."""
    for manifest in _walk(models / "manifests"):
        digest = _weights_digest(manifest)
        if digest is None:
            continue
        blob = models / "blobs" / digest.replace(":", "-")
        size = _size(blob)
        if size >= MIN_MODEL_BYTES:
            owner, name, tag = manifest.parts[-3:]
            shown = f"{name}:{tag}" if owner == "library" else f"{owner}/{name}:{tag}"
            yield Found("Ollama", shown, blob, size)


def _weights_digest(manifest: Path) -> str | None:
    """'sha256:…' of the model's layer, or None where the file is no manifest of a model."""
    try:
        if manifest.stat().st_size > MAX_MANIFEST_BYTES:
            return None
        layers = json.loads(manifest.read_bytes())["layers"]
        digest = next(layer["digest"] for layer in layers if layer["mediaType"] == OLLAMA_MODEL)
    except (OSError, ValueError, LookupError, TypeError, StopIteration):
        return None
    return digest if isinstance(digest, str) and re.fullmatch(r"sha256:[0-9a-f]{64}", digest) else None


def _files(program: str, folder: Path) -> Iterator[Found]:
    """GGUF files below a folder; of a split model the first part, with the size of all."""
    for path in _walk(folder):
        name = path.name.lower()
        if not name.endswith(".gguf") or "mmproj" in name or _LATER_PART.search(path.name):
            continue
        size = sum(_size(part) for part in shard_paths(path))  # the first may have metadata only
        if size >= MIN_MODEL_BYTES:
            shown = path.parent.name if path.stem.lower() == UNTELLING else path.stem
            yield Found(program, shown, path, size)


# ── the file system, without trusting it ────────────────────────────────────────────────────────────────────


def _walk(folder: Path, depth: int = MAX_DEPTH) -> Iterator[Path]:
    """All files below a folder; links to folders are not followed, so that there is no circle."""
    for path in _children(folder):
        try:
            is_folder = path.is_dir() and not path.is_symlink()
        except OSError:
            continue
        if is_folder and depth:
            yield from _walk(path, depth - 1)
        elif not is_folder:
            yield path


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _settings(environ: Mapping[str, str], home: Path) -> Path:
    if sys.platform == "win32":
        return Path(environ.get("APPDATA") or home / "AppData/Roaming")
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config")


def _data(environ: Mapping[str, str], home: Path) -> Path:
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData/Local")
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    return Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")


def _cache(environ: Mapping[str, str], home: Path) -> Path:
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or home / "AppData/Local")
    if sys.platform == "darwin":
        return home / "Library" / "Caches"
    return Path(environ.get("XDG_CACHE_HOME") or home / ".cache")
