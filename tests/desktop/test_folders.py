"""Homes that cannot be written, logs that must not grow, errors that must be seen."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localllm.desktop import folders, log_file
from localllm.desktop.error_page import write_error_page
from localllm.desktop.page_link import page_link
from localllm.paths import Paths


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    """Its handlers and level are put back."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield root
    for handler in set(root.handlers) - set(before):
        handler.close()
    root.handlers[:] = before
    root.setLevel(level)


def below(home: Path) -> Paths:
    return Paths(data=home, cache=home / "cache", logs=home / "logs")


def unwritable(tmp_path: Path) -> Path:
    """A home in which nothing can be made, for root neither: it lies below a file."""
    (tmp_path / "file").touch()
    return tmp_path / "file" / "home"


def test_a_home_that_can_be_written_is_used_as_it_is(tmp_path: Path):
    """Whatever its name: spaces, Cyrillic, Chinese."""
    paths = below(tmp_path / "Моя папка 我的 文件夹")
    assert folders.writable_folders(paths) == folders.Folders(paths, paths.data)


def test_a_read_only_home_costs_what_would_be_kept_and_nothing_else(tmp_path: Path, temporary: Path):
    """Cache, logs and the record of the run go to a private temporary folder; the person is told what to do."""
    paths = below(unwritable(tmp_path))
    found = folders.writable_folders(paths)
    assert found.paths.data == paths.data
    assert temporary in found.state.parents
    assert temporary in found.paths.logs.parents
    assert temporary in found.paths.cache.parents
    assert f"{paths.data} and " in found.problem
    assert "set LOCALLLM_HOME to a folder that is" in found.problem


def test_the_second_start_of_a_read_only_home_finds_the_first(tmp_path: Path, temporary: Path):
    """The temporary folder is the same at every start of this user."""
    paths = below(unwritable(tmp_path))
    assert folders.writable_folders(paths).state == folders.writable_folders(paths).state


@pytest.mark.skipif(sys.platform == "win32", reason="Windows' temporary folder is the user's own")
@pytest.mark.parametrize("trick", ["a link", "open to all"])
def test_a_temporary_folder_that_somebody_else_prepared_is_not_used(temporary: Path, trick: str):
    """/tmp is everybody's: a folder that is not ours alone could hold a record that leads elsewhere."""
    expected = folders.temporary_folder()
    expected.rmdir()
    if trick == "a link":
        (temporary / "theirs").mkdir()
        expected.symlink_to(temporary / "theirs")
    else:
        expected.mkdir()
        expected.chmod(0o777)
    assert folders.temporary_folder() not in (expected, expected.resolve())


def test_the_log_rotates_and_keeps_a_bounded_number_of_files(tmp_path: Path, root_logger, monkeypatch):
    """However long the app runs: the newest lines are in localllm.log, a few older files beside it."""
    monkeypatch.setattr(log_file, "MAX_BYTES", 2000)
    path = log_file.log_to(tmp_path, "info")
    for number in range(500):
        logging.getLogger("localllm").info("line %d, какая-то 行", number)
    files = sorted(f.name for f in tmp_path.iterdir())
    assert files == ["localllm.log", "localllm.log.1", "localllm.log.2", "localllm.log.3"]
    assert all(f.stat().st_size < 2 * 2000 for f in tmp_path.iterdir())
    assert "line 499, какая-то 行" in path.read_text(encoding="utf-8")


def test_a_program_without_a_console_logs_all_the_same(tmp_path: Path, root_logger, monkeypatch):
    """On Windows it has no stderr at all."""
    monkeypatch.setattr(sys, "stderr", None)
    path = log_file.log_to(tmp_path, "info")
    logging.getLogger("localllm").warning("here")
    assert "here" in path.read_text(encoding="utf-8")


def test_an_error_page_has_the_sentence_and_the_end_of_the_log(tmp_path: Path):
    """And nothing in either of them can become markup."""
    log = tmp_path / "logs"
    log.mkdir()
    (log / log_file.FILE).write_text("early\n" * 100 + "<script>alert(1)</script>\n", encoding="utf-8")
    page = write_error_page(tmp_path, 'settings.toml: "porrt" is no setting <b>', log)
    html = page.read_text(encoding="utf-8")
    assert "&quot;porrt&quot; is no setting &lt;b&gt;" in html
    assert "&lt;script&gt;alert(1)" in html
    assert "<script" not in html
    assert html.count("early") == 59
    assert str(log / log_file.FILE) in html


def test_the_key_reaches_the_page_without_standing_in_a_command_line(tmp_path: Path):
    """Every user of the computer can read the commands that run; the file is private."""
    assert page_link("http://localhost:5757", None, tmp_path) == "http://localhost:5757"
    link = page_link("http://localhost:5757", "sk-a&b", tmp_path)
    assert "sk-a" not in link
    file = tmp_path / "open-page.html"
    assert link == file.as_uri()
    assert "url=http://localhost:5757/#key=sk-a%26b" in file.read_text(encoding="utf-8")
    if os.name == "posix":
        assert file.stat().st_mode & 0o077 == 0
