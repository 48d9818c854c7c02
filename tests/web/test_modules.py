"""The page's modules that know no element, under Node."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

NODE = shutil.which("node")
FOLDER = Path(__file__).parent

pytestmark = [pytest.mark.node, pytest.mark.skipif(NODE is None, reason="Node.js is not installed")]


@pytest.mark.parametrize("script", sorted(FOLDER.glob("*.test.mjs")), ids=lambda path: path.stem)
def test_module(script):
    """Every case of the script passes."""
    assert NODE is not None
    command = [NODE, "--experimental-default-type=module", "--no-warnings", "--test", script.name]
    ended = subprocess.run(
        command, cwd=FOLDER, capture_output=True, encoding="utf-8", timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
