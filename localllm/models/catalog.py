"""The catalog: which models exist, as the user's models.toml says. Reread when the file changes.

A broken edit keeps the last good entries and is told in `error`. Where nothing is left, the model inside the
package is. Knows no engine, and not whether a model's file is there (sources.py does).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import tomlkit

from localllm import errors
from localllm.models.entry import GUIDE, Entry, check_id, check_worker, keep_alive_s
from localllm.models.sources import parse_source
from localllm.nearest import did_you_mean
from localllm.paths import shipped_catalog, write_atomically
from localllm.toml_file import TomlFile
from localllm.upstream.spec import SECRET, UpstreamSpec, check_spec

_ONLY_GUIDE = (GUIDE,)


class _CatalogFile(msgspec.Struct, frozen=True):
    """What models.toml may hold at its top."""

    model: list[Entry] = []


@dataclass(frozen=True)
class _Reading:
    """One reading of the file. `stamp` tells whether it has changed since."""

    stamp: tuple[int, int, int] | None
    entries: tuple[Entry, ...]
    error: str | None


class Catalog:
    """The user's models. Any thread may ask; an access costs one `stat` unless the file has changed."""

    def __init__(self, path: Path) -> None:
        """`path`: the user's models.toml; the shipped one is copied there when there is none."""
        self.path = path
        self._lock = threading.Lock()
        self._copy_error = _copy_shipped(path)
        self._reading: _Reading | None = None

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries in the file's order; never empty, because the guide stands in."""
        return self._current().entries or _ONLY_GUIDE

    @property
    def error(self) -> str | None:
        """What is wrong with the file at present, in a sentence; None when all is well."""
        return self._current().error or self._copy_error

    def find(self, name: str) -> Entry:
        """The entry with this id or alias. Raises ModelNotFound with the nearest match."""
        for entry in self.entries:
            if name in entry.names:
                return entry
        hint = did_you_mean(name, [n for entry in self.entries for n in entry.names])
        raise errors.ModelNotFound(
            f'There is no model "{name}" in the catalog.{hint} `localllm list` shows all.',
            param="model",
        )

    def add(self, entry: Entry) -> None:
        """Write a new entry at the end of the file, leaving everything else as it is. Raises CatalogError."""
        plain = msgspec.to_builtins(Entry(id=""))
        fields = _changed(msgspec.to_builtins(entry), plain)
        if entry.upstream is not None:
            upstream = msgspec.to_builtins(entry.upstream)
            fields["upstream"] = _changed(upstream, msgspec.to_builtins(UpstreamSpec()))
        with self._lock:
            text = self._text()
            self._write(f"{text.rstrip()}\n\n".lstrip() + tomlkit.dumps({"model": [fields]}))

    def remove(self, model_id: str) -> None:
        """Take the entry out of the file. Raises ModelNotFound."""
        entry = self.find(model_id)
        with self._lock:
            document = tomlkit.parse(self._text())
            tables = document.get("model", [])
            for i, table in enumerate(tables):
                if table.get("id") == entry.id:
                    del tables[i]
                    return self._write(tomlkit.dumps(document))
        raise errors.ModelNotFound(f'"{model_id}" is not written in {self.path}, so it cannot be removed.')

    def _text(self) -> str:
        return TomlFile.read(self.path, errors.CatalogError).text if self.path.exists() else ""

    def _write(self, text: str) -> None:
        _, problems = _checked(TomlFile.parse(text, self.path, errors.CatalogError))
        if problems:
            raise errors.CatalogError(problems[0])
        try:
            write_atomically(self.path, text)
        except OSError as e:
            raise errors.CatalogError(
                f"The catalog could not be written to {self.path}: {e.strerror or e}. It is as it was before."
            ) from e

    def _current(self) -> _Reading:
        reading, stamp = self._reading, _stamp(self.path)
        if reading is not None and reading.stamp == stamp:
            return reading
        with self._lock:
            self._reading = _read(self.path, stamp, self._reading)
            return self._reading


