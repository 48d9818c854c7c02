"""Simon Willison's `llm`, run as its users do: a command, and the YAML file of docs/clients.md."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.clients.guide import QUESTION, RESULT, is_about_the_result
from tests.clients.test_page import BLOCKS

(MODEL,) = [code for _, language, code in BLOCKS if language == "yaml"]
FUNCTION = f"def get_weather(city: str) -> str:\n    'Get the weather'\n    return {RESULT!r}\n"


@pytest.fixture
def llm(guide_url, tmp_path):
    """Runs the command with words and gives what it printed."""
    (tmp_path / "extra-openai-models.yaml").write_text(
        MODEL.replace("http://localhost:5757", guide_url), encoding="utf-8"
    )
    environ = os.environ | {"LLM_USER_PATH": str(tmp_path), "PYTHONIOENCODING": "utf-8"}

    def run(*words: str) -> str:
        command = [sys.executable, "-m", "llm", "-m", "guide", "-o", "temperature", "0", *words]
        ended = subprocess.run(
            command,
            env=environ,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    return run


def test_a_whole_text(llm):
    """Without a stream llm takes usage out of the answer, and fails where there is none."""
    assert "localllm" in llm("--no-stream", "What is localllm?")


def test_a_function_is_called_and_its_result_used(llm):
    """`--functions`: llm streams the call, runs the function, sends its result and streams the answer."""
    assert is_about_the_result(llm("--functions", FUNCTION, QUESTION))
