"""The log of the app without a console: one file that never grows beyond a few megabytes."""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path

FILE = "localllm.log"
MAX_BYTES = 1 << 20
NUM_OLD = 3
FORMAT = "%(asctime)s %(levelname)s %(message)s"


def log_to(folder: Path, level: str) -> Path:
    """Send what the app says into FOLDER/localllm.log; warnings also to the console, where there is one.

    Only one process may have the file (it is renamed when it is full), so only the holder of the claim calls this.
    """
    path = folder / FILE
    to_file = RotatingFileHandler(path, maxBytes=MAX_BYTES, backupCount=NUM_OLD, encoding="utf-8", delay=True)
    handlers: list[logging.Handler] = [to_file]
    if sys.stderr is not None:  # there is none in a program without a console on Windows
        console = logging.StreamHandler(sys.stderr)
        console.setLevel(logging.WARNING)
        console.setFormatter(logging.Formatter("localllm: %(message)s"))
        handlers.append(console)
    logging.basicConfig(level=level.upper(), format=FORMAT, handlers=handlers, force=True)
    logging.getLogger("waitress").setLevel(max(logging.getLogger().level, logging.WARNING))
    return path
