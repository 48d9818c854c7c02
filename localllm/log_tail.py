"""The end of a log file: often the only witness, of an abort in C code as of a start that failed."""

from __future__ import annotations

from pathlib import Path

TAIL_BYTES = 16_384


def tail(log: Path, max_bytes: int = TAIL_BYTES) -> str:
    """The last `max_bytes` of a log; empty where it cannot be read."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - max_bytes))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


def last_lines(log: Path, count: int = 5) -> str:
    """' Its last lines: …', to be put behind a sentence; empty where there are none."""
    lines = [line.strip() for line in tail(log).splitlines() if line.strip()]
    return " Its last lines: " + " | ".join(lines[-count:]) if lines else ""
