"""What pip and the compilers say, read as progress. Knows neither processes nor screens."""

from __future__ import annotations

import codecs
import re

NINJA = re.compile(r"^\s*\[(\d+)/(\d+)\]")
MAKE = re.compile(r"^\s*\[\s*(\d+)%\]")
DOWNLOADING = re.compile(r"^\s*Downloading (\S+).*?(\([\d.]+ [kMG]?i?B\))?\s*$")
PHASES = {
    "Installing build dependencies: started": "getting the build tools",
    "Getting requirements to build": "getting the build tools",
    "Preparing metadata": "unpacking",
    "Building wheel for": "compiling",
    "Installing collected packages": "installing",
}


class Lines:
    """Bytes in any pieces → whole lines of text; `\\r` ends a line as `\\n` does."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes, without their ends; empty ones are left out."""
        return self._split(self._decoder.decode(data))

    def flush(self) -> list[str]:
        """What came after the last line end."""
        return self._split(self._decoder.decode(b"", final=True) + "\n")

    def _split(self, text: str) -> list[str]:
        *lines, self._rest = re.split(r"[\r\n]", self._rest + text)
        return [line.rstrip() for line in lines if line.strip()]


class Progress:
    """What the last lines say is going on: `doing`, and `percent` where a compiler counts (else None)."""

    def __init__(self) -> None:
        self.doing = ""
        self.percent: int | None = None

    def read(self, line: str) -> None:
        if match := NINJA.match(line):
            done, total = int(match[1]), max(1, int(match[2]))
            self.doing, self.percent = f"compiling, {done} of {total}", min(100, 100 * done // total)
        elif match := MAKE.match(line):
            self.doing, self.percent = "compiling", int(match[1])
        elif match := DOWNLOADING.match(line):
            self._enter(" ".join(["downloading", match[1].rsplit("/", 1)[-1], match[2] or ""]).strip())
        else:
            self._read_phase(line.strip())

    def _read_phase(self, line: str) -> None:
        for start, doing in PHASES.items():
            if line.startswith(start):
                self._enter(doing)

    def _enter(self, doing: str) -> None:
        self.doing, self.percent = doing, None

    def __str__(self) -> str:
        return self.doing if self.percent is None else f"{self.doing} ({self.percent} %)"


TELLING = re.compile(r"\berror\b|\bfatal\b|FAILED|No space left|not found|Killed|CMake Error", re.IGNORECASE)
NOISE = re.compile(
    r"^\s*(WARNING: (Location|Retrying)|-- |\[notice\]|note: This (error|is))|╰─>|\[end of output\]"
)


def telling_lines(lines: list[str], count: int = 12) -> list[str]:
    """The lines a person should read: those from the first of the last errors on, or simply the last ones."""
    kept = [line[:300] for line in lines if not NOISE.search(line)]
    errors = [line for line in kept if TELLING.search(line)]
    return errors[-count:] or kept[-count:]
