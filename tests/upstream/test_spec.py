"""What an entry may say of another server."""

from __future__ import annotations

from pathlib import Path

import pytest

from localllm import errors
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.upstream.spec import UpstreamSpec, parse_address

DOCS = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")


def catalog(tmp_path, upstream, more=""):
    path = tmp_path / "models.toml"
    path.write_text(f'[[model]]\nid = "m"\n{more}\nupstream = {upstream}\n', encoding="utf-8")
    return Catalog(path)


@pytest.mark.parametrize("key", UpstreamSpec.__struct_fields__)
def test_every_key_is_documented(key):
    """In docs/models.md."""
    assert f"| `{key}` |" in DOCS


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://host:8000/v1", "http://host:8000/v1"),
        ("http://host:8000", "http://host:8000/v1"),
        ("https://host/openai/v1/", "https://host/openai/v1"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1"),
    ],
)
def test_addresses_are_those_that_clients_use(text, url):
    """A base URL; without a path, /v1 is meant."""
    assert parse_address(text).url == url


@pytest.mark.parametrize(
    "text",
    ["", "host:8000", "ftp://host/v1", "file:///etc/passwd", "http://", "http://host:99999/v1", "http://host/v1?key=x",
     "http://host/v1#x", "http://ho st/v1", "http://host/v1\r\nX: y"],
)  # fmt: skip
def test_what_is_no_address_is_refused(text):
    """HTTP and HTTPS only, and nothing that would end in a header."""
    with pytest.raises(errors.CatalogError):
        parse_address(text)


def test_a_password_in_an_address_is_refused_and_not_repeated():
    """The message is shown in lists and in /health."""
    with pytest.raises(errors.CatalogError) as caught:
        parse_address("http://user:secret-word@host/v1")
    assert "secret-word" not in caught.value.message


@pytest.mark.parametrize(
    ("upstream", "said"),
    [
        ('{ base_url = "http://h/v1", api_key = "sk-1234" }', "does not belong into the catalog"),
        ('{ base_url = "http://h/v1", api_key_env = "sk-1234" }', "not a key"),
        ('{ base_url = "http://h/v1", api_key_env = "A", api_key_file = "b" }', "not both"),
        ('{ model = "x" }', "needs a base_url"),
        ('{ base_url = "h:80" }', "no address"),
        ('{ base_url = "http://h/v1", modle = "x" }', 'did you mean "model"'),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path, upstream, said):
    """File and line; and never the key that somebody has written there."""
    error = catalog(tmp_path, upstream).error or ""
    assert said.lower() in error.lower()
    assert "line " in error
    assert "sk-1234" not in error


def test_a_model_is_here_or_elsewhere(tmp_path):
    """Not both, and not neither."""
    assert "not both" in (catalog(tmp_path, '{ base_url = "http://h" }', 'source = "x.gguf"').error or "")
    (tmp_path / "models.toml").write_text('[[model]]\nid = "m"\n', encoding="utf-8")
    assert '"source" is missing' in (Catalog(tmp_path / "models.toml").error or "")


def test_an_entry_is_written_as_short_as_it_can_be(tmp_path):
    """What `connect --add` leaves behind is for people to read."""
    written = catalog(tmp_path, '{ base_url = "http://h" }')
    written.add(Entry(id="n", upstream=UpstreamSpec(base_url="http://g:1/v1", model="x")))
    text = written.path.read_text(encoding="utf-8")
    assert text.endswith('id = "n"\n\n[model.upstream]\nbase_url = "http://g:1/v1"\nmodel = "x"\n')
    assert written.find("n").upstream == UpstreamSpec(base_url="http://g:1/v1", model="x")
