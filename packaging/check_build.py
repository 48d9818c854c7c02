#!/usr/bin/env python3
"""Check a built program as a person meets it: unpacked into a folder with spaces, run in an empty home, on a screen.

    python3 packaging/check_build.py build/localllm-0.1.0-linux-x86_64.tar.gz [--screen]    (or the folder)

It starts, the page answers, the guide answers, a second start finds the first, Quit leaves no process; it takes no more
room than promised. `--screen` (Linux, with Xvfb, xdotool and a Chromium) also looks for the window. Gives exit status 0
where all of it holds. Needs psutil, and nothing of localllm's own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psutil

T = TypeVar("T")
MAX_BYTES = 150 * 10**6
WAIT_S = 120.0  # not a bar: a busy machine may take long, and the measured times are printed
DISPLAY = ":97"
FOLDER_NAME = "Программы und 程序 with spaces"
QUESTION = {
    "model": "guide",
    "messages": [{"role": "user", "content": "What is localllm?"}],
    "max_tokens": 60,
}


def main(words: list[str]) -> int:
    """Gives an exit status."""
    archive, has_screen = Path(words[0]).absolute(), "--screen" in words
    room = Path(tempfile.mkdtemp(prefix="localllm-check-"))
    try:
        program = unpack(archive, room / FOLDER_NAME)
        check_size(program)
        with screen() if has_screen else no_screen() as environ:
            check_run(program, empty_home(room, environ, has_screen), has_screen)
    finally:
        shutil.rmtree(room, ignore_errors=True)
    print("All of it holds.")
    return 0


def unpack(archive: Path, folder: Path) -> Path:
    """The program's file in the unpacked archive, or in a copy of the folder."""
    folder.mkdir(parents=True)
    if archive.is_dir():
        shutil.copytree(archive, folder / archive.name, symlinks=True)
    elif archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as zipped:
            zipped.extractall(folder)
    else:
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    names = ("localllm-app.exe", "localllm.app/Contents/MacOS/localllm", "localllm/localllm")
    return next(path for name in names for path in folder.rglob(name))


def check_size(program: Path) -> None:
    folder = next(parent for parent in program.parents if parent.parent.name == FOLDER_NAME)
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    num_bytes = sum(path.stat().st_size for path in files)
    say(f"unpacked {num_bytes / 1e6:.1f} MB in {len(files)} files")
    assert num_bytes <= MAX_BYTES, f"more than {MAX_BYTES / 1e6:.0f} MB"


def empty_home(room: Path, environ: dict[str, str], has_screen: bool) -> dict[str, str]:
    """An environment in which nothing of this user's is found, and the name of a Chromium that a root user may run."""
    home = room / "Домашняя папка 家"
    home.mkdir()
    kept = {k: v for k, v in environ.items() if not k.startswith(("XDG_", "LOCALLLM_", "PYTHON"))}
    found = kept | {"HOME": str(home), "USERPROFILE": str(home), "LOCALAPPDATA": str(home / "AppData")}
    if has_screen and os.geteuid() == 0:  # Chromium's sandbox does not run as root, which only such checks do
        real = next(path for name in ("chromium", "google-chrome") if (path := shutil.which(name)))
        wrapper = room / "bin" / "chromium"
        wrapper.parent.mkdir()
        wrapper.write_text(f'#!/bin/sh\nexec "{real}" --no-sandbox "$@"\n', encoding="utf-8")
        wrapper.chmod(0o755)
        found["PATH"] = f"{wrapper.parent}{os.pathsep}{found['PATH']}"
    return found


@contextmanager
def screen() -> Iterator[dict[str, str]]:
    """A screen of its own for the window."""
    server = subprocess.Popen(["Xvfb", DISPLAY, "-screen", "0", "1280x900x24", "-nolisten", "tcp"])
    try:
        until("the screen", lambda: Path(f"/tmp/.X11-unix/X{DISPLAY[1:]}").exists())
        yield {**os.environ, "DISPLAY": DISPLAY}
    finally:
        server.terminate()
        server.wait()


