"""What other programs have is found where they keep it, and never touched."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from localllm.models.discover import MIN_MODEL_BYTES, find_models

DIGEST = "a" * 64


def big(path: Path, size: int = MIN_MODEL_BYTES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(size)
    return path


def found(home: Path, *folders: Path, **environ: str) -> dict[str, tuple[str, Path]]:
    """name → (program, path)"""
    models = find_models(folders, environ, home)
    return {m.name: (m.program, m.path) for m in models if home in m.path.parents}


def test_lm_studio_and_a_folder_of_ones_own(tmp_path: Path):
    """Below owner and repository, or anywhere the person says."""
    a = big(tmp_path / ".lmstudio" / "models" / "owner" / "repo" / "a.gguf")
    b = big(tmp_path / "mine" / "deep" / "b.GGUF")
    assert found(tmp_path, tmp_path / "mine") == {
        "a": ("LM Studio", a),
        "b": (str(tmp_path / "mine"), b),
    }


def test_lm_studio_is_followed_where_it_was_moved(tmp_path: Path):
    """Its own folder by a pointer in the home folder, and the downloads by its settings; broken ones say nothing."""
    moved = tmp_path / "disk" / "lmstudio"
    a = big(moved / "models" / "owner" / "repo" / "a.gguf")
    b = big(tmp_path / "big disk" / "owner" / "repo" / "b.gguf")
    (tmp_path / ".lmstudio-home-pointer").write_text(f"{moved}\n")
    (moved / "settings.json").write_text(json.dumps({"downloadsFolder": str(tmp_path / "big disk")}))
    assert found(tmp_path) == {"a": ("LM Studio", a), "b": ("LM Studio", b)}
    for broken in ("[]", "{", '{"downloadsFolder": 5}'):
        (moved / "settings.json").write_text(broken)
        assert found(tmp_path) == {"a": ("LM Studio", a)}


def test_ollamas_names_lead_to_its_blobs(tmp_path: Path):
    """Manifest → digest → blob; others' manifests keep their owner."""
    models = tmp_path / ".ollama" / "models"
    blob = big(models / "blobs" / f"sha256-{DIGEST}")
    other = big(models / "blobs" / f"sha256-{'b' * 64}")
    for place, digest in (("library/qwen3/4b", DIGEST), ("someone/model/latest", "b" * 64)):
        manifest = models / "manifests" / "registry.ollama.ai" / place
        manifest.parent.mkdir(parents=True)
        layers = [
            {"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:" + "c" * 64},
            {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"},
        ]
        manifest.write_text(json.dumps({"layers": layers}))
    assert found(tmp_path) == {"qwen3:4b": ("Ollama", blob), "someone/model:latest": ("Ollama", other)}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"layers": 3}', '{"layers": [{"mediaType": "application/vnd.ollama.image.model"}]}',
     '{"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:../../etc/passwd"}]}'],
)  # fmt: skip
def test_a_broken_or_hostile_manifest_is_passed_over(tmp_path: Path, text: str):
    """No digest leads out of the blobs folder."""
    manifest = tmp_path / ".ollama" / "models" / "manifests" / "r" / "library" / "m" / "t"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(text)
    assert found(tmp_path) == {}


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links (not on Windows without rights)")
def test_the_hugging_face_cache_is_read_through_its_links_and_each_file_once(tmp_path: Path):
    """Two snapshots of one file are one model, under the repository's name."""
    repo = tmp_path / "hub" / "models--owner--repo-GGUF"
    blob = big(repo / "blobs" / "abc")
    for commit in ("1", "2"):
        link = repo / "snapshots" / commit / "m.gguf"
        link.parent.mkdir(parents=True)
        link.symlink_to(blob)
    assert list(found(tmp_path, HF_HUB_CACHE=str(tmp_path / "hub"))) == ["owner/repo-GGUF/m.gguf"]


def test_llama_cpp_jan_and_gpt4all(tmp_path: Path):
    """Where each keeps its own, or where its variable says."""
    big(tmp_path / "cache" / "c.gguf")
    big(tmp_path / "jan" / "models" / "d.gguf")
    big(tmp_path / ".local" / "share" / "nomic.ai" / "GPT4All" / "e.gguf")
    programs = {
        name: program for name, (program, _) in found(tmp_path, LLAMA_CACHE=str(tmp_path / "cache")).items()
    }
    assert programs == {"c": "llama.cpp", "d": "Jan", "e": "GPT4All"}


@pytest.mark.parametrize(
    ("platform", "jan", "gpt4all"),
    [
        ("linux", ".local/share", ".local/share"),
        ("linux", ".config", ".local/share"),
        ("win32", "AppData/Roaming", "AppData/Local"),
        ("darwin", "Library/Application Support", "Library/Application Support"),
    ],
)
def test_jan_and_gpt4all_are_found_on_every_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, jan: str, gpt4all: str
):
    """And Jan's models have the names of their folders, because every file is called "model"."""
    monkeypatch.setattr(sys, "platform", platform)
    a = big(tmp_path / jan / "Jan" / "data" / "llamacpp" / "models" / "qwen3-4b" / "model.gguf")
    b = big(tmp_path / gpt4all / "nomic.ai" / "GPT4All" / "b.gguf")
    assert found(tmp_path) == {"qwen3-4b": ("Jan", a), "b": ("GPT4All", b)}


def test_a_split_model_has_the_size_of_all_its_parts(tmp_path: Path):
    """Also where the first one holds nothing but metadata."""
    first = big(tmp_path / "m-00001-of-00003.gguf", 1000)
    for number in (2, 3):
        big(tmp_path / f"m-0000{number}-of-00003.gguf")
    (model,) = (m for m in find_models([tmp_path], {}, tmp_path) if tmp_path in m.path.parents)
    assert (model.path, model.size_bytes) == (first, 1000 + 2 * MIN_MODEL_BYTES)


def test_projectors_later_parts_and_toys_are_no_models(tmp_path: Path):
    """Of a split model the first part stands for all."""
    folder = tmp_path / "f"
    for name in ("mmproj-m.gguf", "m-00002-of-00002.gguf", "readme.txt"):
        big(folder / name)
    big(folder / "vocab.gguf", 1000)
    first = big(folder / "m-00001-of-00002.gguf")
    assert found(tmp_path, folder) == {first.stem: (str(folder), first)}


def test_a_circle_of_links_ends(tmp_path: Path):
    """Links to folders are not followed."""
    folder = tmp_path / "f"
    model = big(folder / "m.gguf")
    try:
        (folder / "loop").symlink_to(folder)
    except OSError:
        pytest.skip("needs symbolic links")
    assert found(tmp_path, folder) == {"m": (str(folder), model)}
