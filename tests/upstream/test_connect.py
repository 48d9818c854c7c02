"""`localllm connect ADDRESS`: what another server has becomes entries here; `list` and `doctor` know them."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

from localllm import errors
from localllm.cli.connect import command
from localllm.cli.elsewhere import problems_of, read_address
from localllm.cli.list import describe
from localllm.models.catalog import Catalog
from localllm.paths import user_paths
from tests.upstream.standin import whole

ROWS = [
    {"id": "qwen", "name": "Qwen", "status": {"value": "loaded"}, "meta": {"kind": "chat"}},
    {"id": "guide", "meta": {"kind": "chat"}},
    {"id": "org/em bed", "meta": {"kind": "embedding"}},
    {"id": "\x1b[31mred"},
    {"nothing": 1},
]


def localllm_like(request):
    if request.path == "/v1/health":
        return whole({"version": "9.9", "models": []})
    return whole({"object": "list", "data": ROWS})


def bare(request):
    """LiteLLM proxies and home-made servers: no object around the list."""
    return whole(
        ["qwen"] if request.path == "/v1/models" else {},
        "200 OK" if request.path == "/v1/models" else "404 No",
    )


def connect(*words):
    result = CliRunner().invoke(command, words)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("laptop.local", "http://laptop.local:5757/v1"),
        ("192.168.1.5:8000", "http://192.168.1.5:8000/v1"),
        ("::1", "http://[::1]:5757/v1"),
        ("[::1]:80", "http://[::1]/v1"),
        ("http://host", "http://host/v1"),
        ("https://host/v1", "https://host/v1"),
    ],
)
def test_an_address_is_what_people_type(text, url):
    """localllm's port where none is given."""
    assert read_address(text).url == url


def test_models_are_shown_and_added_once(stand_in):
    """Under their own names, with the address behind it where a name is taken; the second time nothing is added."""
    server = stand_in(localllm_like)
    address = f"127.0.0.1:{server.port}"
    assert "--add" in connect(address)
    assert len([e for e in Catalog(user_paths().catalog).entries if e.is_forwarded]) == 0
    assert "Added" in connect(address, "--add")
    added = {e.id: e for e in Catalog(user_paths().catalog).entries if e.is_forwarded}
    assert set(added) == {"qwen", "guide@127.0.0.1", "org/em-bed"}
    assert added["org/em-bed"].kind == "embedding"
    assert 'model = "guide"' in user_paths().catalog.read_text(encoding="utf-8")
    again = json.loads(connect(address, "--add", "--json"))
    assert (again["localllm"], [row["added"] for row in again["models"]]) == ("9.9", [False] * 3)


def test_one_model_can_be_chosen(stand_in):
    """A wrong name is told with the nearest one."""
    server = stand_in(localllm_like)
    assert "Added" in connect(server.url, "--add", "--model", "qwen")
    assert [e.id for e in Catalog(user_paths().catalog).entries if e.is_forwarded] == ["qwen"]
    with pytest.raises(errors.ModelNotFound, match="qwen"):
        connect(server.url, "--model", "qwne")


def test_other_servers_are_found_too(stand_in):
    """A bare list is a list."""
    assert "qwen" in connect(stand_in(bare).url)


def test_a_key_is_named_and_kept_out_of_the_catalog(stand_in, monkeypatch):
    """Without one the answer says how to give it."""

    def guarded(request):
        is_known = request.headers.get("authorization") == "Bearer sk-there"
        return localllm_like(request) if is_known else whole({}, "401 Unauthorized")

    server = stand_in(guarded)
    with pytest.raises(errors.Unauthorized, match="--key-env"):
        connect(server.url)
    monkeypatch.setenv("KEY_THERE", "sk-there")
    connect(server.url, "--add", "--key-env", "KEY_THERE")
    text = user_paths().catalog.read_text(encoding="utf-8")
    assert 'api_key_env = "KEY_THERE"' in text
    assert "sk-there" not in text


def test_a_key_file_is_found_from_wherever_localllm_is_started(stand_in, tmp_path, monkeypatch):
    """`--key-file` counts from the folder one is in, the entry's from the catalog: so the entry has it in full."""

    def guarded(request):
        is_known = request.headers.get("authorization") == "Bearer sk-there"
        return localllm_like(request) if is_known else whole({}, "401 Unauthorized")

    server = stand_in(guarded)
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "key").write_text("sk-there\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "keys")
    connect(server.url, "--add", "--model", "qwen", "--key-file", "key")
    monkeypatch.chdir(tmp_path)
    (entry,) = [e for e in Catalog(user_paths().catalog).entries if e.is_forwarded]
    assert entry.upstream is not None
    assert entry.upstream.api_key_file == str(tmp_path / "keys" / "key")
    assert list(problems_of(entry, user_paths().data)) == []
    assert "sk-there" not in user_paths().catalog.read_text(encoding="utf-8")


def test_nobody_there_is_told_with_what_to_do(stand_in):
    """The usual reason: it listens to its own computer only."""
    server = stand_in(localllm_like)
    server.kill()
    with pytest.raises(errors.UpstreamFailed, match=re.escape("--host 0.0.0.0")):
        connect(server.url)


def test_list_and_doctor_know_forwarded_models(stand_in):
    """Where it runs; whether the server answers and has the model."""
    server = stand_in(localllm_like)
    connect(server.url, "--add", "--model", "qwen")
    (entry,) = [e for e in Catalog(user_paths().catalog).entries if e.is_forwarded]
    row = describe(entry, user_paths())
    assert (row["state"], row["forwarded_to"]) == ("forwarded", [server.url])
    assert list(problems_of(entry, user_paths().data)) == []
    ROWS[0], kept = {"id": "qwen3"}, ROWS[0]
    try:
        (problem,) = problems_of(entry, user_paths().data)
    finally:
        ROWS[0] = kept
    assert 'no model "qwen"' in problem
    assert "qwen3" in problem
    server.kill()
    (problem,) = problems_of(entry, user_paths().data)
    assert "cannot be reached" in problem
