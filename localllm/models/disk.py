"""The room on the disk that downloads share: what the running ones still need is not given out a second time."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from localllm import errors

SPARE_DISK_BYTES = 256 << 20


class Disk:
    """One for all downloads that run at the same time. For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._claims: list[Callable[[], int]] = []

    @contextlib.contextmanager
    def claim(self, folder: Path, missing: Callable[[], int]) -> Iterator[None]:
        """Holds the room for `missing()` bytes, which become fewer. Raises DownloadFailed where there is none."""
        with self._lock:
            check_disk(folder, missing(), sum(other() for other in self._claims))
            self._claims.append(missing)
        try:
            yield
        finally:
            with self._lock:
                self._claims.remove(missing)


def check_disk(folder: Path, missing_bytes: int, promised_bytes: int = 0) -> None:
    """Raises DownloadFailed with the numbers where the disk has no room for so much beside what is promised."""
    existing = next(p for p in (folder, *folder.parents) if p.exists())
    free = shutil.disk_usage(existing).free
    if missing_bytes and missing_bytes + promised_bytes + SPARE_DISK_BYTES > free:
        others = f", of which other downloads need {promised_bytes / 1e9:.1f} GB" if promised_bytes else ""
        raise errors.DownloadFailed(
            f"The download needs {missing_bytes / 1e9:.1f} GB, and the disk of {folder} has {free / 1e9:.1f} GB "
            f"free{others}. Free some space, or set LOCALLLM_HOME to a folder on another disk.",
            code="disk_full",
        )
