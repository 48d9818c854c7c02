"""A TOML file of the user's, read into frozen msgspec structs, with errors that help.

    document = TomlFile.read(path)          # ConfigError with file and line when it is not TOML
    settings = document.convert(Settings)   # … with file, line, key and nearest match when a key is wrong

Unknown keys are errors, because a mistyped key that is silently ignored costs an hour. Knows nothing of what
the keys mean, and never writes.
"""

from __future__ import annotations

import re
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from localllm import errors
from localllm.nearest import did_you_mean

T = TypeVar("T")
Keys = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_NAMES = {int: "a whole number", float: "a number", str: "a text in quotes", bool: "true or false"}


@dataclass(frozen=True)
class TomlFile:
    """A parsed TOML file that still knows on which line everything was written."""

    path: Path
    text: str
    data: dict[str, Any]
    error_class: type[errors.ConfigError] = field(default=errors.ConfigError)

    @classmethod
    def read(cls, path: Path, error_class: type[errors.ConfigError] = errors.ConfigError) -> TomlFile:
        """Raises `error_class` when the file cannot be read or is not TOML."""
        try:
            text = path.read_bytes().decode("utf-8-sig")  # -sig: Notepad likes to add a byte order mark
        except OSError as e:
            raise error_class(f"{path} cannot be read: {e.strerror or e}.") from e
        except UnicodeDecodeError as e:
            raise error_class(f"{path} is not a UTF-8 text file; save it as UTF-8.") from e
        return cls.parse(text, path, error_class)

    @classmethod
    def parse(
        cls, text: str, path: Path, error_class: type[errors.ConfigError] = errors.ConfigError
    ) -> TomlFile:
        try:
            data = tomllib.loads(text.replace("\r\n", "\n"))
        except tomllib.TOMLDecodeError as e:
            said = re.sub(r"\(at line (\d+), column (\d+)\)", r"(line \1, column \2)", str(e))
            raise error_class(f"{path} is not valid TOML: {said}.") from e
        return cls(path, text, data, error_class)

    def convert(self, type_: type[T], keys: Keys = ()) -> T:
        """The table below `keys` as a struct. Unknown keys and wrong types raise, naming file, line and key."""
        data: Any = self.data
        for key in keys:
            data = data[key]
        for place, name, known in _unknown_keys(data, type_):
            raise self.error((*keys, *place, name), f'unknown key "{name}".{did_you_mean(name, known)}')
        try:
            return msgspec.convert(data, type_, str_keys=True)
        except msgspec.ValidationError as e:
            raise self._wrong_type(e, data, type_, keys) from e

    def error(self, keys: Keys, message: str) -> errors.ConfigError:
        """An error about the value at `keys`, which begins with file, line and table."""
        line = line_of(self.text, keys)
        place = f"{self.path}, line {line}" if line else str(self.path)
        tables = _table_name(keys)
        return self.error_class(f"{place}{f', {tables}' if tables else ''}: {message}")

    def _wrong_type(
        self, e: msgspec.ValidationError, data: Any, type_: type[Any], keys: Keys
    ) -> errors.ConfigError:
        said = str(e)
        if missing := re.search(r"missing required field `(.+?)`", said):
            return self.error((*keys, *_path_in(said)), f'the key "{missing[1]}" is missing.')
        place = _path_in(said)
        if not place:
            return self.error(keys, said + ".")
        wanted = describe(_type_at(type_, place))
        found = data
        for key in place:
            found = found[key]
        return self.error((*keys, *place), f'"{place[-1]}" must be {wanted}, not {_shown(found)}.')


def describe(type_: Any) -> str:
    """A type in words: 'a whole number of at least 1 or "auto"'."""
    origin, args = typing.get_origin(type_), typing.get_args(type_)
    if origin is typing.Annotated:
        return describe(args[0]) + _describe_meta(args[1])
    if origin is typing.Literal:
        return _or([f'"{a}"' if isinstance(a, str) else str(a) for a in args])
    if origin in (typing.Union, types.UnionType):
        return _or([describe(a) for a in args if a is not type(None)])
    if origin in (list, tuple):
        return f"a list in which each item is {describe(args[0])}"
    return _NAMES.get(type_, "a table")


