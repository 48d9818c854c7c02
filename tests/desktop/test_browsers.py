"""Where browsers are, as data, over a file system that exists only here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from localllm.desktop import window
from localllm.desktop.browsers import Browser, arguments
from localllm.desktop.window import Screen

WINDOWS = {
    "PROGRAMFILES": r"C:\Program Files",
    "PROGRAMFILES(X86)": r"C:\Program Files (x86)",
    "LOCALAPPDATA": r"C:\Users\Анна\AppData\Local",
}
CASES = {
    "windows, Chrome for all users": (
        "win32", [r"C:\Program Files\Google\Chrome\Application\chrome.exe"], True),
    "windows, Chrome for one user whose name is Cyrillic": (
        "win32", [r"C:\Users\Анна\AppData\Local\Google\Chrome\Application\chrome.exe"], True),
    "windows as it comes": (
        "win32", [r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe"], True),
    "mac": ("darwin", ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"], True),
    "mac, in the user's own folder": (
        "darwin", ["/home/anna/Applications/Chromium.app/Contents/MacOS/Chromium"], True),
    "debian": ("linux", ["/usr/bin/chromium"], True),
    "fedora": ("linux", ["/usr/bin/google-chrome-stable"], True),
    "ubuntu's snap, before the script that starts it": (
        "linux", ["/snap/bin/chromium", "/usr/bin/chromium-browser"], False),
    "old ubuntu": ("linux", ["/usr/bin/chromium-browser"], True),
    "flatpak": ("linux", ["/var/lib/flatpak/exports/bin/com.google.Chrome"], False),
    "flatpak of one user": (
        "linux", ["/home/anna/.local/share/flatpak/exports/bin/org.chromium.Chromium"], False),
}  # fmt: skip


class FakeProcess:
    """A browser that has ended with `code`, or runs on where it is None."""

    def __init__(self, code: int | None) -> None:
        self.code = code

    def wait(self, timeout: float) -> int:
        if self.code is None:
            raise subprocess.TimeoutExpired("browser", timeout)
        return self.code


class FakeScreen(Screen):
    """A system with these files; `ran` is what was started, `browsed` what the ordinary browser was given."""

    def __init__(
        self,
        platform: str,
        files: list[str],
        *,
        code: int | None = None,
        has_browser: bool = True,
        display: str = ":0",
    ) -> None:
        self.ran: list[list[str]] = []
        self.browsed: list[str] = []

        def run(command: list[str]) -> subprocess.Popen[bytes]:
            self.ran.append(command)
            return FakeProcess(code)  # type: ignore[return-value]

        def browse(url: str) -> bool:
            self.browsed.append(url)
            return has_browser

        super().__init__(
            platform=platform,
            environ=(WINDOWS if platform == "win32" else {}) | ({"DISPLAY": display} if display else {}),
            home="/home/anna",
            which=lambda name: next(
                (f for f in files if f.rpartition("/")[2] == name and "/bin/" in f), None
            ),
            exists=lambda path: path in files,
            run=run,
            browse=browse,
        )


@pytest.mark.parametrize(("platform", "files", "has_own_profile"), CASES.values(), ids=CASES)
def test_each_system_keeps_its_browsers_where_they_are_looked_for(
    platform: str, files: list[str], has_own_profile: bool, tmp_path: Path
):
    """The page opens as an app window, with our own profile where the browser may write to one."""
    screen = FakeScreen(platform, files)
    assert window.show("http://localhost:5757", tmp_path, screen) == "window"
    (command,) = screen.ran
    assert command[:2] == [files[0], "--app=http://localhost:5757"]
    assert (f"--user-data-dir={tmp_path / 'window'}" in command) is has_own_profile
    assert screen.browsed == []


def test_without_such_a_browser_the_page_opens_in_the_persons_own(tmp_path: Path):
    """Firefox, Safari: a tab does as well."""
    screen = FakeScreen("linux", ["/usr/bin/firefox"])
    assert window.show("http://localhost:5757", tmp_path, screen) == "browser"
    assert screen.browsed == ["http://localhost:5757"]


def test_a_machine_without_any_browser_is_told_so_and_serves_on(tmp_path: Path):
    """Nothing is raised; the caller says the address."""
    assert (
        window.show("http://localhost:5757", tmp_path, FakeScreen("linux", [], has_browser=False))
        == "nowhere"
    )


def test_a_terminal_without_a_desktop_gets_no_browser_of_text(tmp_path: Path):
    """Over SSH, lynx would take the terminal over."""
    screen = FakeScreen("linux", ["/usr/bin/chromium"], display="")
    assert window.show("http://localhost:5757", tmp_path, screen) == "nowhere"
    assert (screen.ran, screen.browsed) == ([], [])


def test_a_browser_that_ends_with_an_error_is_not_the_last_try(tmp_path: Path):
    """Chromium refuses to run as root, for one; the ordinary browser is next."""
    screen = FakeScreen("linux", ["/usr/bin/chromium"], code=1)
    assert window.show("http://localhost:5757", tmp_path, screen) == "browser"


def test_a_browser_that_hands_over_to_its_first_process_has_shown_the_page(tmp_path: Path):
    """The second start's browser ends at once, and well."""
    screen = FakeScreen("linux", ["/usr/bin/chromium"], code=0)
    assert window.show("http://localhost:5757", tmp_path, screen) == "window"


def test_the_window_asks_nothing_and_nobody_at_its_first_start():
    """No welcome, no question, no sync, no component downloads."""
    command = arguments(Browser("chromium"), "http://localhost:1", "/p")
    for word in (
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-background-networking",
        "--disable-sync",
    ):
        assert word in command


def test_the_end_of_the_app_ends_its_own_window_and_no_other(tmp_path: Path):
    """By the profile's folder in the command; a window of another home stays, and so does the person's browser."""
    wait = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    mine, others = tmp_path / "моё 家", tmp_path / "моё"
    commands = [
        f"--user-data-dir={mine / 'window'}",
        f"--user-data-dir={others / 'window'}",
        "--app=http://x",
    ]
    started = [subprocess.Popen([*wait, word], stdin=subprocess.PIPE) for word in commands]
    try:
        window.close_windows(mine, [psutil.Process(p.pid) for p in started])
        assert started[0].wait(60) is not None
        assert [p.poll() for p in started[1:]] == [None, None]
    finally:
        for process in started:
            process.kill()
            process.communicate()
