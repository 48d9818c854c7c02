"""The entry in the menu of a Linux desktop."""

from __future__ import annotations

import shlex
import struct
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from localllm import cli
from localllm.desktop import entry

linux_only = pytest.mark.skipif(
    sys.platform in ("win32", "darwin"), reason="install-desktop is for Linux desktops"
)


def keys(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text(encoding="utf-8").splitlines() if "=" in line)


@linux_only
def test_install_desktop_puts_localllm_into_the_menu_and_takes_it_away(tmp_path: Path, monkeypatch):
    """Entry and icons where the specifications want them; --remove leaves nothing."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    said = CliRunner().invoke(cli.group, ["install-desktop"]).output
    file = tmp_path / "applications" / "localllm.desktop"
    found = keys(file)
    assert found["Name"] == "localllm"
    assert found["Terminal"] == "false"
    assert Path(shlex.split(found["Exec"])[0]).exists()
    assert (tmp_path / "icons/hicolor/scalable/apps/localllm.svg").exists()
    assert (tmp_path / "icons/hicolor/256x256/apps/localllm.png").exists()
    assert str(file) in said
    CliRunner().invoke(cli.group, ["install-desktop", "--remove"])
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    assert "There was no entry" in CliRunner().invoke(cli.group, ["install-desktop", "--remove"]).output


@linux_only
def test_a_data_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path, monkeypatch):
    """With the path, and without a traceback."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file" / "share"))
    error = CliRunner().invoke(cli.group, ["install-desktop"]).exception
    assert "cannot be written" in str(error)
    assert str(tmp_path) in str(error)


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("/opt/localllm/localllm", '"/opt/localllm/localllm"'),
        ("/home/anna/Мои программы/程序 a/localllm", '"/home/anna/Мои программы/程序 a/localllm"'),
        ('/a"b', r'"/a\\"b"'),
        ("/a$b`c", r'"/a\\$b\\`c"'),
        ("/100%", '"/100%%"'),
        ("/a\\b", r'"/a\\\\b"'),
    ],
)
def test_any_path_can_stand_in_the_entry(word: str, written: str):
    """Quoted as the Exec key wants it, and escaped once more as every value of such a file."""
    assert entry.exec_line([word]) == written


def test_the_icons_are_what_they_are_called():
    """The PNG has the size of the folder that it is put into."""
    png = (entry.ICONS / "localllm.png").read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (256, 256)
    assert (entry.ICONS / "localllm.svg").read_text(encoding="utf-8").startswith("<svg ")
