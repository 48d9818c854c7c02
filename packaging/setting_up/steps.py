"""Runs the commands of a set-up one after another: shows what is going on, and writes everything they say to the log.

On a terminal one live line is redrawn; elsewhere a plain line appears every 15 seconds. All of it goes to stderr,
because stdout belongs to localllm. Knows nothing of what the commands are for.
"""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, TextIO

from .build_log import Lines, Progress

REDRAW_S = 0.2
PLAIN_LINE_S = 15.0
STOP_S = 20.0


class SetupFailed(Exception):
    """The set-up cannot go on. The message is for the person: what happened, and what to do."""


class CommandFailed(Exception):
    """A command ended with `code`; `lines` is what it said."""

    def __init__(self, code: int, lines: list[str]) -> None:
        super().__init__(f"exit status {code}")
        self.code = code
        self.lines = lines


def duration(seconds: float) -> str:
    """`4.2 s`, `3 min 05 s`."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60} min {int(seconds) % 60:02d} s"


class Screen:
    """One live line on a terminal, plain lines elsewhere."""

    def __init__(self, out: TextIO, plain_line_s: float = PLAIN_LINE_S) -> None:
        self._out = out
        self._is_terminal = out.isatty()
        self._interval_s = REDRAW_S if self._is_terminal else plain_line_s
        self._last = time.monotonic()

    def say(self, line: str) -> None:
        """A line that stays."""
        self._write(line, end="\n")

    def show(self, line: str) -> None:
        """How things stand now; shown only when it is time for it again."""
        if time.monotonic() - self._last >= self._interval_s:
            self._write(line, end="" if self._is_terminal else "\n")

    def _write(self, line: str, end: str) -> None:
        if self._is_terminal:  # padded, not erased: old Windows consoles know no escape sequences
            width = shutil.get_terminal_size().columns - 1
            line = "\r" + (line if end else line[:width]).ljust(width)
        self._out.write(line + end)
        self._out.flush()
        self._last = time.monotonic()


class Steps:
    """The steps of one set-up, with their times. The log is appended to, each line with the time of day."""

    def __init__(self, log: Path, screen: Screen) -> None:
        self.log = log
        self.title = ""
        self._screen = screen
        self._started = time.monotonic()
        self._log_file = log.open("a", encoding="utf-8")
        self._write_log(time.strftime("==== set-up of %Y-%m-%d %H:%M:%S"))

    def close(self) -> None:
        self._log_file.close()

    @property
    def elapsed_s(self) -> float:
        """Since the present step began."""
        return time.monotonic() - self._started

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Everything inside is shown under `title`; at the end it stays on the screen with its time."""
        self.title, self._started = title, time.monotonic()
        self._write_log(f"-- {title}")
        self._screen.show(f"  {title} ...")
        yield
        self._screen.say(f"  {title}: done in {duration(self.elapsed_s)}")
        self._write_log(f"-- {title}: done in {duration(self.elapsed_s)}")

    def note(self, text: str) -> None:
        """Something the person should know, on the screen and in the log."""
        self._screen.say(f"  {text}")
        self._write_log(f"-- {text}")

    def run(self, command: Sequence[str], env: Mapping[str, str] | None = None) -> list[str]:
        """Run it to its end and give what it said (stdout and stderr). Raises CommandFailed."""
        self._write_log("$ " + " ".join(command))
        child_env = {
            "PIP_RETRIES": "2",
            **os.environ,
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1",
            **(env or {}),
        }
        child = subprocess.Popen(
            command,
            env=child_env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0 if os.name == "posix" else None,  # so that the compilers can be stopped with it
        )
        try:
            lines = self._follow(child)
        except BaseException:
            _stop(child)
            raise
        if code := child.wait():
            self._write_log(f"-- exit status {code}")
            raise CommandFailed(code, lines)
        return lines

    def _follow(self, child: subprocess.Popen[bytes]) -> list[str]:
        assert child.stdout is not None
        arrived: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        threading.Thread(target=_read_all, args=(child.stdout, arrived), daemon=True).start()
        said: list[str] = []
        lines, progress = Lines(), Progress()
        while True:
            try:
                data = arrived.get(timeout=REDRAW_S)
            except queue.Empty:
                data = None
            for line in lines.flush() if data == b"" else lines.feed(data or b""):
                said.append(line)
                progress.read(line)
                self._write_log(line)
            if data == b"":
                return said
            what = f", {progress}" if progress.doing else ""
            self._screen.show(f"  {self.title}: {duration(self.elapsed_s)}{what}")

    def _write_log(self, line: str) -> None:
        self._log_file.write(f"{time.strftime('%H:%M:%S')} {line}\n")
        self._log_file.flush()


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End it as Ctrl-C does (pip then clears its temporary folders up), and the hard way if it goes on.

    On POSIX all that it has started ends with it; on Windows the console has sent Ctrl-C to everything already.
    """
    if sys.platform == "win32":
        ways = [child.terminate, child.kill]
    else:
        ways = [partial(os.killpg, child.pid, sign) for sign in (signal.SIGINT, signal.SIGKILL)]
    for end in ways:
        with suppress(ProcessLookupError):
            end()
        with suppress(subprocess.TimeoutExpired):
            child.wait(timeout=STOP_S)
            return


def _read_all(pipe: IO[bytes], arrived: queue.SimpleQueue[bytes]) -> None:
    """Pass on what the child says as it comes; an empty piece is the end."""
    with pipe:
        while data := os.read(pipe.fileno(), 65536):
            arrived.put(data)
    arrived.put(b"")
