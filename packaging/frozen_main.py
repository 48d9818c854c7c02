"""Where the built program begins. The engine is a second process of this same program: it never gets past line one."""

from __future__ import annotations

import multiprocessing
import os
import sys


def restore_library_path() -> None:
    """Programs that are started from here (the browser) shall find the system's libraries, not the ones packed here."""
    before = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    os.environ.pop("LD_LIBRARY_PATH", None)
    if before:
        os.environ["LD_LIBRARY_PATH"] = before


if __name__ == "__main__":
    multiprocessing.freeze_support()
    if sys.platform == "linux":
        restore_library_path()
    from localllm.cli import main

    main()
