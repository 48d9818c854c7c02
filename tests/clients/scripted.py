"""A server whose model says what a test wants: for clients' handling of thinking, calls and failures."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from localllm.api.serving import serving
from localllm.config import Config
from tests.api.fakes import FakeEngine, FakeModels, Script


@contextlib.contextmanager
def scripted_server(folder: Path, script: Script) -> Iterator[tuple[str, FakeEngine]]:
    """The server's address and its engine; the model is "guide"."""
    models = FakeModels(folder)
    models.engines["guide"].script = script
    config = Config(port=0, ping_interval_s=0.1)
    with serving(models.pool, config, is_port_fixed=True, drain_s=0) as server:
        yield f"http://127.0.0.1:{server.port}", models.engines["guide"]
