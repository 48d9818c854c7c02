"""The pipe of an engine is read in order, without a pause, and by the thread that needs it."""

from __future__ import annotations

import multiprocessing
import queue
import random
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest

from localllm.engine import reading
from localllm.engine.reading import PipeReader

FOREVER_S = 60.0  # longer than any test may take


class Reading:
    """A reader with its thread: messages that begin with "s" serve who comes back, and who read each is noted."""

    def __init__(self) -> None:
        self.near, self.far = multiprocessing.Pipe()
        self.is_alone = True
        self.got: queue.SimpleQueue[tuple[bytes, str]] = queue.SimpleQueue()
        self.pipe = PipeReader(self.near, self._dispatch, lambda: self.is_alone)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, name="reader")
        self.thread.start()

    def _dispatch(self, data: bytes) -> bool:
        self.got.put((data, threading.current_thread().name))
        return data.startswith(b"s")

    def _run(self) -> None:
        try:
            self.pipe.run()
        except (EOFError, OSError):
            self.pipe.close()
            self.ended.set()

    def serve_once(self) -> None:
        """Bring the thread to rest: what it has read is for somebody who comes back."""
        self.far.send_bytes(b"serve")
        assert self.got.get(timeout=FOREVER_S) == (b"serve", "reader")
        while not self.read(b"serve me"):
            self.got.get(timeout=FOREVER_S)  # the thread was not at rest yet, and took it

    def read(self, data: bytes) -> bool:
        """Whether this thread read this message."""
        self.far.send_bytes(data)
        return self.pipe.read_one(FOREVER_S) and self.got.get(timeout=FOREVER_S) == (data, "MainThread")


@pytest.fixture
def far_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resting thread does not look by itself while a test runs."""
    monkeypatch.setattr(reading, "LOOK_S", FOREVER_S)


@pytest.fixture
def pipe() -> Iterator[Reading]:
    running = Reading()
    yield running
    running.pipe.call_back()
    running.far.close()
    running.thread.join(FOREVER_S)
    assert not running.thread.is_alive()


def test_who_is_alone_and_comes_back_reads_by_himself(far_apart: None, pipe: Reading):
    """One thread is woken for a token, not two."""
    pipe.serve_once()
    for number in range(100):
        assert pipe.read(b"s%d" % number)


def test_a_message_that_is_for_nobody_in_particular_does_not_end_it(far_apart: None, pipe: Reading):
    """The engine's beat comes between two tokens."""
    pipe.serve_once()
    assert pipe.read(b"beat")
    assert pipe.read(b"s1")


def test_nothing_in_time_is_not_the_end(far_apart: None, pipe: Reading):
    """The caller had its turn and looks at its client; then it waits again."""
    pipe.serve_once()
    assert pipe.pipe.read_one(0.001)
    assert pipe.got.empty()
    assert pipe.read(b"s1")


def test_a_call_brings_the_thread_back_at_once(far_apart: None, pipe: Reading):
    """A second request waits for its acceptance, which it does not read by itself."""
    pipe.serve_once()
    pipe.is_alone = False
    pipe.pipe.call_back()
    pipe.far.send_bytes(b"accepted")
    assert pipe.got.get(timeout=FOREVER_S) == (b"accepted", "reader")
    assert not pipe.pipe.read_one(FOREVER_S)


def test_a_call_while_a_message_is_handed_out_is_not_lost(far_apart: None):
    """The thread must not rest when its next message is for somebody who waits."""
    found: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    near, far = multiprocessing.Pipe()

    def dispatch(data: bytes) -> bool:
        if data == b"serve":
            reader.call_back()  # another thread does so in this very moment
        found.put(data)
        return data == b"serve"

    reader = PipeReader(near, dispatch, lambda: True)
    thread = threading.Thread(target=read_to_the_end, args=(reader,))
    thread.start()
    for message in (b"serve", b"accepted"):
        far.send_bytes(message)
        assert found.get(timeout=FOREVER_S) == message
    far.close()
    thread.join(FOREVER_S)


def test_what_comes_while_nobody_reads_is_fetched_by_the_thread(pipe: Reading):
    """A client that does not take its answer holds nothing up: not the engine's beats either."""
    pipe.serve_once()
    for number in range(3):
        pipe.far.send_bytes(b"s%d" % number)
        assert pipe.got.get(timeout=FOREVER_S) == (b"s%d" % number, "reader")


def test_the_end_is_told_to_the_thread_whoever_sees_it(far_apart: None, pipe: Reading):
    """The engine dies while a stream's thread reads: the other one knows what to do."""
    pipe.serve_once()
    pipe.far.close()
    assert not pipe.pipe.read_one(FOREVER_S)
    assert pipe.ended.wait(FOREVER_S)
    assert not pipe.pipe.read_one(FOREVER_S)


@pytest.mark.parametrize("seed", range(5))
def test_order_holds_whoever_reads(monkeypatch: pytest.MonkeyPatch, seed: int):
    """Two threads take turns by chance, and are called and left alone by chance: nothing is lost, nothing overtakes."""
    monkeypatch.setattr(reading, "LOOK_S", 0.001)
    rng = random.Random(seed)
    taken: list[int] = []
    near, far = multiprocessing.Pipe()

    def dispatch(data: bytes) -> bool:
        taken.append(int(data))
        return rng.random() < 0.7

    reader = PipeReader(near, dispatch, lambda: rng.random() < 0.9)
    thread = threading.Thread(target=read_to_the_end, args=(reader,))
    thread.start()
    writer = threading.Thread(target=write, args=(far, 2000))
    writer.start()
    while len(taken) < 2000:
        reader.read_one(0.01)
        if rng.random() < 0.05:
            reader.call_back()
    writer.join()
    reader.call_back()
    far.close()
    thread.join(FOREVER_S)
    assert taken == list(range(2000))


def write(far: Connection, count: int) -> None:
    for number in range(count):
        far.send_bytes(b"%d" % number)


def read_to_the_end(reader: PipeReader) -> None:
    with pytest.raises(EOFError):
        reader.run()
    reader.close()
