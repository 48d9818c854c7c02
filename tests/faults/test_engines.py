"""Engines that are killed or stopped, in every phase of a request: its client is told, nobody else is.

Each fault is done to a real engine process of a real app, from outside.
"""

from __future__ import annotations

import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable

import psutil
import pytest

from tests.api.http import Answer, HalfRead
from tests.faults.app import ENDLESS, LONG, PING_S, App, error_code, healthy_throughout
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signals on Windows")

PHASES = ("loading", "queued", "prefill", "decode")
TOLD = ("engine_died", "model_load_failed")
GENEROUS = (
    20  # times the interval: this is no test of speed, and one gap may be as long as the machine is busy
)
Harm = Callable[[psutil.Process], None]


def kill(engine: psutil.Process) -> None:
    engine.kill()


def stop(engine: psutil.Process) -> None:
    """As a debugger or `kill -STOP` does: it lives, and says nothing more."""
    engine.suspend()


def break_in(app: App, phase: str, harm: Harm) -> list[str]:
    """Do the harm to the engine of "one" when a request is in this phase; the codes that its clients are told."""
    app.unload_all()
    if phase == "loading":
        return [_while_loading(app, harm)]
    first = app.stream(LONG if phase == "prefill" else "Hi", "one")
    first.read_until(b": prefill" if phase == "prefill" else b'"content":"')
    streams = [first]
    if phase == "queued":
        second = app.stream("I wait", "one")
        second.read_until(b"role")
        streams.append(second)
    assert phase != "prefill" or b'"content":"' not in first.received.replace(b'"content":""', b"")
    harm(app.only_engine())
    codes = [error_code(stream.read_to_end()) for stream in streams]
    for stream in streams:
        stream.close()
    return codes


def _while_loading(app: App, harm: Harm) -> str:
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(app.ask("one")))
    thread.start()
    harm(app.only_engine())
    thread.join()
    (answer,) = answers
    assert (
        (answer.status == 503) == (answer.error["code"] == "engine_died") == ("retry-after" in answer.headers)
    )
    return str(answer.error["code"])


def check_told_and_well(app: App, phase: str, harm: Harm) -> None:
    """Every client is told, a stream of another model goes on, and the next request is answered."""
    with healthy_throughout(app):
        codes = break_in(app, phase, harm)
        assert set(codes) <= set(TOLD), codes
        assert app.ask("one").status == 200


@pytest.mark.parametrize("phase", PHASES)
def test_a_killed_engine_is_told_and_started_again(app: App, phase: str):
    """kill -9, as the system does when memory is short: an error event for each who waits, then it works again."""
    check_told_and_well(app, phase, kill)


def test_a_killed_load_may_be_tried_again(app: App):
    """Whoever killed it, the file is not to blame: 503 and when to come back, not 500."""
    app.unload_all()
    assert _while_loading(app, kill) == "engine_died"


@pytest.mark.slow
@pytest.mark.parametrize("phase", PHASES)
def test_a_stopped_engine_is_noticed_and_started_again(app: App, phase: str):
    """SIGSTOP: no end and no error comes from the process, so the app ends it after engine_timeout_s."""
    check_told_and_well(app, phase, stop)


def test_pings_go_on_while_an_engine_is_stopped(app: App):
    """A client in the middle of a stream hears from the app, as often as it should; a short stop costs nothing."""
    stream = app.stream(model="tiny", max_tokens=300)
    stream.read_until(b'"content":"')
    engine = next(engine for engine in app.engines() if engine.pid == app.engines()[-1].pid)
    engine.suspend()
    wait_until(lambda: engine.status() == psutil.STATUS_STOPPED)
    gaps = [ping_gap_s(stream) for _ in range(5)]
    engine.resume()
    assert statistics.median(gaps) < PING_S * GENEROUS, gaps
    assert b"error" not in stream.read_until(b"[DONE]")
    stream.close()


def ping_gap_s(stream: HalfRead) -> float:
    """Seconds until the next ping: ": ping", or how far the prefill was."""
    started = time.monotonic()
    stream.received = b""
    stream.read_until(b": p")
    return time.monotonic() - started


@pytest.mark.parametrize(
    "harm", [kill, pytest.param(stop, marks=pytest.mark.slow)], ids=["killed", "stopped"]
)
def test_an_engine_that_is_lost_while_it_unloads_is_gone(app: App, harm: Harm):
    """An unload ends within its time, whatever the process does, and its stream is told."""
    app.unload_all()
    stream = app.stream(model="one")
    stream.read_until(b'"content":"')
    engine = app.only_engine()
    if harm is stop:
        harm(engine)
    unload = threading.Thread(target=lambda: app.client.post("/models/unload", {"model": "one"}))
    with healthy_throughout(app):
        unload.start()
        if harm is kill:
            harm(engine)
        assert error_code(stream.read_to_end()) == "engine_died"
        unload.join()
        stream.close()
        assert not engine.is_running()
    assert app.ask("one").status == 200


@pytest.mark.slow
def test_a_stopped_engine_whose_pipe_is_full_is_noticed_too(app: App):
    """Large prompts fill the pipe of an engine that does not read; who wrote them is told like everybody else."""
    app.unload_all()
    assert app.ask("one").status == 200
    engine = app.only_engine()
    engine.suspend()
    answers: list[Answer] = []
    threads = [
        threading.Thread(
            target=lambda: answers.append(app.client.chat("word " * 200_000, model="one", **ENDLESS))
        )
        for _ in range(4)
    ]
    with healthy_throughout(app):
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [answer.error["code"] for answer in answers] == ["engine_died"] * 4
    assert app.ask("one").status == 200


@pytest.mark.slow
def test_both_suspended_and_resumed_lose_nothing(app: App):
    """A laptop that sleeps for longer than an engine may be silent: the stream goes on where it was."""
    app.unload_all()
    stream = app.stream(model="tiny", max_tokens=400)
    stream.read_until(b'"content":"')
    everybody = [app.seen, app.only_engine()]
    for process in everybody:
        process.suspend()
    wait_until(lambda: all(process.status() == psutil.STATUS_STOPPED for process in everybody))
    threading.Event().wait(7)  # longer than engine_timeout_s: the time itself is what is tested
    for process in everybody:
        process.resume()
    assert b"error" not in stream.read_until(b"[DONE]")
    stream.close()
    assert app.only_engine().pid == everybody[1].pid


@pytest.mark.slow
def test_crash_after_crash_leaves_no_thread_and_no_file_open(app: App):
    """Five engines lost in mid-stream: threads and file descriptors are as many as before."""

    def cycle() -> tuple[int, int]:
        stream = app.stream(model="one")
        stream.read_until(b'"content":"')
        app.engines()[-1].send_signal(signal.SIGKILL)
        stream.read_to_end()
        stream.close()
        wait_until(lambda: not app.engines())
        return app.seen.num_threads(), app.seen.num_fds()

    app.unload_all()
    threads, files = cycle()
    for _ in range(4):
        cycle()
    wait_until(lambda: app.seen.num_threads() <= threads and app.seen.num_fds() <= files)
