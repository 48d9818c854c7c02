"""The verbs as a person or a script uses them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from localllm import cli
from localllm.cli import doctor
from tests import tiny_models


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("LOCALLLM_HOME", str(folder))
    return folder


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    return tiny_models.write(tmp_path / "tiny.gguf")


def run(*args: str) -> Result:
    return CliRunner().invoke(cli.group, args)


def printed(*args: str) -> Any:
    result = run(*args, "--json")
    return json.loads(result.output)


def fails(*args: str) -> str:
    """What the program says on stderr when it ends with status 1."""
    process = subprocess.run(
        [sys.executable, "-m", "localllm", *args], capture_output=True, text=True, timeout=60
    )
    assert process.returncode == 1
    assert process.stdout == ""
    return process.stderr


def test_help_names_every_verb_and_imports_none_of_them():
    """`localllm --help` answers at once: no Flask, no engine, no structs."""
    code = (
        "import sys; from localllm import cli\n"
        "try: cli.group.main(['--help'], prog_name='localllm')\n"
        "except SystemExit: pass\n"
        "heavy = {'flask', 'httpx', 'msgspec', 'numpy', 'llama_cpp', 'jinja2', 'psutil', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert all(verb in said for verb in cli.VERBS)


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_help(verb: str):
    """Each file offers a command with a sentence about it."""
    result = run(verb, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_a_mistyped_verb_names_the_nearest():
    """As everywhere else."""
    result = run("lst")
    assert result.exit_code == 2
    assert 'There is no command "lst". Did you mean "list"?' in result.output


def test_paths_are_below_the_home_of_choice(home: Path):
    """And nothing is made by looking."""
    assert printed("paths")["catalog"] == str(home / "models.toml")
    assert str(home / "models.toml") in run("paths").output
    assert not home.exists()


def test_the_list_shows_the_guide_on_a_fresh_home(home: Path):
    """The catalog is copied by the first verb that needs it."""
    assert "guide" in [row["id"] for row in printed("list")["models"]]
    assert (home / "models.toml").exists()


def test_a_file_is_added_where_it_lies_and_listed(home: Path, gguf: Path):
    """Not copied, and with what its header says."""
    added = run("add", str(gguf), "--id", "mine", "--name", "Mine")
    assert added.exit_code == 0
    assert "localllm chat --model mine" in added.output
    row = next(row for row in printed("list")["models"] if row["id"] == "mine")
    assert row["path"] == row["source"] == str(gguf)
    assert (row["state"], row["quant"], row["architecture"], row["context_length"]) == (
        "ready",
        "F32",
        "llama",
        8192,
    )
    assert "mine" in run("list").output


def test_an_embedding_model_is_known_by_its_header(home: Path, tmp_path: Path):
    """Its pooling says that it gives vectors."""
    run("add", str(tiny_models.write(tmp_path / "bert.gguf", "bert")), "--id", "vectors")
    row = next(row for row in printed("list")["models"] if row["id"] == "vectors")
    assert row["kind"] == "embedding"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.gguf", None, "There is no file"),
        ("text.gguf", b"hello, this is no model at all", "its first four bytes are not GGUF"),
        ("m-00002-of-00003.gguf", b"", "add the part 00001 instead"),
    ],
)
def test_what_is_no_model_is_refused_in_one_sentence(
    home: Path, tmp_path: Path, name: str, content: bytes | None, said: str
):
    """Status 1, one line, no traceback, and the catalog is not touched."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    message = fails("add", str(tmp_path / name), "--id", "x")
    assert said in message
    assert message.count("\n") == 1
    assert not (home / "models.toml").exists()


def test_a_cut_off_model_is_refused(home: Path, gguf: Path):
    """A half download is found out before it is offered."""
    gguf.write_bytes(gguf.read_bytes()[:-1000])
    assert "too early" in fails("add", str(gguf), "--id", "x")


def test_an_id_that_is_taken_is_refused(home: Path, gguf: Path):
    """With the line where it is written."""
    assert 'the name "guide" is taken' in fails("add", str(gguf), "--id", "guide")


