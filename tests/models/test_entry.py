"""What an entry may say."""

from __future__ import annotations

from pathlib import Path

import pytest

from localllm import errors
from localllm.models.entry import Entry, check_id, file_name, keep_alive_s
from localllm.sampling_params import SamplingParams

DOCS = Path(__file__).parents[2] / "docs" / "models.md"


@pytest.mark.parametrize(
    "model_id", ["a", "qwen3:4b", "org/model", "Qwen2.5-0.5B_x", "gpt-5", "a@b+c", "x" * 128]
)
def test_ordinary_ids_are_fine(model_id: str):
    """Ids as people and hubs write them."""
    check_id(model_id)


@pytest.mark.parametrize(
    "model_id",
    [
        "",
        "../x",
        "a/../b",
        "/etc",
        "a//b",
        "a/",
        "a:",
        ".hidden",
        "a b",
        "a\\b",
        "a\nb",
        "x" * 129,
        "C:/x/..",
        "ä",
        "a%2fb",
    ],
)
def test_ids_with_path_tricks_are_refused(model_id: str):
    """An id becomes part of URLs and file names."""
    with pytest.raises(errors.CatalogError, match="cannot be a model id"):
        check_id(model_id)


def test_an_id_is_made_a_plain_file_name():
    """No separator of any system is left."""
    assert file_name("org/model:4b") == "org_model_4b"


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("10m", 600), ("1.5h", 5400), ("1d", 86400), ("0", 0)]
)
def test_keep_alive_is_a_duration(text: str, seconds: float):
    """As it is said: a number and a unit."""
    assert keep_alive_s(text) == seconds


def test_forever_is_no_number():
    """A model that is never unloaded for idleness."""
    assert keep_alive_s("forever") is None


@pytest.mark.parametrize("text", ["10", "m", "-5m", "10 m", "1w"])
def test_a_keep_alive_without_meaning_is_refused(text: str):
    """The message says what it may be."""
    with pytest.raises(errors.CatalogError, match="keep_alive must be like"):
        keep_alive_s(text)


@pytest.mark.parametrize("key", [*Entry.__struct_fields__, *SamplingParams.__struct_fields__])
def test_every_key_is_documented(key: str):
    """docs/models.md has a line for each key of a model and of its sampling."""
    assert f"`{key}`" in DOCS.read_text(encoding="utf-8")
