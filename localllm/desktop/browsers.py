"""Which browsers can show a page as a window of its own (Chromium and its relatives), and where each system has them.

Data, and pure functions over it. Starts nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Browser:
    """has_own_profile: whether it can write to a folder of ours; a browser in a sandbox (snap, Flatpak) cannot."""

    program: str
    has_own_profile: bool = True


WINDOWS_FOLDERS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
WINDOWS_PROGRAMS = (
    r"Google\Chrome\Application\chrome.exe",
    r"Microsoft\Edge\Application\msedge.exe",
    r"Chromium\Application\chrome.exe",
    r"BraveSoftware\Brave-Browser\Application\brave.exe",
)
MAC_PROGRAMS = (
    "Google Chrome.app/Contents/MacOS/Google Chrome",
    "Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "Chromium.app/Contents/MacOS/Chromium",
    "Brave Browser.app/Contents/MacOS/Brave Browser",
)
LINUX_COMMANDS = (
    "google-chrome-stable",
    "google-chrome",
    "chromium",
    "microsoft-edge-stable",
    "microsoft-edge",
    "brave-browser",
    "vivaldi-stable",
)
SNAPS = ("/snap/bin/chromium", "/snap/bin/brave")
FLATPAK_FOLDERS = ("{home}/.local/share/flatpak/exports/bin", "/var/lib/flatpak/exports/bin")
FLATPAKS = ("com.google.Chrome", "org.chromium.Chromium", "com.microsoft.Edge", "com.brave.Browser")


def candidates(
    platform: str, environ: Mapping[str, str], home: str, which: Callable[[str], str | None]
) -> list[Browser]:
    """Where a browser may be, best first. platform: as sys.platform. which: as shutil.which."""
    if platform == "win32":
        folders = [environ[name] for name in WINDOWS_FOLDERS if environ.get(name)]
        return [Browser(rf"{folder}\{program}") for program in WINDOWS_PROGRAMS for folder in folders]
    if platform == "darwin":
        folders = ["/Applications", f"{home}/Applications"]
        return [Browser(f"{folder}/{program}") for program in MAC_PROGRAMS for folder in folders]
    native = [path for path in map(which, LINUX_COMMANDS) if path and not path.startswith("/snap/")]
    sandboxed = [f"{folder.format(home=home)}/{name}" for name in FLATPAKS for folder in FLATPAK_FOLDERS]
    # Ubuntu's chromium-browser is a script that starts the snap, so it comes after it.
    last = [path for path in [which("chromium-browser")] if path]
    return [
        *map(Browser, native),
        *(Browser(path, has_own_profile=False) for path in (*SNAPS, *sandboxed)),
        *map(Browser, last),
    ]


def arguments(browser: Browser, url: str, profile: str) -> list[str]:
    """The command that shows `url` in a window without tabs and address bar, and asks nothing and nobody at first."""
    own_profile = [
        f"--user-data-dir={profile}",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-default-apps",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
    ]
    return [
        browser.program,
        f"--app={url}",
        *(own_profile if browser.has_own_profile else []),
        "--class=localllm",
        "--window-size=1100,820",
    ]
