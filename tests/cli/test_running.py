"""The verbs that talk to the running server: ps, stop, connect."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from localllm import __version__, cli, errors
from localllm.api.serving import serving
from localllm.cli import connect
from localllm.cli.running import UNKNOWN_VERSION, running_version
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


@pytest.fixture
def other_address() -> str:
    """A second address of this computer, as Docker's bridge is one."""
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.2", 0))
        except OSError:
            pytest.skip("127.0.0.2 is no address of this computer")
    return "127.0.0.2"


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


def test_a_server_with_a_key_is_recognised(home: Path):
    """With the key it tells its version; to whoever has another, that it is a localllm and nothing else."""
    paths = user_paths()
    pool = Pool(Catalog(paths.catalog), paths)
    with serving(pool, Config(port=0, api_key="secret"), is_port_fixed=False) as running:
        assert running_version(running.port) == UNKNOWN_VERSION
        paths.api_key.write_text("secret\n", encoding="utf-8")
        assert running_version(running.port) == __version__
        assert "localllm " + __version__ in run("doctor", "--port", str(running.port)).output


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


def test_connect_asks_the_running_server_and_not_the_settings(
    home: Path, monkeypatch: pytest.MonkeyPatch, other_address: str
):
    """Whoever follows "First" sees it tested afterwards, although the settings say nothing of a host."""
    on_linux = connect.ways_to(5757, "linux", other_address, is_wsl=False)
    monkeypatch.setattr(connect, "ways_to", lambda *_, **__: on_linux)
    paths = user_paths()
    for host, is_first in (("127.0.0.1", True), (other_address, False)):
        pool = Pool(Catalog(paths.catalog), paths)
        config = Config(port=0, host=host, api_key=None if is_first else "sk-other")
        with serving(pool, config, is_port_fixed=False) as running:
            text = run("connect", "--port", str(running.port)).output
        assert (f"First      localllm serve --host {other_address}" in text) is is_first
        assert (f"it answers on this computer, at {other_address}" in text) is not is_first


def test_another_program_on_the_port_is_no_localllm(home: Path):
    """A connection alone proves nothing: it is told who has the port, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        answer = threading.Thread(target=_answer_nonsense, args=(other,), daemon=True)
        answer.start()
        text = run("connect", "--port", port).output
        assert json.loads(run("connect", "--port", port, "--json").output)["ways"][0]["reachable"] is False
        with pytest.raises(errors.NotReady):
            raise run("ps", "--port", port).exception or AssertionError
    assert "it answers" not in text
    assert f"another program has 127.0.0.1:{port}: end it" in text


def test_the_key_goes_to_no_address_but_loopback(home: Path, other_address: str):
    """Docker's usual address may be another computer's, where there is no Docker."""
    (home / "api-key").write_text("sk-local-x\n")
    heard: list[bytes] = []

    def listen(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            heard.append(connection.recv(65536))

    with socket.create_server((other_address, 0)) as other:
        listener = threading.Thread(target=listen, args=(other,), daemon=True)
        listener.start()
        assert running_version(other.getsockname()[1], other_address) is None
        listener.join(30)
    assert heard[0].startswith(b"GET /health")
    assert b"sk-local-x" not in heard[0]


def _answer_nonsense(listening: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.sendall(b"SSH-2.0-nonsense\r\n")


@pytest.mark.parametrize(
    ("platform", "is_wsl", "docker_engine_listens_on"),
    [
        ("linux", False, "172.17.0.1"),
        ("linux", True, "172.17.0.1"),
        ("darwin", False, None),
        ("win32", False, None),
    ],
)
def test_only_docker_engine_needs_another_address_and_then_only_the_bridge(
    platform: str, is_wsl: bool, docker_engine_listens_on: str | None
):
    """Docker Desktop reaches the loopback address by itself; nobody is told to listen everywhere."""
    ways = connect.ways_to(5757, platform, "172.17.0.1", is_wsl=is_wsl)
    listens_on = {way.name: way.listen for way in ways}
    assert listens_on.get("In Docker Engine") == docker_engine_listens_on
    assert not any(listens_on[name] for name in listens_on if name != "In Docker Engine")
    assert "In Docker Desktop" in listens_on
    assert all(way.listen != "0.0.0.0" for way in ways)
    assert all(way.url.endswith(":5757/v1") for way in ways)
