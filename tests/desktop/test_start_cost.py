"""What a start must not load: the page is there within a second because of what is not imported before it."""

from __future__ import annotations

import subprocess
import sys


def loaded(code: str) -> set[str]:
    said = subprocess.check_output(
        [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"], text=True
    )
    return set(said.split())


def test_a_start_loads_nothing_that_only_some_requests_need():
    """llama.cpp and numpy belong to the engine's process; Markdown, downloads and tables to whoever asks for them."""
    slow = {"httpx", "llama_cpp", "llguidance", "markdown_it", "nh3", "numpy", "pygments", "rich"}
    assert not slow & loaded("import localllm.cli.launch, localllm.cli.serve")


def test_a_second_start_loads_no_server():
    """It only looks for the first one and opens its page."""
    server = {"flask", "waitress", "jinja2", "werkzeug", "localllm.api.app", "localllm.models.pool"}
    assert not server & loaded("import localllm.cli.launch")
