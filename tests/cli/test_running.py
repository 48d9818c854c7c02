"""The verbs that talk to the running server: ps, stop, connect."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from localllm import cli, errors
from localllm.api.serving import serving
from localllm.cli import connect
from localllm.config import Config
from localllm.models.catalog import Catalog
from localllm.models.pool import Pool
from localllm.paths import user_paths
from tests import tiny_models


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCALLLM_HOME", str(tmp_path))
    tiny_models.write(tmp_path / "m.gguf")
    (tmp_path / "models.toml").write_text(
        '[[model]]\nid = "tiny"\nsource = "m.gguf"\nn_ctx = 512\nn_threads = 1\naliases = ["alias"]\n'
    )
    return tmp_path


@pytest.fixture
def server(home: Path) -> Iterator[tuple[Pool, str]]:
    """A pool, and the port it is served on."""
    paths = user_paths()
    pool = Pool(Catalog(paths.catalog), paths)
    with serving(pool, Config(port=0), is_port_fixed=False) as running:
        yield pool, str(running.port)


def run(*args: str) -> Result:
    return CliRunner().invoke(cli.group, args)


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_ps_and_stop_follow_a_model_through_its_life(server: tuple[Pool, str]):
    """Nothing, then loaded with its bytes and its time, then gone."""
    pool, port = server
    assert "No model is in memory" in run("ps", "--port", port).output
    pool.get("tiny")
    (row,) = json.loads(run("ps", "--port", port, "--json").output)["loaded"]
    assert (row["id"], row["status"], row["n_ctx"]) == ("tiny", "loaded", 512)
    assert row["ram_bytes"] == pool.reserved_bytes > 0
    assert "tiny  loaded" in run("ps", "--port", port).output
    assert run("stop", "alias", "--port", port).exit_code == 0
    assert json.loads(run("ps", "--port", port, "--json").output) == {"loaded": []}


def test_stopping_what_is_not_loaded_repeats_the_servers_words(server: tuple[Pool, str]):
    """One sentence, no HTTP."""
    error = run("stop", "tiny", "--port", server[1]).exception
    assert isinstance(error, errors.LocalllmError)
    assert error.message == 'The model "tiny" is not loaded.'


def test_where_nobody_runs_it_is_said_how_to_start(home: Path):
    """Both verbs alike."""
    for args in (("ps",), ("stop", "tiny")):
        error = run(*args, "--port", free_port()).exception
        assert isinstance(error, errors.NotReady)
        assert "Start it with `localllm serve`" in error.message


def test_connect_gives_addresses_and_tests_them(server: tuple[Pool, str]):
    """What answers is told, and the key that will do."""
    _, port = server
    found = json.loads(run("connect", "--port", port, "--json").output)
    assert found["running"] is not None
    assert found["ways"][0]["url"] == f"http://localhost:{port}/v1"
    assert found["ways"][0]["reachable"] is True
    text = run("connect", "open-webui", "--port", port).output
    assert "it answers" in text
    assert "any text will do" in text


def test_connect_works_without_a_running_server(home: Path):
    """And says that there is none."""
    text = run("connect", "--port", free_port()).output
    assert "localllm is not running" in text
    assert "it answers" not in text


def test_the_kept_key_is_shown(home: Path):
    """The one that `serve --host` made."""
    (home / "api-key").write_text("sk-local-x\n")
    assert json.loads(run("connect", "--port", free_port(), "--json").output)["key"] == "sk-local-x"


@pytest.mark.parametrize(
    ("platform", "is_wsl", "docker_listens_on"),
    [("linux", False, "172.17.0.1"), ("linux", True, None), ("darwin", False, None), ("win32", False, None)],
)
def test_only_docker_on_linux_needs_another_address_and_then_only_the_bridge(
    platform: str, is_wsl: bool, docker_listens_on: str | None
):
    """Docker Desktop reaches the loopback address by itself; nobody is told to listen everywhere."""
    ways = connect.ways_to(5757, platform, "172.17.0.1", is_wsl=is_wsl)
    docker = next(way for way in ways if "host.docker.internal" in way.url)
    assert docker.listen == docker_listens_on
    assert all(way.listen != "0.0.0.0" for way in ways)
    assert all(way.url.endswith(":5757/v1") for way in ways)
