"""The catalog belongs to the user: it is copied once, reread when edited, and never the reason for an outage."""

from __future__ import annotations

from pathlib import Path

import pytest

from localllm import errors
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.paths import shipped_catalog

GOOD = """\
# my models
[[model]]
id = "one"  # the first
source = "one.gguf"
aliases = ["first", "gpt-4o"]
[model.sampling]
temperature = 0.1

[[model]]
id = "two"
source = "hf:owner/repo/two.gguf"
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "models.toml"


def written(path: Path, text: str) -> Catalog:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return Catalog(path)


def ids(catalog: Catalog) -> list[str]:
    return [entry.id for entry in catalog.entries]


def test_the_shipped_catalog_is_copied_with_its_comments_on_the_first_run(path: Path):
    """A new user starts with everything we ship, in a file that may be edited."""
    catalog = Catalog(path)
    assert path.read_text(encoding="utf-8") == shipped_catalog().read_text(encoding="utf-8")
    assert catalog.error is None
    assert "guide" in ids(catalog)


def test_a_catalog_that_exists_is_never_overwritten(path: Path):
    """From the first run on the file is the user's."""
    written(path, GOOD)
    Catalog(path)
    assert path.read_text(encoding="utf-8") == GOOD


def test_entries_are_found_by_id_and_alias(path: Path):
    """Clients that insist on a well-known name are served by an alias."""
    catalog = written(path, GOOD)
    assert catalog.find("gpt-4o").id == catalog.find("one").id == "one"
    assert catalog.find("one").sampling.temperature == 0.1


def test_an_unknown_model_is_answered_with_the_nearest(path: Path):
    """The message says what was meant, perhaps, and how to see all."""
    with pytest.raises(errors.ModelNotFound) as raised:
        written(path, GOOD).find("twoo")
    assert 'Did you mean "two"?' in raised.value.message
    assert "localllm list" in raised.value.message
    assert raised.value.status == 404


def test_an_edit_is_seen_without_a_restart(path: Path):
    """The next access after saving shows the new entry."""
    catalog = written(path, GOOD)
    assert ids(catalog) == ["one", "two"]
    path.write_text(GOOD + '[[model]]\nid = "three"\nsource = "x.gguf"\n', encoding="utf-8")
    assert ids(catalog) == ["one", "two", "three"]


def test_the_file_is_not_read_again_while_it_stays_the_same(path: Path):
    """An access costs a stat: the same tuple comes back."""
    catalog = written(path, GOOD)
    assert catalog.entries is catalog.entries


def test_a_broken_edit_keeps_the_last_good_catalog_and_is_told(path: Path):
    """Half-typed lines do not take the models away."""
    catalog = written(path, GOOD)
    assert len(ids(catalog)) == 2
    path.write_text(GOOD.replace("aliases", "alias"), encoding="utf-8")
    assert ids(catalog) == ["one", "two"]
    assert catalog.error is not None
    assert 'models.toml, line 5, [[model]] 1: unknown key "alias". Did you mean "aliases"?' in catalog.error
    path.write_text(GOOD, encoding="utf-8")
    assert catalog.error is None


def test_at_the_start_only_the_broken_entry_is_left_out(path: Path):
    """There is no last good catalog yet, so what can be used is."""
    catalog = written(path, GOOD.replace('source = "one.gguf"', "source = 7"))
    assert ids(catalog) == ["two"]
    assert catalog.error is not None
    assert "line 4" in catalog.error


@pytest.mark.parametrize("text", ["", "# nothing", "model = 3", "[[model]\n", "\x00"])
def test_an_empty_or_broken_catalog_still_serves_the_guide(path: Path, text: str):
    """There is always a model that answers."""
    assert ids(written(path, text)) == ["guide"]


def test_a_catalog_that_vanishes_still_serves_the_guide(path: Path):
    """Deleting the file while the app runs is no crash."""
    catalog = written(path, GOOD)
    path.unlink()
    assert ids(catalog) == ["guide"]
    assert catalog.error is not None
    assert "no catalog at" in catalog.error


