"""Which models of the catalog have their files on this computer: a question that lists ask many times a second."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

from localllm import errors
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.gguf import read_parts
from localllm.models.sources import find_file, has_file
from localllm.paths import Paths

LOOK_AFTER_S = 3.0  # where nobody has called `look` meanwhile


@dataclass(frozen=True)
class _Seen:
    """Which of the entries had their files at a moment."""

    entries: tuple[Entry, ...]
    at: float
    ids: frozenset[str]


class Presence:
    """What the last look at the disk has found; looks again at once when the catalog has changed. For any thread.

    The pool's sweep looks every second, so that no request has to.
    """

    def __init__(self, catalog: Catalog, paths: Paths) -> None:
        self._catalog = catalog
        self._paths = paths
        self._seen = _Seen((), 0.0, frozenset())
        self._with_header: frozenset[str] = frozenset()

    def ids(self) -> frozenset[str]:
        """The ids of the models that can be loaded without a download."""
        seen = self._seen
        if seen.entries is not self._catalog.entries or time.monotonic() - seen.at > LOOK_AFTER_S:
            return self.look()
        return seen.ids

    def look(self) -> frozenset[str]:
        """As `ids`, and as it is now."""
        entries = self._catalog.entries
        ids = frozenset(entry.id for entry in entries if has_file(entry, self._paths))
        self._seen = _Seen(entries, time.monotonic(), ids)
        return ids

    def read_new_headers(self) -> None:
        """Read the headers of the models that have come (gguf.py keeps them): one too big is then refused at once."""
        ids = self.look()
        for entry in self._seen.entries:
            if entry.id in ids - self._with_header:
                with contextlib.suppress(errors.LocalllmError):
                    read_parts(find_file(entry, self._paths))
        self._with_header = ids
