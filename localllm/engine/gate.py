"""A gate between two threads: one computes while it is open, the other shuts it to have the cores for itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Gate:
    """Where the thread waits while the loop computes. `is_open` is the loop's word, `is_busy` the thread's."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._is_open = True
        self._is_busy = False
        self.waited_s = 0.0

    def shut(self) -> None:
        """Returns when the thread stands still."""
        self._is_open = False
        with self._changed:
            self._changed.wait_for(lambda: not self._is_busy)

    def open(self) -> None:
        with self._changed:
            self._is_open = True
            self._changed.notify_all()

    def enter(self, is_given_up: Callable[[], bool] = lambda: False) -> None:
        """The thread begins or goes on, as soon as the gate is open or there is no sense in waiting any more."""
        with self._changed:
            self._is_busy = False
            self._changed.notify_all()
            began = time.monotonic()
            self._changed.wait_for(lambda: self._is_open or is_given_up())
            self.waited_s += time.monotonic() - began
            self._is_busy = True

    def pass_by(self, is_given_up: Callable[[], bool]) -> None:
        """Between two nodes: no lock as long as the gate is open."""
        if not self._is_open:
            self.enter(is_given_up)

    def leave(self) -> None:
        """The thread has nothing to compute."""
        with self._changed:
            self._is_busy = False
            self._changed.notify_all()

    def wake(self) -> None:
        """Let the thread look again whether it is given up."""
        with self._changed:
            self._changed.notify_all()
