"""A source becomes a file on this machine, or an error that says how to get it."""

from __future__ import annotations

from pathlib import Path

import pytest

from localllm import errors
from localllm.models.entry import Entry
from localllm.models.sources import HubFile, find_file, has_file, parse_source, source_path
from localllm.paths import PACKAGE_DIR, Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path / "cache", tmp_path / "logs")


def test_the_guide_is_inside_the_package(paths: Paths):
    """It needs no download and no network."""
    assert source_path(parse_source("builtin:guide"), paths) == PACKAGE_DIR / "guide.gguf"


def test_a_relative_path_counts_from_the_catalogs_folder(paths: Paths):
    """A catalog can be moved together with its models."""
    assert source_path(parse_source("mine/a.gguf"), paths) == paths.catalog.parent / "mine" / "a.gguf"


def test_an_absolute_path_and_the_home_folder_are_taken_as_they_are(paths: Paths, tmp_path: Path):
    """`~` is the user's home."""
    assert source_path(parse_source(str(tmp_path / "a.gguf")), paths) == tmp_path / "a.gguf"
    assert source_path(parse_source("~/a.gguf"), paths) == Path.home() / "a.gguf"


def test_a_windows_path_is_a_path(paths: Paths):
    """The colon of a drive letter is no scheme."""
    parse_source(r"C:\models\a.gguf")


def test_a_file_of_the_hub_lies_in_the_models_folder(paths: Paths):
    """Owner, repository and folders of the file name are kept."""
    source = parse_source("hf:owner/repo/Q4/a.gguf")
    assert source_path(source, paths) == paths.models / "owner" / "repo" / "Q4" / "a.gguf"


@pytest.mark.parametrize(
    "text",
    [
        " ", "builtin:nothing", "hf:owner/repo", "hf:owner/repo/a.bin", "hf:../repo/a.gguf", "hf:owner/../a.gguf",
        "hf:owner/repo/../../a.gguf", "hf:owner//a.gguf", "hf:/etc/passwd/a.gguf", "hf:owner/repo/a\\b.gguf",
        "hf:.owner/repo/a.gguf", "https://example.org/a.gguf", "hf:owner/repo/a?b.gguf", "hf:owner/repo/C:a.gguf",
    ],
)  # fmt: skip
def test_no_source_leaves_the_models_folder(text: str):
    """What is no source, or a trick, is refused before any path is made of it."""
    with pytest.raises(errors.CatalogError):
        parse_source(text)


def test_a_split_model_is_all_its_parts():
    """llama.cpp finds the others by the name of the first."""
    source = HubFile("o", "r", "big/m-00001-of-00003.gguf")
    assert source.shards() == tuple(f"big/m-0000{i}-of-00003.gguf" for i in (1, 2, 3))


def test_a_model_that_is_not_downloaded_says_how_to_get_it(paths: Paths):
    """The command is in the message."""
    entry = Entry(id="x", source="hf:o/r/m-00001-of-00002.gguf")
    first = paths.models / "o" / "r" / "m-00001-of-00002.gguf"
    first.parent.mkdir(parents=True)
    first.touch()
    assert not has_file(entry, paths)
    with pytest.raises(errors.ModelNotFound, match="localllm pull x"):
        find_file(entry, paths)
    (first.parent / "m-00002-of-00002.gguf").touch()
    assert find_file(entry, paths) == first


def test_a_file_that_is_gone_is_named(paths: Paths):
    """The person sees the path that was expected."""
    with pytest.raises(errors.ModelNotFound, match=r"gone\.gguf"):
        find_file(Entry(id="x", source="gone.gguf"), paths)
