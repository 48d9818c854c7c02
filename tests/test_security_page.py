"""docs/security.md promises nothing that no test keeps."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from localllm.config import Config

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
REFERENCE = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def promises() -> list[str]:
    """The points of the list, each with its continuation lines."""
    section = PAGE.partition("## What is promised")[2].partition("## Found something?")[0]
    return re.split(r"\n- ", section)[1:]


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_every_promise_names_its_test():
    """One at least, on lines of its own."""
    assert len(promises()) > 20
    for promise in promises():
        assert REFERENCE.search(promise), promise


@pytest.mark.parametrize("reference", sorted(set(REFERENCE.findall(PAGE))), ids="::".join)
def test_every_named_test_exists(reference: tuple[str, str]):
    """A test that is renamed or deleted takes its promise with it, unless the page follows."""
    file, name = reference
    assert name in functions(ROOT / file)


def test_the_settings_it_names_exist():
    """In backticks, in small letters with an underscore: a setting, or a word of a model's entry."""
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", PAGE))
    assert named
    assert named <= set(Config.__struct_fields__)


def test_nothing_is_unpickled():
    """No module of the program reads pickled objects, and the engines' pipes carry bytes only."""
    for path in (ROOT / "localllm").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\b(import|from) (pickle|marshal|shelve)\b", text), path
    for name in ("process.py", "worker.py", "outbox.py"):  # a connection's other two methods pickle
        text = (ROOT / "localllm" / "engine" / name).read_text(encoding="utf-8")
        assert not re.search(r"onnection\.(recv|send)\(", text), name