@contextmanager
def no_screen() -> Iterator[dict[str, str]]:
    """On Linux without one; the other systems have theirs anyway."""
    yield {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}


def check_run(program: Path, environ: dict[str, str], has_screen: bool) -> None:
    started = time.monotonic()
    first = subprocess.Popen([str(program)], env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        record = until("the server", lambda: read_record(Path(environ["HOME"])), first)
        url = record["url"]
        until("the page", lambda: fetch(url), first)
        say(f"the page answered after {time.monotonic() - started:.2f} s, at {url}")
        if has_screen:
            say(f"the window is {until('the window', lambda: window_title(environ), first)!r}")
        say(
            f"{psutil.Process(record['pid']).memory_info().rss / 1e6:.0f} MB in the app process, nothing loaded"
        )
        asked = time.monotonic()
        answer = json.loads(fetch(f"{url}/v1/chat/completions", QUESTION) or b"{}")
        text = answer["choices"][0]["message"]["content"]
        say(f"the guide answered after {time.monotonic() - asked:.2f} s: {text[:100]!r}")
        assert "localllm" in text
        check_second_start(program, environ, url)
        quit_and_look_for_leftovers(url, first, program, environ)
    finally:
        if first.poll() is None:
            first.kill()


def check_second_start(program: Path, environ: dict[str, str], url: str) -> None:
    started = time.monotonic()
    second = subprocess.run([str(program)], env=environ, capture_output=True, timeout=WAIT_S, check=False)
    said = (second.stdout + second.stderr).decode(errors="replace")
    say(f"the second start ended after {time.monotonic() - started:.2f} s: {said.strip()!r}")
    assert second.returncode == 0
    if not program.name.startswith("localllm-app"):  # that one has no console to say anything in
        assert "running already" in said
        assert url in said


def quit_and_look_for_leftovers(
    url: str, first: subprocess.Popen[bytes], program: Path, environ: dict[str, str]
) -> None:
    asked = time.monotonic()
    fetch(f"{url}/quit", {})
    out, _ = first.communicate(timeout=WAIT_S)
    say(f"it ended {time.monotonic() - asked:.2f} s after Quit, with status {first.returncode}")
    assert first.returncode == 0, out.decode(errors="replace")
    until("the end of all its processes", lambda: not leftovers(program, environ))


def leftovers(program: Path, environ: dict[str, str]) -> list[str]:
    """Processes of the program, and of the browser with a profile in this home."""
    marks = (str(program.parent), environ["HOME"])
    found = []
    for process in psutil.process_iter(["pid", "cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if any(mark in command for mark in marks) and process.pid != os.getpid():
            found.append(command)
    return found


def read_record(home: Path) -> dict[str, Any] | None:
    """What the program wrote down once it listened."""
    for path in home.rglob("running.json"):
        try:
            record: dict[str, Any] = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return record
    return None


def fetch(url: str, body: dict[str, Any] | None = None) -> bytes | None:
    """The body of the answer; None where nobody answers yet."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=WAIT_S) as response:
            return bytes(response.read())
    except urllib.error.HTTPError as e:
        raise AssertionError(f"{url} answered {e.code}: {e.read().decode(errors='replace')}") from e
    except OSError:
        return None


def window_title(environ: dict[str, str]) -> str:
    """The name of the page's window; empty while there is none, or the page has not been read."""
    search = ["xdotool", "search", "--onlyvisible", "--class", "localllm", "getwindowname"]
    done = subprocess.run(search, env=environ, capture_output=True, text=True, check=False)
    return next((name for name in done.stdout.splitlines() if "localllm" in name), "")


def until(what: str, look: Callable[[], T | None], process: subprocess.Popen[bytes] | None = None) -> T:
    """The first true answer. Raises AssertionError after a long time, or where the process has ended."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if found := look():
            return found
        if process is not None and process.poll() is not None:
            said = process.communicate()[0].decode(errors="replace")
            raise AssertionError(f"It ended with status {process.returncode} before {what}: {said}")
        time.sleep(0.05)
    raise AssertionError(f"{what}: not there after {WAIT_S:.0f} s")


def say(text: str) -> None:
    print(f"  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
