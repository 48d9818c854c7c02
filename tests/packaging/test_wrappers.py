"""The double-click wrappers around start.py."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import PACKAGING, Checkout
from .test_start import wait_for

FOLDER = "Мои программы 我的 programs"


@pytest.mark.parametrize("name", ["localllm.sh", "localllm.command"])
def test_a_wrapper_works_from_any_folder_and_passes_the_words_on(
    checkout: Checkout, tmp_path: Path, name: str
):
    """A path with spaces, Cyrillic and Chinese; started from elsewhere, as a file manager does."""
    root = tmp_path / FOLDER / "local llm"
    shutil.copytree(checkout.root, root)
    checkout.program("python3", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    checkout.program("uname", "#!/bin/sh\necho Linux\n")
    wrapper = root / "packaging" / name
    done = subprocess.run(
        ["/bin/sh", str(wrapper), "chat", "Привет 你好"],
        env=checkout.env,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "localllm got: chat Привет 你好\n", done.stderr
    assert done.returncode == 7


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no executable bit")
@pytest.mark.parametrize("name", ["localllm.sh", "localllm.command"])
def test_a_wrapper_can_be_double_clicked(name: str):
    """It has the right to be run."""
    assert (PACKAGING / name).stat().st_mode & 0o111


def test_the_windows_wrapper_finds_its_own_folder_and_keeps_its_window_after_an_error():
    """By %~dp0, in quotes; without words a failure waits for a key, so that the sentence can be read."""
    text = (PACKAGING / "localllm.bat").read_text(encoding="ascii")
    assert 'set "START=%~dp0start.py"' in text
    assert '"%START%" %*' in text
    assert 'if not "%CODE%"=="0" if "%~1"=="" pause' in text


def test_the_first_double_click_without_a_terminal_opens_one_for_the_set_up(checkout: Checkout):
    """The set-up takes minutes; once it is done, a double-click needs no terminal."""
    checkout.program("python3", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    checkout.program(
        "x-terminal-emulator", '#!/bin/sh\necho "terminal: $*" >> "$FAKES/calls"\nshift\nexec "$@"\n'
    )
    wrapper = checkout.root / "packaging" / "localllm.sh"
    for _ in range(2):
        words = ["/bin/sh", str(wrapper)]
        subprocess.run(
            words,
            env=checkout.env | {"DISPLAY": ":9"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            check=False,
        )
    assert [call for call in checkout.calls if call.startswith("terminal")] == [
        f"terminal: -e /bin/sh {wrapper}"
    ]


def test_a_set_up_that_fails_without_a_terminal_is_told_on_a_page(checkout: Checkout):
    """Whoever double-clicked sees the sentence; whoever typed words reads it where they were typed."""
    checkout.program("xdg-open", '#!/bin/sh\necho "page: $*" >> "$FAKES/calls"\n')
    checkout.env["DISPLAY"] = ":9"
    (checkout.fakes / "pip-says").write_text("fatal error: No space left on device\n", encoding="utf-8")
    assert checkout.start("list").returncode == 1
    assert not any(call.startswith("page") for call in checkout.calls)
    assert checkout.start().returncode == 1
    wait_for(checkout, "page:")  # the browser is not waited for
    (shown,) = [call for call in checkout.calls if call.startswith("page: file:///")]
    page = Path(shown.removeprefix("page: file://"))
    assert "The disk is full: make room and start again." in page.read_text(encoding="utf-8")
    page.unlink()
