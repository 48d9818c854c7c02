"""Folders that can be written, also where the home is read-only or full of somebody else's files.

What must not be lost stays where it is. What can be made again (cache, logs) and the record of the run go into a
private folder among the temporary files when their own place cannot be written. Knows no file in them.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from localllm.paths import Paths


@dataclass(frozen=True)
class Folders:
    """paths: the person's, with what can be written. state: where the record of the run is, its window and its errors.

    problem: a sentence for the person where something had to go elsewhere; else empty.
    """

    paths: Paths
    state: Path
    problem: str = ""


def writable_folders(paths: Paths) -> Folders:
    """The person's folders, or a temporary one for those that cannot be written. Raises OSError where nothing can."""
    bad = [folder for folder in (paths.data, paths.cache, paths.logs) if not can_write(folder)]
    if not bad:
        return Folders(paths, paths.data)
    other = temporary_folder()
    usable = replace(
        paths,
        cache=other / "cache" if paths.cache in bad else paths.cache,
        logs=other / "logs" if paths.logs in bad else paths.logs,
    )
    named = " and ".join(str(folder) for folder in bad)
    return Folders(
        usable,
        other if paths.data in bad else paths.data,
        f"{named} cannot be written, so settings and downloads are not kept there: make it writable, or set "
        f"LOCALLLM_HOME to a folder that is. For now {other} is used.",
    )


def can_write(folder: Path) -> bool:
    """Whether a file can be made in it; the folder is made where it is missing."""
    probe = folder / f".can-write-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


def temporary_folder() -> Path:
    """One folder per user, the same at every start, that nobody else can have put there. Raises OSError."""
    folder = Path(tempfile.gettempdir()) / f"localllm-{_user()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if sys.platform != "win32":  # Windows' temporary folder is the user's own
        found = folder.lstat()
        if found.st_uid != os.getuid() or not folder.is_dir() or folder.is_symlink() or found.st_mode & 0o077:
            return Path(tempfile.mkdtemp(prefix="localllm-"))
    return folder


def _user() -> str:
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a user without a name, as in containers
        name = "user"
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)
