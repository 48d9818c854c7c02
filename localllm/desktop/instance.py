"""One instance per person: the second start finds the first one, by two files in the data folder.

    running.lock   held by the process that serves, and let go by the system however that process ends
    running.json   its pid, address and token, written once it listens; readable by its owner only

A record may be stale (a crash, a power cut, a pid that another program has now), so nobody is believed because of it:
the server on its port has to prove that it knows the token (see api/instance.py). Starts and opens nothing.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import secrets
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec
import psutil

from localllm import errors
from localllm.models.file_lock import try_lock
from localllm.paths import write_atomically
from localllm.proof import proof

LOCK_FILE = "running.lock"
RECORD_FILE = "running.json"
ANSWER_TIMEOUT_S = 2.0
STARTING_S = 20.0  # a start that takes longer hangs; one that ends drains for ten seconds
POLL_S = 0.05
REPLACE_TRIES = 10


class Running(msgspec.Struct, frozen=True):
    """The record of one run. url: where its page is; token: what only its person can read."""

    pid: int
    port: int
    url: str
    token: str


class Claim:
    """This process is the one that runs. `announce` once it listens; the record goes when the claim ends."""

    def __init__(self, folder: Path, file: IO[bytes] | None) -> None:
        """file: the lock; None where the folder's file system knows none."""
        self.token = secrets.token_hex(16)
        self._record = folder / RECORD_FILE
        self._file = file

    def announce(self, port: int, url: str) -> None:
        """Write down where it is. Raises OSError."""
        text = msgspec.json.encode(Running(os.getpid(), port, url, self.token)).decode() + "\n"
        for _ in range(REPLACE_TRIES):
            with contextlib.suppress(PermissionError):  # on Windows, while a second start reads it
                write_atomically(self._record, text, is_private=True)
                return
            time.sleep(POLL_S)
        write_atomically(self._record, text, is_private=True)

    def close(self) -> None:
        """Let the next start be the one."""
        running = read_record(self._record.parent)
        if running is not None and running.token == self.token:
            with contextlib.suppress(OSError):
                self._record.unlink()
        if self._file is not None:
            self._file.close()


@contextlib.contextmanager
def claimed(folder: Path) -> Iterator[Claim | None]:
    """The claim of this process, or None where another one has it or the folder cannot be written."""
    file = _locked_file(folder)
    claim = Claim(folder, file) if file is not None else None
    try:
        yield claim
    finally:
        if claim is not None:
            claim.close()


@contextlib.contextmanager
def claimed_or_found(folder: Path, timeout_s: float = STARTING_S) -> Iterator[Claim | Running]:
    """The claim of this process, or the run that has it; waits while that one is starting or ending.

    Raises OSError where the folder cannot be written, NotReady where whoever holds the lock answers nothing.
    """
    deadline = time.monotonic() + timeout_s
    found: Claim | Running | None = None
    folder.mkdir(parents=True, exist_ok=True)
    while found is None:
        if file := _locked_file(folder):
            found = Claim(folder, file)
        elif running := find(folder):
            found = running
        elif time.monotonic() > deadline:
            found = _without_lock(folder)
        else:
            time.sleep(POLL_S)
    try:
        yield found
    finally:
        if isinstance(found, Claim):
            found.close()


def find(folder: Path) -> Running | None:
    """The run that the record tells of, where it is alive and proves that it is the one; else None."""
    running = read_record(folder)
    if running is None or not psutil.pid_exists(running.pid):
        return None
    return running if answers(running) else None


def read_record(folder: Path) -> Running | None:
    """What stands in the record; None where there is none that can be read."""
    try:
        return msgspec.json.decode((folder / RECORD_FILE).read_bytes(), type=Running)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def answers(running: Running, timeout_s: float = ANSWER_TIMEOUT_S) -> bool:
    """Whether the server at its address knows the token."""
    challenge = secrets.token_hex(16)
    address = running.url.replace("//localhost:", "//127.0.0.1:")  # a name may lead elsewhere first
    url = f"{address}/instance?challenge={challenge}"
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({})
    )  # a proxy does not know this computer
    try:
        with opener.open(url, timeout=timeout_s) as response:
            said = json.load(response)
    except (OSError, ValueError, http.client.HTTPException):
        return False
    return isinstance(said, dict) and said.get("proof") == proof(running.token, challenge)


def _locked_file(folder: Path) -> IO[bytes] | None:
    """The lock's file, held; None where it cannot be held."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK_FILE).open("a+b")
    except OSError:
        return None
    if try_lock(file):
        return file
    file.close()
    return None


def _without_lock(folder: Path) -> Claim:
    """Where no lock can be had and nobody holds it (some network drives know none), the record has to do."""
    running = read_record(folder)
    if running is not None and psutil.pid_exists(running.pid):
        raise errors.NotReady(
            f"localllm is running already (process {running.pid}), but does not answer at {running.url}. "
            "End that process and start again."
        )
    return Claim(folder, None)
