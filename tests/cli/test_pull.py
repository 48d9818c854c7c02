"""`pull` and `rm` against a hub on this machine."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from localllm import cli, errors
from localllm.cli.pull import bar_text
from localllm.models.pull import Progress
from tests import tiny_models
from tests.models import hub as fault
from tests.models.hub import FakeHub
from tests.waiting import wait_until


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("LOCALLLM_HOME", str(folder))
    return folder


@pytest.fixture
def hub(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    hub = FakeHub()
    data = tiny_models.write(tmp_path / "m.gguf", n_layers=1).read_bytes()
    hub.add("owner/Tiny-1B-GGUF/Tiny-1B-Q4_K_M.gguf", data)
    hub.add("owner/Tiny-1B-GGUF/Tiny-1B-Q8_0.gguf", data)
    for name, value in hub.environ.items():
        monkeypatch.setenv(name, value)
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    yield hub
    hub.close()


def run(*args: str) -> Result:
    return CliRunner().invoke(cli.group, args)


def ids() -> dict[str, str]:
    rows = json.loads(run("list", "--json").output)["models"]
    return {row["id"]: row["state"] for row in rows}


def test_a_model_of_the_hub_is_pulled_and_put_into_the_catalog(hub: FakeHub, home: Path):
    """One command, and it can be talked to."""
    result = run("pull", "hf:owner/Tiny-1B-GGUF/Tiny-1B-Q4_K_M.gguf")
    assert result.exit_code == 0, result.output
    assert "localllm chat --model tiny-1b" in result.output
    assert ids()["tiny-1b"] == "ready"
    assert (home / "models" / "owner" / "Tiny-1B-GGUF" / "Tiny-1B-Q4_K_M.gguf").is_file()


def test_where_only_a_repository_is_named_the_quantization_is_chosen(hub: FakeHub):
    """By what fits this machine."""
    result = run("pull", "hf:owner/Tiny-1B-GGUF", "--id", "mine")
    assert "owner/Tiny-1B-GGUF: Tiny-1B-Q8_0.gguf" in result.output
    assert ids()["mine"] == "ready"


def test_a_quantization_can_be_named(hub: FakeHub):
    """As llama.cpp and Ollama write it; one that is not there is answered with those that are."""
    assert "Tiny-1B-Q4_K_M.gguf" in run("pull", "owner/Tiny-1B-GGUF:q4_k_m").output
    error = run("pull", "hf:owner/Tiny-1B-GGUF:Q2_K").exception
    assert "There is no Q2_K in this repository; there is Q4_K_M, Q8_0." in str(error)


def test_a_model_of_the_catalog_is_pulled_by_its_id(hub: FakeHub, home: Path):
    """A second pull finds it there."""
    home.mkdir()
    (home / "models.toml").write_text(
        '[[model]]\nid = "tiny"\nsource = "hf:owner/Tiny-1B-GGUF/Tiny-1B-Q4_K_M.gguf"\n'
    )
    assert ids() == {"tiny": "not downloaded"}
    assert json.loads(run("pull", "tiny", "--json").output)["downloaded"] is True
    assert json.loads(run("pull", "tiny", "--json").output)["downloaded"] is False
    assert ids() == {"tiny": "ready"}


def test_what_is_no_download_is_told(hub: FakeHub):
    """The guide is inside the program."""
    result = run("pull", "guide")
    assert isinstance(result.exception, errors.DownloadFailed)
    assert "its source is builtin:guide" in str(result.exception)


@pytest.mark.parametrize("name", ["hf:../x/m.gguf", "hf:owner", "hf:owner/..", "hf:o/r/../../../m.gguf"])
def test_no_name_leaves_the_models_folder(hub: FakeHub, name: str):
    """And nothing is asked of the hub."""
    assert isinstance(run("pull", name).exception, errors.CatalogError)
    assert hub.requests == []


def test_removing_deletes_the_download_and_the_entry(hub: FakeHub, home: Path):
    """Asked first; `--keep-entry` keeps the entry for another time."""
    run("pull", "hf:owner/Tiny-1B-GGUF/Tiny-1B-Q4_K_M.gguf")
    file = home / "models" / "owner" / "Tiny-1B-GGUF" / "Tiny-1B-Q4_K_M.gguf"
    assert run("rm", "tiny-1b").exit_code == 1
    assert file.exists()
    assert run("rm", "tiny-1b", "--yes", "--keep-entry").exit_code == 0
    assert not file.exists()
    assert ids()["tiny-1b"] == "not downloaded"
    assert run("rm", "tiny-1b", "--yes").exit_code == 0
    assert "tiny-1b" not in ids()


def test_removing_deletes_what_an_unfinished_download_left(hub: FakeHub, home: Path):
    """And the folders that are empty then, but never the folder of all models."""
    run("pull", "hf:owner/Tiny-1B-GGUF/Tiny-1B-Q4_K_M.gguf")
    folder = home / "models" / "owner" / "Tiny-1B-GGUF"
    (folder / "Tiny-1B-Q4_K_M.gguf").rename(folder / "Tiny-1B-Q4_K_M.gguf.part")
    (folder / "Tiny-1B-Q4_K_M.gguf.part.json").write_text("{}")
    assert ids()["tiny-1b"] == "not downloaded"
    assert run("rm", "tiny-1b", "--yes").exit_code == 0
    assert list((home / "models").iterdir()) == []


def test_two_models_of_one_name_get_two_ids(hub: FakeHub):
    """The second one says its quantization; both can be used."""
    run("pull", "hf:owner/Tiny-1B-GGUF/Tiny-1B-Q4_K_M.gguf")
    run("pull", "hf:owner/Tiny-1B-GGUF/Tiny-1B-Q8_0.gguf")
    assert ids()["tiny-1b"] == ids()["tiny-1b-q8_0"] == "ready"
    hub.add("other/Tiny-1B-GGUF/Tiny-1B-Q8_0.gguf", hub.files["owner/Tiny-1B-GGUF/Tiny-1B-Q8_0.gguf"])
    run("pull", "hf:other/Tiny-1B-GGUF/Tiny-1B-Q8_0.gguf")
    assert ids()["tiny-1b-other"] == "ready"


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_ctrl_c_ends_at_once_and_keeps_what_has_arrived(hub: FakeHub, home: Path):
    """It says that the same command goes on."""
    hub.faults.append(fault.trickle)
    words = [sys.executable, "-m", "localllm", "pull", "hf:owner/Tiny-1B-GGUF/Tiny-1B-Q8_0.gguf"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    part = home / "models" / "owner" / "Tiny-1B-GGUF" / "Tiny-1B-Q8_0.gguf.part"
    try:
        wait_until(lambda: part.exists() and len(hub.requests) >= 2, timeout_s=60)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "The same command goes on with it." in said
    assert part.exists()


def test_removing_leaves_the_users_own_files_alone(home: Path, tmp_path: Path):
    """What was only added is only taken out."""
    own = tiny_models.write(tmp_path / "own.gguf")
    run("add", str(own), "--id", "own")
    assert json.loads(run("rm", "own", "--yes", "--json").output)["deleted"] == []
    assert own.exists()
    assert "own" not in ids()


def test_a_file_that_another_entry_uses_is_kept(hub: FakeHub, home: Path):
    """Two entries may share one download."""
    home.mkdir()
    row = '[[model]]\nid = "{}"\nsource = "hf:owner/Tiny-1B-GGUF/Tiny-1B-Q4_K_M.gguf"\n'
    (home / "models.toml").write_text(row.format("a") + row.format("b"))
    run("pull", "a")
    run("rm", "a", "--yes")
    assert ids() == {"b": "ready"}


def test_the_bar_says_how_much_how_fast_and_how_long():
    """And nothing it does not know."""
    text = bar_text(Progress("running", 1_200_000_000, 2_400_000_000, 20e6, 60.4))
    assert text == "[###############---------------] 1.2 GB of 2.4 GB, 20.0 MB/s, 1 min 0 s left"
    assert bar_text(Progress("running", 0, 0, 0, None)).endswith("0 B of 0 B")