def line_of(text: str, keys: Keys) -> int | None:
    """The line (from 1) where `keys` is written, or its closest enclosing table; None where neither is."""
    best, best_line = 0, None
    for number, path in _paths(text):
        if len(path) > best and keys[: len(path)] == path:
            best, best_line = len(path), number
    return best_line


def _paths(text: str) -> Iterator[tuple[int, Keys]]:
    """Each table header and key of the text with its line number."""
    table: Keys = ()
    counts: dict[Keys, int] = {}
    in_string = ""
    for number, line in enumerate(text.splitlines(), 1):
        if in_string:
            in_string = "" if in_string in line else in_string
            continue
        if header := _HEADER.match(line):
            table = _table_path(_parts(header[2]), header[1] == "[[", counts)
            yield number, table
        elif key := _KEY.match(line):
            yield number, (*table, *_parts(key[1]))
            in_string = next((q for q in ('"""', "'''") if line.count(q) % 2), "")


def _table_path(parts: list[str], is_array: bool, counts: dict[Keys, int]) -> Keys:
    path: Keys = ()
    for i, part in enumerate(parts):
        path = (*path, part)
        if is_array and i == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _parts(dotted: str) -> list[str]:
    return [p.strip("\"'") for p in re.findall(r"""[\w-]+|"[^"]*"|'[^']*'""", dotted)]


def _unknown_keys(data: Any, type_: Any, place: Keys = ()) -> Iterator[tuple[Keys, str, list[str]]]:
    """(where, key, known keys) of every key that a struct in `type_` does not have."""
    struct = _struct_in(type_)
    if isinstance(data, list):
        item = _item_type(type_)
        for i, value in enumerate(data):
            yield from _unknown_keys(value, item, (*place, i))
    elif isinstance(data, dict) and struct is not None:
        hints = typing.get_type_hints(struct, include_extras=True)
        for name, value in data.items():
            if name not in hints:
                yield place, name, list(hints)
            else:
                yield from _unknown_keys(value, hints[name], (*place, name))


def _struct_in(type_: Any) -> type[msgspec.Struct] | None:
    for option in (type_, *typing.get_args(type_)):
        if isinstance(option, type) and issubclass(option, msgspec.Struct):
            return option
    return None


def _item_type(type_: Any) -> Any:
    for option in (type_, *typing.get_args(type_)):
        if typing.get_origin(option) in (list, tuple):
            return typing.get_args(option)[0]
    return None


def _type_at(type_: Any, place: Keys) -> Any:
    for key in place:
        if isinstance(key, int):
            type_ = _item_type(type_)
        elif struct := _struct_in(type_):
            type_ = typing.get_type_hints(struct, include_extras=True)[key]
        else:
            type_ = typing.get_args(type_)[-1]
    return type_


def _path_in(message: str) -> Keys:
    """('model', 0, 'n_ctx') from msgspec's "… - at `$.model[0].n_ctx`"."""
    found = re.search(r"at `(?:key in )?\$(.*?)`$", message)
    parts = re.findall(r"\.([\w-]+)|\[(\d+)\]", found[1]) if found else []
    return tuple(name or int(index) for name, index in parts)


def _table_name(keys: Keys) -> str:
    """'[[model]] 2' for a key of the second such table."""
    if len(keys) >= 2 and isinstance(keys[1], int):
        return f"[[{keys[0]}]] {keys[1] + 1}"
    return ""


def _describe_meta(meta: Any) -> str:
    if isinstance(meta, msgspec.Meta):
        if meta.ge is not None and meta.le is not None:
            return f" from {meta.ge} to {meta.le}"
        if meta.ge is not None:
            return f" of at least {meta.ge}"
    return ""


def _or(options: list[str]) -> str:
    return options[0] if len(options) == 1 else ", ".join(options[:-1]) + " or " + options[-1]


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if isinstance(value, str) else str(value)
