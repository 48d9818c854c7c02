"""Who reads an engine's pipe: a thread of its own, or, while one stream is all there is, the thread that waits for it.

Then a token wakes one thread instead of two, where every core computes: the app's threads changed 1.1 times a token
instead of 2.5 to 3.6 times, for as much processor time (0.5 ms, measured on two cores). Knows no message.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection

LOOK_S = 0.25  # while it rests, the thread sees so often whether the other one has been away


class PipeReader:
    """Gives every message of a pipe to `dispatch`, in order; one thread at a time reads.

    dispatch: says whether the message was for somebody who comes back for more with `read_one`. As long as he
    `is_alone`, the thread in `run` then rests; until then, and from `call_back` on, it reads.
    """

    def __init__(
        self, connection: Connection, dispatch: Callable[[bytes], bool], is_alone: Callable[[], bool]
    ) -> None:
        self._connection = connection
        self._dispatch = dispatch
        self._is_alone = is_alone
        self._turn = threading.Lock()
        self._called = threading.Event()
        self._wait = _waiter(connection)

    def run(self) -> None:
        """Read until the other end is closed: raises EOFError or OSError then."""
        while True:
            self._called.clear()  # before the message: a call that comes while it is handed out counts
            with self._turn:
                has_served = self._dispatch(self._connection.recv_bytes())
            if has_served:
                self._rest()

    def call_back(self) -> None:
        """Somebody waits who does not read by himself. Any thread may call it."""
        self._called.set()

    def read_one(self, timeout_s: float | None) -> bool:
        """Read one message, if it comes in time, in the caller's thread. False where another thread has to read."""
        if not self._is_alone() or not self._turn.acquire(blocking=False):
            return False
        try:
            if self._connection.closed:
                return False
            if self._wait(timeout_s):
                self._dispatch(self._connection.recv_bytes())
        except (EOFError, OSError):
            self.call_back()  # what the end of the pipe means is the other thread's business
            return False
        finally:
            self._turn.release()
        return True

    def close(self) -> None:
        """Close this end, while nobody reads."""
        with self._turn:
            self._connection.close()

    def _rest(self) -> None:
        while self._is_alone() and not self._called.wait(LOOK_S):
            if self._turn.acquire(blocking=False):
                try:
                    while self._wait(0):
                        self._dispatch(self._connection.recv_bytes())
                finally:
                    self._turn.release()


def _waiter(connection: Connection) -> Callable[[float | None], bool]:
    """Waits for a message, so many seconds or without end. As Connection.poll, which makes a selector at every call."""
    if not hasattr(select, "poll"):  # Windows
        return connection.poll
    poller = select.poll()
    poller.register(connection.fileno(), select.POLLIN)
    return lambda timeout_s: bool(poller.poll(None if timeout_s is None else timeout_s * 1000))
