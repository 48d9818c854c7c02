"""Holds a file so that no second process works on it. The lock ends with the process, however that ends."""

from __future__ import annotations

import sys
from typing import IO, Any

if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 40  # Windows forbids reading what is locked, so a byte beyond every file is locked

    def try_lock(file: IO[Any]) -> bool:
        """True when the open file is ours now, False when another process has it."""
        position = file.tell()
        try:
            file.seek(_FAR)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(position)
        return True

else:
    import fcntl

    def try_lock(file: IO[Any]) -> bool:
        """True when the open file is ours now, False when another process has it."""
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
