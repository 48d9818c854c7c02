"""The shape of the program, kept by tests: which room may import which, and how long a file may get."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "localllm"
FILES = sorted(p for p in PACKAGE.rglob("*.py"))
ROOMS = {p.name for p in PACKAGE.iterdir() if p.is_dir() and (p / "__init__.py").exists()}

MAY_IMPORT = {
    "cli": {"api", "models", "chat", "engine", "desktop", "check", "upstream"},
    "desktop": {"api", "models", "web"},
    "check": set(),
    "api": {"models", "chat", "engine", "web", "upstream"},
    "web": set(),
    "models": {"chat", "engine", "upstream"},
    "upstream": set(),
    "chat": set(),
    "engine": {"llama"},
    "llama": set(),
}
ONLY_IN = {
    "flask": {"api"},
    "waitress": {"api"},
    "llama_cpp": {"llama"},
    "jinja2": {"chat"},
    "llguidance": {"engine", "llama"},
    "click": {"cli"},
    "h11": {"upstream"},
}


def imports(path: Path) -> set[str]:
    """Every module a file imports, at the top or inside a function."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def room_of(path: Path) -> str | None:
    first = path.relative_to(PACKAGE).parts[0]
    if first == "__main__.py":  # `python -m localllm` is a door of cli
        return "cli"
    return first if first in ROOMS else None


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_only_go_down(path):
    """A room imports only the rooms below it and the shelf; the shelf imports no room."""
    room = room_of(path)
    allowed = MAY_IMPORT[room] | {room} if room else set()
    imported = {name.split(".")[1] for name in imports(path) if name.startswith("localllm.")} & ROOMS
    assert imported <= allowed


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_each_library_is_known_to_its_room_only(path):
    """Flask is known to api, llama_cpp to llama, Jinja to chat: whoever replaces one has one room to read."""
    used = {name.split(".")[0] for name in imports(path)}
    for library, rooms in ONLY_IN.items():
        assert library not in used or room_of(path) in rooms, f"{library} is imported outside {rooms}"


def test_no_file_is_longer_than_a_person_reads():
    """400 lines at the most, tests and tools too: past that, the room wants another door."""
    root = PACKAGE.parent
    files = [
        p
        for folder in ("localllm", "tests", "packaging", "benchmarks")
        for p in (root / folder).rglob("*.py")
    ]
    own = [
        p
        for p in files
        if not any(part.startswith(".") or part == "node_modules" for part in p.relative_to(root).parts)
    ]
    assert len(own) > 100
    assert [str(p) for p in own if len(p.read_text(encoding="utf-8").splitlines()) > 400] == []


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_module_says_what_it_is_for(path):
    """Every module with code begins with a docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not tree.body or ast.get_docstring(tree)