def test_a_broken_catalog_is_told_by_list_and_doctor(home: Path):
    """And the models that can be used are still listed."""
    home.mkdir()
    (home / "models.toml").write_text('[[model]]\nid = "a"\nsorce = "b"\n')
    assert "guide" in run("list").output
    assert 'line 3, [[model]] 1: unknown key "sorce". Did you mean "source"?' in printed("list")["error"]


@pytest.fixture
def tiny_guide(gguf: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small model in the guide's place, so that this test does not depend on the trained one."""
    monkeypatch.setattr(doctor, "PACKAGE_DIR", gguf.parent)
    return gguf.rename(gguf.with_name("guide.gguf"))


def checks(*args: str) -> dict[str, Any]:
    return {check["name"]: check for check in printed("doctor", *args)["checks"]}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_the_doctor_starts_the_engine_and_says_what_it_runs_on(home: Path, tiny_guide: Path):
    """Build, devices and threads come from the engine process itself."""
    found = checks("--port", str(free_port()))
    assert all(check["ok"] for check in found.values())
    assert "llama-cpp-python" in found["Engine"]["text"]
    assert found["Engine"]["details"]
    assert "free" in found["Port"]["text"]


def test_the_doctor_tells_a_missing_engine_or_model_and_ends_with_status_1(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """What is bad is named; the rest is still looked at."""
    monkeypatch.setattr(doctor, "PACKAGE_DIR", tmp_path / "nowhere")
    home.mkdir()
    (home / "settings.toml").write_text("prot = 1\n")
    result = run("doctor", "--port", str(free_port()))
    assert result.exit_code == 1
    assert "BAD  Engine" in result.output
    assert "BAD  Settings" in result.output
    assert "ok   Python" in result.output


@pytest.mark.parametrize(
    ("body", "ok", "said"),
    [
        (b'{"version": "9.9", "models": []}', True, "localllm 9.9 is running"),
        (b'{"hello": 1}', False, "used by another program"),
        (b"<html>", False, "used by another program"),
    ],
)
def test_the_doctor_knows_who_is_on_the_port(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes, ok: bool, said: str
):
    """Our own server is fine; a stranger is told with a way out."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    monkeypatch.setattr(doctor, "PACKAGE_DIR", tmp_path)
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = checks("--port", str(server.server_port))["Port"]
        server.shutdown()
    assert port["ok"] is ok
    assert said in port["text"]


def test_fit_says_what_fits_and_how_much_context_would(home: Path, gguf: Path):
    """For all models as a table, for one with its exit status."""
    run("add", str(gguf), "--id", "mine")
    (row,) = printed("fit", "mine")["models"]
    assert row["fits"] is True
    assert row["n_ctx"] == row["largest_n_ctx"] == 8192
    assert row["needs_bytes"] > row["weights_bytes"] > 0
    assert "mine" in run("fit").output


def test_fit_counts_with_the_limit_of_the_settings(home: Path, gguf: Path):
    """What the server would refuse does not fit here either."""
    run("add", str(gguf), "--id", "mine")
    (home / "settings.toml").write_text("memory_limit_bytes = 1_000_000\n")
    rows = json.loads(run("fit", "mine", "--json").output)
    assert rows["free_ram_bytes"] <= 1_000_000
    assert rows["models"][0]["fits"] is False


def test_fit_tells_what_is_not_here_by_its_size(home: Path):
    """A download that cannot fit need not be started."""
    home.mkdir()
    (home / "models.toml").write_text(
        '[[model]]\nid = "far"\nsource = "hf:o/r/far.gguf"\nsize_bytes = 900_000_000_000_000\n'
    )
    result = run("fit", "far")
    assert result.exit_code == 1
    assert "far  no" in result.output
    assert "not on this computer" in result.output


def test_models_of_other_programs_are_found_and_can_be_added(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Listed with where they are; nothing is copied."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "none"))
    other = tiny_models.write(tmp_path / "theirs" / "big.gguf", n_embd=256, n_layers=4)
    rows = printed("list", "--found", "--in", str(tmp_path / "theirs"))["found"]
    assert str(other) in [row["path"] for row in rows]
    assert str(other) in run("list", "--found", "--in", str(tmp_path / "theirs")).output
