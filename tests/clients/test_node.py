"""The Node.js clients of tests/node against the real server."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from localllm import errors
from tests.api.fakes import Item
from tests.clients.conftest import KEY
from tests.clients.scripted import THOUGHT_TEXT_AND_CALL, scripted_server

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
    run(script.name, base_url)


def test_node_clients_and_the_embedded_model(guide_url):
    """A tool picked among two without force, its result, and the answer that uses it."""
    run("guide.mjs", f"{guide_url}/v1")


def test_node_clients_see_thinking_calls_and_failures(tmp_path):
    """What a random model never says, said by a script."""

    def die(prompt: object, params: object) -> list[Item]:
        return ["Hel", errors.EngineDied("It died.")]

    with scripted_server(tmp_path, guide=THOUGHT_TEXT_AND_CALL, other=die) as url:
        run("scripted.mjs", f"{url}/v1")


def run(script: str, base_url: str) -> None:
    """Run a script of tests/node, and show what it said where a case fails."""
    assert NODE is not None
    environ = os.environ | {"BASE_URL": base_url, "API_KEY": KEY, "NODE_NO_WARNINGS": "1"}
    ended = subprocess.run(
        [NODE, "--test", script],
        cwd=FOLDER,
        env=environ,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
