"""A server whose models say what a test wants: for clients' handling of thinking, calls and failures."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from localllm.api.serving import serving
from localllm.config import Config
from tests.api.fakes import FakeModels, Script, say

THOUGHT_TEXT_AND_CALL = say(
    "<think>", "hmm", "</think>", "Let me look.", "<tool", '_call>{"name": "get_weather", "arguments": ',
    '{"city": "Bern"}}', "</tool_call>",
)  # fmt: skip


@contextlib.contextmanager
def scripted_server(folder: Path, **scripts: Script) -> Iterator[str]:
    """The address of a server. scripts: what the models "guide" and "other" say."""
    models = FakeModels(folder)
    for name, script in scripts.items():
        models.engines[name].script = script
    config = Config(port=0, ping_interval_s=0.1)
    with serving(models.pool, config, is_port_fixed=True, drain_s=0) as server:
        yield f"http://127.0.0.1:{server.port}"