def _copy_shipped(path: Path) -> str | None:
    """Give a new user the shipped catalog. Returns what went wrong, because a full disk must not stop the app."""
    try:
        if not path.exists():
            write_atomically(path, shipped_catalog().read_text(encoding="utf-8"))
    except OSError as e:
        return f"The catalog could not be written to {path}: {e.strerror or e}."
    return None


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = os.stat(path)  # noqa: PTH116 -- on every access, so the cheapest call there is
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _read(path: Path, stamp: tuple[int, int, int] | None, last: _Reading | None) -> _Reading:
    if stamp is None:
        return _Reading(None, (), f"There is no catalog at {path}, so only the built-in guide is offered.")
    try:
        entries, problems = _checked(TomlFile.read(path, errors.CatalogError))
    except errors.CatalogError as e:
        entries, problems = [], [e.message]
    if not problems:
        return _Reading(stamp, tuple(entries), None)
    if last is not None and last.stamp is not None:
        return _Reading(
            stamp, last.entries, f"{problems[0]} Until this is put right, the last good catalog is used."
        )
    return _Reading(stamp, tuple(entries), f"{problems[0]} Until this is put right, that part is left out.")


def _checked(document: TomlFile) -> tuple[list[Entry], list[str]]:
    """The sound entries of a file, and what is wrong with the others."""
    entries: list[Entry] = []
    problems = [e.message for e in _top_level_errors(document)]
    tables = document.data.get("model", [])
    taken: set[str] = set()
    for i in range(len(tables) if isinstance(tables, list) else 0):
        try:
            _refuse_secret(document, i, tables[i])
            entry = document.convert(Entry, ("model", i))
            _check_entry(document, i, entry, taken)
        except errors.CatalogError as e:
            problems.append(e.message)
        else:
            taken.update(entry.names)
            entries.append(entry)
    return entries, problems


def _top_level_errors(document: TomlFile) -> Iterator[errors.ConfigError]:
    tables = document.data.get("model", [])
    top = {**document.data, "model": []} if isinstance(tables, list) else document.data
    try:
        TomlFile(document.path, document.text, top, document.error_class).convert(_CatalogFile)
    except errors.ConfigError as e:
        yield e


def _check_entry(document: TomlFile, i: int, entry: Entry, taken: set[str]) -> None:
    """What the types cannot say: ids without path tricks, unique names, durations, a source that can be read."""
    with _told_at(document, i, "id"):
        check_id(entry.id)
    with _told_at(document, i, "aliases"):
        for alias in entry.aliases:
            check_id(alias)
    with _told_at(document, i, "source"):
        parse_source(entry.source)
    _check_upstream(document, i, entry)
    with _told_at(document, i, "rpc"):
        for address in entry.rpc:
            check_worker(address)
    with _told_at(document, i, "keep_alive"):
        if entry.keep_alive:
            keep_alive_s(entry.keep_alive)
    _check_unique(document, i, entry.names, taken)


def _check_upstream(document: TomlFile, i: int, entry: Entry) -> None:
    if entry.upstream is None:
        if not entry.source:
            raise document.error(("model", i), 'the key "source" is missing.')
        return
    if entry.source:
        raise document.error(("model", i, "source"), "a model has a source or an upstream, not both.")
    with _told_at(document, i, "upstream"):
        check_spec(entry.upstream)


def _refuse_secret(document: TomlFile, i: int, table: Any) -> None:
    """A key in the catalog would be shown, copied and committed with it."""
    upstream = table.get("upstream") if isinstance(table, dict) else None
    if isinstance(upstream, dict) and SECRET in upstream:
        raise document.error(
            ("model", i, "upstream", SECRET),
            "a key does not belong into the catalog: put it into an environment variable and name that with "
            "api_key_env, or into a file and name that with api_key_file.",
        )


def _changed(fields: dict[str, Any], plain: dict[str, Any]) -> dict[str, Any]:
    """What differs from the defaults."""
    return {key: value for key, value in fields.items() if value != plain[key]}


@contextmanager
def _told_at(document: TomlFile, i: int, key: str) -> Iterator[None]:
    """An error raised within gets the file and line of the i-th entry's `key`."""
    try:
        yield
    except errors.CatalogError as e:
        raise document.error(("model", i, key), e.message) from e


def _check_unique(document: TomlFile, i: int, names: Sequence[str], taken: set[str]) -> None:
    for j, name in enumerate(names):
        if name in taken or name in names[:j]:
            key = "aliases" if j else "id"
            raise document.error(
                ("model", i, key), f'the name "{name}" is taken by another model; names are unique.'
            )
