"""The programs and the command in docs/clients.md, run as a reader would copy them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.clients.test_node import FOLDER as NODE_FOLDER
from tests.clients.test_node import NODE
from tests.clients.test_node import pytestmark as needs_node

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"
HEADING = re.compile(r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)

BLOCKS = [
    (heading, language, code)
    for heading, section in HEADING.findall(PAGE.read_text(encoding="utf-8"))
    for language, code in BLOCK.findall(section)
]


def blocks(wanted: str, marks=()):
    """The page's blocks in a language, each a case with its heading as its name."""
    return [pytest.param(code, id=heading, marks=marks) for heading, lang, code in BLOCKS if lang == wanted]


def run(command: list[str | Path], url: str, code: str = "", folder: Path | None = None) -> str:
    ended = subprocess.run(
        [*command, code.replace("http://localhost:5757", url)] if code else command,
        cwd=folder,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_page_has_them():
    """The patterns above find what they should."""
    assert [language for _, language, _ in BLOCKS] == [
        "python",
        "js",
        "js",
        "python",
        "python",
        "py",
        "sh",
        "yaml",
    ]


def test_python_programs(guide_url):
    """Each prints an answer. They share an interpreter: importing takes longer than answering."""
    programs = [code for _, language, code in BLOCKS if language == "python"]
    printed = run([sys.executable, "-c"], guide_url, "\nprint('\\n----')\n".join(programs))
    assert ["localllm" in part for part in printed.split("----")] == [True, True, True]


@pytest.mark.parametrize("code", blocks("js", needs_node))
def test_node_program(guide_url, code):
    """It prints an answer."""
    assert NODE is not None
    script = NODE_FOLDER / "node_modules" / f"{uuid.uuid4()}.mjs"
    script.write_text(code.replace("http://localhost:5757", guide_url), encoding="utf-8")
    try:
        assert "localllm" in run([NODE, script], guide_url, folder=NODE_FOLDER)
    finally:
        script.unlink()


@pytest.mark.skipif(not (shutil.which("sh") and shutil.which("curl")), reason="sh or curl is not installed")
@pytest.mark.parametrize("code", blocks("sh"))
def test_command(guide_url, code):
    """It prints a stream to its end."""
    printed = run(["sh", "-c"], guide_url, code)
    assert "localllm" in printed
    assert printed.endswith("data: [DONE]\n\n")
