"""The last lines an engine process printed: the only witness of an abort in C code."""

from __future__ import annotations

from pathlib import Path

TAIL_BYTES = 4096


def last_lines(path: Path, count: int = 5) -> str:
    """' Its last lines: …' from the end of a log file; the empty string where there are none."""
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " Its last lines: " + " | ".join(lines[-count:]) if lines else ""
