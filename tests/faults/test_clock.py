"""The wall clock may jump: by hand, by the network, after sleep. Nothing that waits may hang on it."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent.parent.parent / "localllm"
WALL_CLOCK = {("time", "time"), ("time", "time_ns"), ("datetime", "now"), ("datetime", "utcnow")}
TELLS_THE_TIME = {  # to people and to clients, as OpenAI's `created`
    "api/openai/wire.py",
    "api/openai/responses.py",
    "chat/variables.py",
    "chat/sandbox.py",
}
AGES_OF_FILES = {
    "engine/disk_cache.py"
}  # files have no other clock; a jump costs one prefix that is not kept


def uses_of_the_wall_clock(path: Path) -> list[int]:
    """The lines that ask for the time of day."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and (getattr(node.value, "id", getattr(node.value, "attr", "")), node.attr) in WALL_CLOCK
    ]


def test_no_duration_is_measured_by_the_wall_clock():
    """Only what tells somebody the time asks for it; deadlines, pings and pauses use the monotonic clock."""
    found = {
        path.relative_to(PACKAGE).as_posix(): lines
        for path in PACKAGE.rglob("*.py")
        if (lines := uses_of_the_wall_clock(path))
    }
    assert found.keys() <= TELLS_THE_TIME | AGES_OF_FILES, found
    assert "api/openai/wire.py" in found  # the search finds what it looks for
