"""SIGTERM: running answers may finish, the rest is told, and it is over within the time that was set."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.app import App, error_code, running

DRAIN_S = 2.0
AFTER_S = 25.0  # for engines to save and end, on a machine with other work

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM on Windows")


@pytest.fixture
def app(tmp_path: Path, tiny_model_path: Path) -> Iterator[App]:
    """An app of its own, that a test may stop; it drains for two seconds."""
    with running(tmp_path, tiny_model_path, LOCALLLM_DRAIN_S=str(DRAIN_S)) as app:
        yield app


def test_an_endless_stream_ends_with_an_error_event_and_never_silently(app: App):
    """It may go on while the app drains; then its client reads why it ended. The app ends well, its engines too."""
    stream = app.stream()
    stream.read_until(b'"content":"')
    engine = app.only_engine()
    started = time.monotonic()
    app.process.send_signal(signal.SIGTERM)
    assert error_code(stream.read_to_end()) == "engine_died"
    stream.close()
    assert app.process.wait(timeout=DRAIN_S + AFTER_S) == 0
    assert time.monotonic() - started >= DRAIN_S  # it was given its time
    assert not engine.is_running()


def test_a_stream_that_can_finish_finishes(app: App):
    """Nothing of it is missing, and the app does not wait for longer than it takes."""
    stream = app.stream(max_tokens=50)
    stream.read_until(b"role")
    app.process.send_signal(signal.SIGTERM)
    assert stream.read_until(b"data: [DONE]").count(b'"error"') == 0
    stream.close()
    assert app.process.wait(timeout=DRAIN_S + AFTER_S) == 0


@pytest.mark.slow
def test_a_stopped_engine_does_not_hold_up_the_end(app: App):
    """An engine that does not answer is ended with the rest."""
    stream = app.stream()
    stream.read_until(b'"content":"')
    engine = app.only_engine()
    engine.suspend()
    app.process.send_signal(signal.SIGTERM)
    assert error_code(stream.read_to_end()) == "engine_died"
    stream.close()
    assert app.process.wait(timeout=DRAIN_S + AFTER_S) == 0
    assert not engine.is_running()
