"""Errors in a TOML file lead the person to the very line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from localllm import errors
from localllm.toml_file import TomlFile, describe, line_of


class Inner(msgspec.Struct, frozen=True):
    depth: int = 0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    size: Annotated[int, msgspec.Meta(ge=1)] | Literal["auto"] = "auto"
    inner: Inner = Inner()
    tags: tuple[str, ...] = ()


class File(msgspec.Struct, frozen=True):
    row: list[Row] = []


def problem(text: str) -> str:
    """What the person reads about this file."""
    with pytest.raises(errors.ConfigError) as raised:
        TomlFile.parse(text, Path("some.toml")).convert(File)
    return raised.value.message


def test_a_good_file_becomes_a_struct():
    """Values arrive typed, and what is not written has its default."""
    text = '[[row]]\nid = "a"\nsize = 3\n[[row]]\nid = "b"\ninner.depth = 2\n'
    assert TomlFile.parse(text, Path("x")).convert(File) == File(
        row=[Row(id="a", size=3), Row(id="b", inner=Inner(2))]
    )


def test_an_unknown_key_is_named_with_line_table_and_nearest_match():
    """A typo is found where it is, not somewhere in the file."""
    text = '[[row]]\nid = "a"\n\n# note\n[[row]]\nid = "b"\nsise = 3\n'
    assert problem(text) == 'some.toml, line 7, [[row]] 2: unknown key "sise". Did you mean "size"?'


def test_an_unknown_key_in_a_nested_table_is_named():
    """Tables below a `[[row]]` count as part of that row."""
    text = '[[row]]\nid = "a"\n[[row]]\nid = "b"\n[row.inner]\ndeph = 3\n'
    assert problem(text) == 'some.toml, line 6, [[row]] 2: unknown key "deph". Did you mean "depth"?'


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('size = "big"', '"size" must be a whole number of at least 1 or "auto", not "big".'),
        ("size = 0", '"size" must be a whole number of at least 1 or "auto", not 0.'),
        ("inner.depth = true", '"depth" must be a whole number, not true.'),
        ('inner = "x"', '"inner" must be a table, not "x".'),
        ('tags = "x"', '"tags" must be a list in which each item is a text in quotes, not "x".'),
    ],
)
def test_a_wrong_value_is_told_with_what_was_expected(line: str, said: str):
    """The message says what may stand there and what does."""
    assert problem(f'[[row]]\nid = "a"\n{line}\n') == f"some.toml, line 3, [[row]] 1: {said}"


def test_a_missing_key_points_at_its_table():
    """There is no line for what is not there, so the table's is given."""
    assert problem('[[row]]\nid = "a"\n[[row]]\nsize = 2\n') == (
        'some.toml, line 3, [[row]] 2: the key "id" is missing.'
    )


def test_a_syntax_error_names_file_and_line():
    """What the TOML parser says reaches the person with the line."""
    assert "some.toml is not valid TOML" in problem("[[row]]\nid = \n")
    assert "line 2" in problem("[[row]]\nid = \n")


def test_a_file_from_notepad_is_read(tmp_path: Path):
    """A byte order mark and CRLF line ends are no errors."""
    path = tmp_path / "a.toml"
    path.write_bytes(b'\xef\xbb\xbf[[row]]\r\nid = "a"\r\n')
    assert TomlFile.read(path).convert(File).row[0].id == "a"


def test_a_file_that_is_no_text_is_refused_with_a_sentence(tmp_path: Path):
    """Bytes that are no UTF-8 do not become an exception of Python's."""
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(errors.ConfigError, match="save it as UTF-8"):
        TomlFile.read(path)


def test_a_missing_file_is_told(tmp_path: Path):
    """The system's reason is part of the message."""
    with pytest.raises(errors.ConfigError, match=r"cannot be read"):
        TomlFile.read(tmp_path / "none.toml")


def test_text_in_a_multi_line_string_is_no_key():
    """A chat template may contain what looks like a table."""
    text = '[[row]]\nid = """\n[[row]]\nsize = 1\n"""\nsize = 2\n'
    assert line_of(text, ("row", 0, "size")) == 6


@pytest.mark.parametrize(
    ("type_", "words"),
    [
        (Literal["a", "b", "c"], '"a", "b" or "c"'),
        (Annotated[int, msgspec.Meta(ge=0, le=9)], "a whole number from 0 to 9"),
        (str | None, "a text in quotes"),
        (bool | Literal["auto"], 'true or false or "auto"'),
    ],
)
def test_types_are_described_in_words(type_: object, words: str):
    """Nobody has to know the name of a Python type."""
    assert describe(type_) == words
