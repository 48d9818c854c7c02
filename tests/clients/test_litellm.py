"""LiteLLM against the real server, in an environment of its own.

It weighs 340 MB, and its releases want another openai-python than the other clients do: so no `test` extra has it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.clients.test_page import BLOCKS

SCRIPT = Path(__file__).with_name("litellm_chat.py")

pytestmark = pytest.mark.slow


def run(*command: str | Path, **environ: str) -> str:
    """Run it, and show what it said where it fails."""
    ended = subprocess.run(
        command, env=os.environ | environ, capture_output=True, text=True, timeout=900, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An interpreter that has LiteLLM."""
    run(sys.executable, "-m", "venv", tmp_path)
    python = tmp_path / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    run(python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "litellm")
    return python


def test_text_stream_and_vectors(guide_url, python):
    """litellm.completion whole and streamed, and litellm.embedding; then the program in docs/clients.md."""
    offline = {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    assert "localllm" in run(python, SCRIPT, guide_url, **offline)
    (program,) = [code for _, language, code in BLOCKS if language == "py"]
    assert "localllm" in run(python, "-c", program.replace("http://localhost:5757", guide_url), **offline)
