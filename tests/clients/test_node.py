"""The Node.js clients of tests/node against the real server."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.conftest import KEY

FOLDER = Path(__file__).parent.parent / "node"
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(NODE is None, reason="Node.js is not installed"),
    pytest.mark.skipif(
        not (FOLDER / "node_modules").is_dir(), reason="run `npm ci` in tests/node for the Node clients"
    ),
]


@pytest.mark.parametrize("script", sorted(FOLDER.glob("*.test.mjs")), ids=lambda path: path.stem)
def test_node_client(base_url, script):
    """Every case of the script passes."""
    assert NODE is not None
    environ = os.environ | {"BASE_URL": base_url, "API_KEY": KEY, "NODE_NO_WARNINGS": "1"}
    run = subprocess.run(
        [NODE, "--test", script.name],
        cwd=FOLDER,
        env=environ,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
