"""Engines that have no memory left, in every phase of a request: its client is told, nobody else is.

An app of its own: an engine that cannot even start Python says so on the app's stderr, in the middle of its lines.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.faults.app import App, error_code, healthy_throughout
from tests.faults.conftest import impatient
from tests.faults.test_engines import PHASES, TOLD, check_told_and_well

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="prlimit of another process is Linux's"),
]


def starve(engine: psutil.Process) -> None:
    """No further page of memory: the next allocation fails, in Python or in C."""
    import resource

    resource.prlimit(engine.pid, resource.RLIMIT_AS, (1 << 20, 1 << 20))


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, tiny_model_path: Path, slow_model_path: Path
) -> Iterator[App]:
    """An app that may hear its engines complain, and may not complain itself."""
    with impatient(tmp_path_factory.mktemp("starved"), tiny_model_path, slow_model_path) as app:
        yield app
        own = [line for line in app.log.splitlines() if " ERROR " in line or " CRITICAL " in line]
        assert not own, own[:5]


@pytest.mark.parametrize("phase", PHASES)
def test_an_engine_out_of_memory_is_told_and_started_again(app: App, phase: str):
    """An allocation that fails, in llama.cpp or in Python, ends that engine's requests with an error."""
    check_told_and_well(app, phase, starve)


def test_an_engine_out_of_memory_while_it_unloads_is_gone(app: App):
    """An unload needs nothing from an engine that can do nothing: it ends, its stream is told."""
    app.unload_all()
    stream = app.stream(model="one")
    stream.read_until(b'"content":"')
    engine = app.only_engine()
    starve(engine)
    unload = threading.Thread(target=lambda: app.client.post("/models/unload", {"model": "one"}))
    with healthy_throughout(app):
        unload.start()
        assert error_code(stream.read_to_end()) in TOLD
        unload.join()
    stream.close()
    assert not engine.is_running()
    assert app.ask("one").status == 200
