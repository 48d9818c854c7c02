"""Stop strings: text passes through until one of them is complete; a beginning of one is held back, never shown."""

from __future__ import annotations

from collections.abc import Sequence


class StopStrings:
    """feed(text) → text that is safe to show; `found` is the stop string that ended it. flush() gives what was held.

    Any split of the text gives the same result. Of several stop strings, the one that begins first wins.
    """

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [s for s in stops if s]
        self._held = ""
        self.found: str | None = None

    def feed(self, text: str) -> str:
        if self.found is not None:
            return ""
        if not self._stops:
            return text
        text = self._held + text
        hit = min(((at, s) for s in self._stops if (at := text.find(s)) >= 0), default=None)
        if hit is not None and not self._may_begin_before(text, hit[0]):
            self._held, self.found = "", hit[1]
            return text[: hit[0]]
        keep = self._start_of_possible_stop(text)
        self._held = text[keep:]
        return text[:keep]

    def flush(self) -> str:
        """The text has ended without a stop string."""
        held, self._held = self._held, ""
        if self.found is None and held:
            hit = min(((at, s) for s in self._stops if (at := held.find(s)) >= 0), default=None)
            if hit is not None:
                self.found = hit[1]
                return held[: hit[0]]
        return held

    def _may_begin_before(self, text: str, at: int) -> bool:
        """True if a longer stop string may have begun before `at` and is not complete yet."""
        return self._start_of_possible_stop(text) < at

    def _start_of_possible_stop(self, text: str) -> int:
        """Where the earliest unfinished beginning of a stop string at the end of `text` starts."""
        longest = max(len(s) for s in self._stops)
        for start in range(max(0, len(text) - longest + 1), len(text)):
            tail = text[start:]
            if any(s.startswith(tail) for s in self._stops):
                return start
        return len(text)
