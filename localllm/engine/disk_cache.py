"""Prefixes on disk: written when nobody waits, read when a prompt begins like one of them.

One file per prefix, in a folder per fingerprint (model, llama.cpp, KV type, context settings): what another set of
settings wrote is never looked at. A file is written whole or not at all, and checked before it is used; a damaged one
is removed. Least recently used files go when the cap is reached; a prefix that alone is larger is not kept. Files hold
tokens of prompts: they are readable by the user only, and stay in the user's cache folder.

Thread-safe. Knows bytes and tokens, no context and no schedule.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time
from pathlib import Path

import msgspec
import numpy as np
import psutil

from localllm.engine.sequence import TokenBuffer, TokenIds, common_prefix

MAGIC = b"localllm-prefix-1\n"
SUFFIX = ".prefix"
UNFINISHED = ".tmp"
STALE_AFTER_S = 3600.0  # a write takes seconds
MIN_TOKENS = 64  # a shorter prefix is computed in the time of a few steps
HEADER_ROOM = 256


class Header(msgspec.Struct, frozen=True):
    """Begins a file, after the magic: how much follows, and what it must hash to."""

    num_tokens: int
    state_bytes: int
    digest: str


class Stored(msgspec.Struct, frozen=True):
    """A prefix on disk."""

    path: Path
    token_ids: TokenIds


class DiskCache:
    """The prefixes of one model with one set of settings, below `folder`. max_bytes caps all fingerprints together."""

    def __init__(self, folder: Path, fingerprint: str, max_bytes: int) -> None:
        self._root = folder
        self._folder = folder / hashlib.blake2b(fingerprint.encode(), digest_size=8).hexdigest()
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._stored: dict[Path, Stored] = {}
        self._remove_stale()
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            self._read_index(path)

    def find(self, tokens: TokenBuffer) -> tuple[Stored | None, int]:
        """The stored prefix that shares most tokens with this prompt, and how many."""
        wanted = tokens.view(0, len(tokens) - 1)
        with self._lock:
            candidates = list(self._stored.values())
        best = max(candidates, key=lambda s: common_prefix(s.token_ids, wanted), default=None)
        return best, common_prefix(best.token_ids, wanted) if best is not None else 0

    def read(self, stored: Stored) -> bytes | None:
        """The saved cells, or None where the file is damaged (and now removed) or gone."""
        try:
            with stored.path.open("rb") as file:
                header = _read_header(file.read(HEADER_ROOM))
                file.seek(HEADER_ROOM)
                ids, state = file.read(4 * header.num_tokens), file.read(header.state_bytes)
            if _digest(ids, state) == header.digest:
                os.utime(stored.path)
                return state
        except (OSError, ValueError, msgspec.MsgspecError):
            pass
        self._remove(stored.path)
        return None

    def covers(self, token_ids: TokenIds) -> int:
        """How many of these tokens are stored already."""
        with self._lock:
            return max((common_prefix(s.token_ids, token_ids) for s in self._stored.values()), default=0)

    def write(self, token_ids: TokenIds, state: bytes | bytearray) -> None:
        """Store a prefix and forget those it extends. A full disk is no error: the prefix is just not kept.

        One that would not fit under the cap alone is not kept either, and costs the others nothing.
        """
        token_ids = token_ids.copy()
        ids = token_ids.astype("<i4").tobytes()
        num_bytes = HEADER_ROOM + len(ids) + len(state)
        if num_bytes > self._max_bytes:
            return
        path = self._folder / f"{hashlib.blake2b(token_ids.tobytes(), digest_size=12).hexdigest()}{SUFFIX}"
        part = path.with_suffix(f".{os.getpid()}{UNFINISHED}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._make_room(num_bytes)
            header = Header(len(token_ids), len(state), _digest(ids, state))
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                for piece in (_write_header(header), ids, state):
                    file.write(piece)
            part.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            return
        with self._lock:
            shorter = [s for s in self._stored.values() if _extends(token_ids, s.token_ids)]
            self._stored[path] = Stored(path, token_ids)
        for stored in shorter:
            self._remove(stored.path)

    def _make_room(self, num_bytes: int) -> None:
        """Remove the least recently used files, of any model, until the cap leaves this much.

        What other engines are just writing counts, and is left alone.
        """
        self._remove_stale()
        total = sum(size for _, size, _ in self._files(UNFINISHED))
        files = sorted(self._files(SUFFIX))
        total += sum(size for _, size, _ in files)
        for _, size, path in files:
            if total + num_bytes <= self._max_bytes:
                return
            self._remove(path)
            total -= size

    def _files(self, suffix: str) -> list[tuple[float, int, Path]]:
        """When each file was used last, its size, and where it is; of all models."""
        files = []
        for path in self._root.glob(f"*/*{suffix}"):
            with contextlib.suppress(OSError):
                stat = path.stat()
                files.append((stat.st_mtime, stat.st_size, path))
        return files

    def _remove_stale(self) -> None:
        """Remove what an engine that was killed in the middle of a write has left."""
        for modified, _, path in self._files(UNFINISHED):
            pid = path.stem.rpartition(".")[2]
            is_being_written = pid.isdigit() and psutil.pid_exists(int(pid))
            if not is_being_written or modified < time.time() - STALE_AFTER_S:
                self._remove(path)

    def _read_index(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                header = _read_header(file.read(HEADER_ROOM))
                file.seek(HEADER_ROOM)
                token_ids = np.frombuffer(file.read(4 * header.num_tokens), dtype="<i4").astype(np.int32)
            if len(token_ids) == header.num_tokens:
                self._stored[path] = Stored(path, token_ids)
                return
        except (OSError, ValueError, msgspec.MsgspecError):
            pass
        self._remove(path)

    def _remove(self, path: Path) -> None:
        with self._lock:
            self._stored.pop(path, None)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _write_header(header: Header) -> bytes:
    return (MAGIC + msgspec.json.encode(header) + b"\n").ljust(HEADER_ROOM)


def _read_header(data: bytes) -> Header:
    if not data.startswith(MAGIC) or len(data) < HEADER_ROOM:
        raise ValueError("no prefix file")
    return msgspec.json.decode(data[len(MAGIC) :], type=Header)


def _digest(ids: bytes, state: bytes | bytearray) -> str:
    digest = hashlib.sha256(ids)
    digest.update(state)
    return digest.hexdigest()


def _extends(longer: TokenIds, shorter: TokenIds) -> bool:
    return len(shorter) < len(longer) and common_prefix(longer, shorter) == len(shorter)
