"""Shows the page: in a window of its own where a browser can do that, else in the person's browser, else not.

The window is a process of the browser's with a profile folder of ours: closing it ends nothing but itself, and
`close_windows` finds it whoever opened it. Knows no server.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import sys
import webbrowser
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import psutil

from localllm.desktop.browsers import Browser, arguments, candidates

log = logging.getLogger(__name__)
Shown = Literal["window", "browser", "nowhere"]
PROFILE_FOLDER = "window"
START_S = 2.0  # a browser that cannot run says so within this time
CLOSE_S = 5.0


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    """A process that lives on when this one, or its terminal, ends."""
    nowhere = subprocess.DEVNULL
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, creationflags=flags)
    return subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True)


@dataclass
class Screen:
    """The system as seen from here; tests give another one."""

    platform: str = sys.platform
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    home: str = field(default_factory=lambda: str(Path.home()))
    which: Callable[[str], str | None] = shutil.which
    exists: Callable[[str], bool] = os.path.isfile
    run: Callable[[list[str]], subprocess.Popen[bytes]] = _start
    browse: Callable[[str], bool] = webbrowser.open

    @property
    def is_there(self) -> bool:
        """False in a terminal without a desktop, where a browser would be one of text, in that very terminal."""
        if self.platform in ("win32", "darwin"):
            return True
        return bool(self.environ.get("DISPLAY") or self.environ.get("WAYLAND_DISPLAY"))

    def browsers(self) -> list[Browser]:
        found = candidates(self.platform, self.environ, self.home, self.which)
        return [browser for browser in found if self.exists(browser.program)]


_windows: list[subprocess.Popen[bytes]] = []  # kept, so that a closed one is reaped


def show(url: str, state: Path, screen: Screen | None = None) -> Shown:
    """Open the page. state: the folder in which the window's profile lies."""
    screen = screen or Screen()
    if not screen.is_there:
        return "nowhere"
    for browser in screen.browsers():
        if _opens(arguments(browser, url, str(state / PROFILE_FOLDER)), screen):
            return "window"
    try:
        return "browser" if screen.browse(url) else "nowhere"
    except (webbrowser.Error, OSError) as e:
        log.warning("The browser did not start: %s", e)
        return "nowhere"


def _opens(command: list[str], screen: Screen) -> bool:
    """True where the browser runs, or has handed the page over to its first process and ended well."""
    try:
        process = screen.run(command)
    except OSError as e:
        log.warning("%s did not start: %s", command[0], e)
        return False
    _windows.append(process)
    with contextlib.suppress(subprocess.TimeoutExpired):
        if code := process.wait(START_S):
            log.warning("%s ended at once with status %d", command[0], code)
            return False
    return True


def close_windows(state: Path, processes: Iterable[psutil.Process] | None = None) -> None:
    """End the windows of this profile, by the folder that stands in their command. For the end of the app only."""
    mark = f"--user-data-dir={state / PROFILE_FOLDER}"
    found = [p for p in (psutil.process_iter() if processes is None else processes) if _is_main(p, mark)]
    for process in found:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    psutil.wait_procs(found, CLOSE_S)


def _is_main(process: psutil.Process, mark: str) -> bool:
    """The browser's first process; its children, which have a --type, end with it."""
    try:
        command = process.cmdline()
    except (psutil.Error, OSError):
        return False
    return mark in command and not any(word.startswith("--type=") for word in command)
