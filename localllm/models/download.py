"""Downloads one file so that it is whole and right, or not there.

The bytes go to `NAME.part`, with `NAME.part.json` beside it that says what they are a part of; only after length,
hash and GGUF structure were checked is the file renamed to its name. Whatever ends a download (Ctrl-C, a crash, a
full disk), the next one goes on where it stopped. Knows no catalog and no terminal.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from localllm import errors
from localllm.models.file_lock import try_lock
from localllm.models.gguf import check_complete, read_gguf
from localllm.models.hub import Hub, RemoteFile, Unreachable
from localllm.models.sources import PART, PART_STATE

if TYPE_CHECKING:
    import httpx

MAX_TRIES = 8  # without a byte of progress between them
STALL_S = 30.0
MIN_BYTES_PER_STALL = 1 << 14  # less than this in STALL_S is no connection worth keeping

OnBytes = Callable[[int], None]


class Stopped(errors.LocalllmError):
    """The person paused or cancelled the download."""

    code = "stopped"


class _Useless(errors.DownloadFailed):
    """What has arrived is not the file, and cannot be gone on with."""


class _State(msgspec.Struct, frozen=True):
    """What a `.part` is a part of. served_etag: the ETag of whoever served the bytes, for If-Range."""

    etag: str
    size_bytes: int
    served_etag: str = ""


class Download:
    """One file on its way. `run` may be called again after it raised; it goes on where it stopped."""

    def __init__(
        self,
        hub: Hub,
        remote: RemoteFile,
        path: Path,
        *,
        on_bytes: OnBytes = lambda done: None,
        stop: threading.Event | None = None,
        wait: Callable[[float], Any] | None = None,
    ) -> None:
        """on_bytes is told how much is there; `stop` ends `run` with Stopped; `wait` sleeps between tries."""
        self._hub = hub
        self._remote = remote
        self._path = path
        self._part = path.with_name(path.name + PART)
        self._state_path = path.with_name(path.name + PART_STATE)
        self._on_bytes = on_bytes
        self._stop = stop or threading.Event()
        self._wait = wait or self._stop.wait
        self._most_told = 0

    def run(self) -> None:
        """Fetch what is missing, check everything, and put the file in its place. Raises DownloadFailed, Stopped."""
        if self._path.exists():
            self._tell(self._remote.size_bytes)
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._locked_part() as part:
                is_there = self._path.exists()  # another process finished it while we looked
                if not is_there:
                    self._fill(part)
                    self._check(part)
            # Windows renames and removes no open file, so both come after it was closed.
            if is_there:
                self._forget()
            else:
                self._part.replace(self._path)
                self._state_path.unlink(missing_ok=True)
        except OSError as e:
            raise self._disk_error(e) from e
        except _Useless:
            self._forget()
            raise

    @property
    def missing_bytes(self) -> int:
        """What is still to be downloaded."""
        if self._path.exists():
            return 0
        return max(0, self._remote.size_bytes - self._usable_bytes())

    # ── the part and its state ──────────────────────────────────────────────────────────────────────────────

    @contextlib.contextmanager
    def _locked_part(self) -> Iterator[IO[bytes]]:
        with self._part.open("ab+") as part:
            if not try_lock(part):
                raise errors.DownloadFailed(
                    f"{self._path.name} is being downloaded by another localllm already. Wait for it to finish.",
                    code="download_running",
                )
            yield part

    def _usable_bytes(self) -> int:
        """How much of the part can be gone on with: all of it, if it is a part of this very file."""
        state = self._state()
        if state is None or (state.etag, state.size_bytes) != (self._remote.etag, self._remote.size_bytes):
            return 0
        try:
            size = self._part.stat().st_size
        except OSError:
            return 0
        return size if size <= self._remote.size_bytes else 0

    def _state(self) -> _State | None:
        try:
            return msgspec.json.decode(self._state_path.read_bytes(), type=_State)
        except (OSError, msgspec.DecodeError):
            return None

    def _save_state(self, served_etag: str) -> None:
        state = _State(self._remote.etag, self._remote.size_bytes, served_etag)
        temporary = self._state_path.with_name(self._state_path.name + ".tmp")
        temporary.write_bytes(msgspec.json.encode(state))
        temporary.replace(self._state_path)

    def _forget(self) -> None:
        self._part.unlink(missing_ok=True)
        self._state_path.unlink(missing_ok=True)

    # ── fetching ────────────────────────────────────────────────────────────────────────────────────────────

    def _fill(self, part: IO[bytes]) -> None:
        """Ask again and again until the part is as long as the file; give up when nothing comes any more."""
        if self._usable_bytes() == 0:
            part.truncate(0)
            self._save_state("")
        num_tries, most = 0, self._part.stat().st_size
        while (have := _length(part)) < self._remote.size_bytes:
            error = Unreachable(f"The hub does not send all of {self._path.name}. Try again later.")
            try:
                self._fetch(part, have)
            except Unreachable as e:
                error = e
            num_tries = num_tries + 1 if _length(part) <= most else 0
            most = max(most, _length(part))
            if num_tries >= MAX_TRIES:
                raise error
            if most < self._remote.size_bytes:
                self._pause(min(2.0**num_tries, 30.0), error)
        os.fsync(part.fileno())

    def _pause(self, backoff_s: float, error: Unreachable) -> None:
        self._wait(max(backoff_s, error.asked_wait_s))
        self._raise_if_stopped()

    def _fetch(self, part: IO[bytes], have: int) -> None:
        """One request: append what comes. Raises Unreachable when the connection breaks or stalls."""
        state = self._state()
        with self._hub.open(self._remote.source, have, state.served_etag if state else "") as response:
            if response.status_code != 200 and not self._goes_on(response, have):
                part.truncate(0)  # 416, or another part than was asked for: begin anew with the next request
                return
            if response.status_code == 200 and have:
                part.truncate(
                    0
                )  # the server does not know parts, or the file has changed: it begins anew itself
                have = 0
            self._save_state(_strong_etag(response))
            self._append(part, have, response)

    def _goes_on(self, response: httpx.Response, have: int) -> bool:
        wanted = f"bytes {have}-{self._remote.size_bytes - 1}/{self._remote.size_bytes}"
        return response.status_code == 206 and response.headers.get("content-range", "") == wanted

    def _append(self, part: IO[bytes], have: int, response: httpx.Response) -> None:
        window_began, window_bytes = time.monotonic(), 0
        for chunk in response.iter_raw():  # as it comes: a size would lose what is gathered when it breaks
            self._raise_if_stopped()
            part.write(chunk)
            part.flush()  # what is told as done is there after a crash
            have += len(chunk)
            window_bytes += len(chunk)
            if have > self._remote.size_bytes:
                part.truncate(0)
                raise Unreachable(f"The server sends more than {self._path.name} has.")
            self._tell(have)
            if time.monotonic() - window_began > STALL_S:
                if window_bytes < MIN_BYTES_PER_STALL:
                    raise Unreachable(
                        "The connection is too slow to be of use. The same command goes on later."
                    )
                window_began, window_bytes = time.monotonic(), 0

    def _tell(self, done: int) -> None:
        """Progress never runs backwards, even where the download has to."""
        self._most_told = max(self._most_told, done)
        self._on_bytes(self._most_told)

    def _raise_if_stopped(self) -> None:
        if self._stop.is_set():
            raise Stopped("The download was stopped. The same command goes on with it.")

    # ── checking ────────────────────────────────────────────────────────────────────────────────────────────

    def _check(self, part: IO[bytes]) -> None:
        """Hash and structure. Raises _Useless: what is wrong is thrown away, so that the next try begins anew."""
        if self._remote.sha256 is not None and _sha256(part, self._raise_if_stopped) != self._remote.sha256:
            raise _Useless(
                f"{self._path.name} arrived damaged (its hash is wrong) and was thrown away. Run the same command "
                "again; if it happens again, a proxy or the hub's mirror is at fault.",
                code="wrong_hash",
            )
        if self._path.suffix.lower() == ".gguf":
            try:
                check_complete(read_gguf(self._part))
            except errors.ModelLoadFailed as e:
                message = e.message.replace(str(self._part), self._path.name)
                raise _Useless(f"The hub's file cannot be used. {message}") from e

    def _disk_error(self, error: OSError) -> errors.DownloadFailed:
        if error.errno == errno.EFBIG:
            return errors.DownloadFailed(
                f"The disk of {self._path.parent} cannot hold files as large as {self._path.name}. Set LOCALLLM_HOME "
                "to a folder on another disk (not a FAT32 one).",
                code="disk_full",
            )
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return errors.DownloadFailed(
                f"The disk of {self._path.parent} is full. Free some space and run the same command again: it goes on "
                "where it stopped.",
                code="disk_full",
            )
        return errors.DownloadFailed(f"{self._path} cannot be written: {error.strerror or error}.")


def on_disk(path: Path) -> tuple[int, int]:
    """How many bytes of a file are there, and how many it has in all; zeros where no download of it was begun."""
    if path.exists():
        return path.stat().st_size, path.stat().st_size
    try:
        state = msgspec.json.decode(path.with_name(path.name + PART_STATE).read_bytes(), type=_State)
        return path.with_name(path.name + PART).stat().st_size, state.size_bytes
    except (OSError, msgspec.DecodeError):
        return 0, 0


def _length(part: IO[bytes]) -> int:
    part.flush()
    return os.fstat(part.fileno()).st_size


def _strong_etag(response: httpx.Response) -> str:
    etag: str = response.headers.get("etag", "")
    return "" if etag.startswith("W/") else etag


def _sha256(part: IO[bytes], check: Callable[[], None]) -> str:
    digest = hashlib.sha256()
    part.seek(0)
    while chunk := part.read(1 << 20):
        check()
        digest.update(chunk)
    return digest.hexdigest()