def test_a_home_that_is_a_file_still_serves_the_guide(tmp_path: Path):
    """The folder cannot be made, whoever one is."""
    (tmp_path / "home").write_text("")
    catalog = Catalog(tmp_path / "home" / "models.toml")
    assert ids(catalog) == ["guide"]
    assert catalog.error is not None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('id = "two"', 'id = "one"'), 'line 10, [[model]] 2: the name "one" is taken'),
        (('id = "two"', 'id = "first"'), 'line 10, [[model]] 2: the name "first" is taken'),
        (('id = "two"', 'id = "../two"'), 'line 10, [[model]] 2: "../two" cannot be a model id'),
        (('"first", ', '"one", '), 'line 5, [[model]] 1: the name "one" is taken'),
        (("hf:owner/repo/two", "hf:owner/../two"), "line 11, [[model]] 2: "),
        (("temperature = 0.1", "temprature = 0.1"), 'unknown key "temprature". Did you mean "temperature"?'),
        (("temperature = 0.1", 'temperature = "hot"'), '"temperature" must be a number, not "hot".'),
        (('id = "two"', 'id = "two"\nkeep_alive = "10"'), "line 11, [[model]] 2: keep_alive must be like"),
        (('id = "two"', 'id = "two"\nn_ctx = "big"'), 'must be a whole number of at least 1 or "auto", not "big".'),
        (('id = "two"\n', ""), 'line 9, [[model]] 2: the key "id" is missing.'),
        (("[[model]]\nid", "[[modle]]\nid"), 'unknown key "modle". Did you mean "model"?'),
    ],
)  # fmt: skip
def test_every_mistake_is_told_where_it_is(path: Path, change: tuple[str, str], said: str):
    """File, line, table, key and what was meant."""
    catalog = written(path, GOOD.replace(*change))
    assert catalog.error is not None
    assert said in catalog.error


def test_adding_an_entry_keeps_comments_and_order(path: Path):
    """The user's file is added to, not written anew."""
    catalog = written(path, GOOD)
    catalog.add(Entry(id="three", source="/x/three.gguf", name="Three"))
    text = path.read_text(encoding="utf-8")
    assert text.startswith(GOOD.rstrip("\n"))
    assert text.endswith('\n\n[[model]]\nid = "three"\nsource = "/x/three.gguf"\nname = "Three"\n')
    assert ids(catalog) == ["one", "two", "three"]


def test_adding_a_name_that_is_taken_is_refused_and_changes_nothing(path: Path):
    """The file is as it was, byte for byte."""
    catalog = written(path, GOOD)
    with pytest.raises(errors.CatalogError, match='the name "first" is taken'):
        catalog.add(Entry(id="first", source="x.gguf"))
    assert path.read_text(encoding="utf-8") == GOOD


def test_adding_to_a_broken_catalog_is_refused_and_changes_nothing(path: Path):
    """What a person is just editing is not written over."""
    catalog = written(path, "[[model]\n")
    with pytest.raises(errors.CatalogError, match="not valid TOML"):
        catalog.add(Entry(id="x", source="x.gguf"))
    assert path.read_text(encoding="utf-8") == "[[model]\n"


def test_removing_an_entry_leaves_the_others_and_the_comments(path: Path):
    """`rm` takes one table out."""
    catalog = written(path, GOOD)
    catalog.remove("two")
    assert ids(catalog) == ["one"]
    assert path.read_text(encoding="utf-8").startswith('# my models\n[[model]]\nid = "one"  # the first\n')


def test_the_shipped_catalog_is_sound_and_says_what_each_model_is(path: Path):
    """About thirty models of all kinds; every download names its size, its licence and what it is good for."""
    catalog = Catalog(path)
    assert catalog.error is None
    assert len(catalog.entries) >= 25
    assert {entry.kind for entry in catalog.entries} == {"chat", "code", "vision", "embedding", "reranking"}
    for entry in catalog.entries:
        assert entry.name
        assert entry.description
        if entry.source.startswith("hf:"):
            assert entry.size_bytes > 100_000_000
            assert entry.licence
