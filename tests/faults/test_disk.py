"""A full disk: under the logs, the prefix cache, the catalog. What needs no disk goes on; what does says so.

`/dev/full` is a real full disk for one file. For all files of a process a limit of their size is set from outside,
because filling a file system needs the rights to mount one.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from localllm import errors
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from tests.faults.app import RUN, App, healthy_throughout, running

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")


def fill_disk(app: App) -> None:
    """From now on no process of the app can write into any file: every write of a byte is too much."""
    import resource

    for process in (app.seen, *app.engines()):
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="prlimit of another process is Linux's")
def test_requests_are_answered_with_a_full_disk(tmp_path: Path, tiny_model_path: Path):
    """Logs, measurements and prefixes cannot be written: answers come all the same, and nothing is left broken."""
    with running(tmp_path, tiny_model_path) as app:
        assert app.ask().status == 200
        fill_disk(app)
        with healthy_throughout(app):
            long = app.client.chat(
                "word " * 600, model="tiny", max_tokens=4
            )  # long enough to be kept on disk
            assert long.status == 200
            assert app.ask("one").status == 200  # its engine starts with the disk full, its log included
            app.unload_all()  # where prefixes are saved
            assert app.ask().status == 200
        assert app.process.poll() is None
    assert not list((tmp_path / "cache").rglob("*.tmp"))
    for stored in (tmp_path / "cache").rglob("*.prefix"):
        assert stored.stat().st_size == 0 or stored.read_bytes().startswith(b"localllm-prefix")


@pytest.mark.slow
@needs_full
def test_an_engine_whose_log_is_on_a_full_disk_answers(tmp_path: Path, tiny_model_path: Path):
    """Each of its lines fails with "no space left on device"; its requests do not."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "engine-tiny.log").symlink_to(FULL)
    with running(tmp_path, tiny_model_path) as app:
        assert app.ask().status == 200
        assert app.client.chat("x", model="tiny", grammar="root ::= (").status == 400


@pytest.mark.slow
@needs_full
def test_the_app_answers_when_its_own_log_cannot_be_written(tmp_path: Path, tiny_model_path: Path):
    """stderr is on the full disk."""
    with running(tmp_path, tiny_model_path, stderr=FULL) as app:
        for _ in range(3):
            assert app.ask().status == 200


def test_a_catalog_that_cannot_be_written_is_a_sentence_and_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """`add`, `pull` and `rm` replace the file whole or not at all."""
    catalog = Catalog(tmp_path / "models.toml")
    before = catalog.path.read_text(encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(errors.LocalllmError, match="No space left"):
        catalog.add(Entry(id="new", source="/m.gguf"))
    assert catalog.path.read_text(encoding="utf-8") == before
    assert [path.name for path in tmp_path.iterdir()] == ["models.toml"]
    monkeypatch.undo()
    catalog.add(Entry(id="new", source="/m.gguf"))
    assert catalog.find("new")


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of a file's size on Windows")
def test_add_says_that_the_disk_is_full(tmp_path: Path, tiny_model_path: Path):
    """The command ends with one sentence and status 1, without a traceback, and the catalog is whole."""
    environ = os.environ | {"LOCALLLM_HOME": str(tmp_path)}
    assert subprocess.run([*RUN[:3], "list"], env=environ, capture_output=True, check=False).returncode == 0
    before = (tmp_path / "models.toml").read_bytes()
    code = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1, 1)); " + RUN[2]
    command = [sys.executable, "-c", code, "add", str(tiny_model_path), "--id", "new"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "models.toml").read_bytes() == before
