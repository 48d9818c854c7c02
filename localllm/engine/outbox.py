"""What an engine process says to the app: messages in order, errors as messages, a beat while it says nothing else.

Knows the pipe and its messages, no model and no loop.
"""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
import traceback
from collections.abc import Iterable
from multiprocessing.connection import Connection

from localllm.engine import messages as m
from localllm.errors import LocalllmError


class Outbox:
    """Sends messages to the app in order, by a thread of its own; any thread may use it. An app that is gone ends us.

    Whoever writes into a pipe is put aside by the thread that reads it. If that were the loop, the next step would
    begin half a millisecond later, every time. The thread also says once a second that the process runs, however
    long a step takes.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._messages: queue.SimpleQueue[m.Message | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="send", daemon=True)
        self._thread.start()

    def send(self, message: m.Message) -> None:
        self._messages.put(message)

    def refuse(self, request_id: int, exception: Exception) -> None:
        """Say why a request cannot run."""
        error = _told(exception)
        self.send(m.Refused(request_id, type(error).__name__, error.message, error.param, error.code))

    def fail(self, call_ids: Iterable[int], exception: Exception) -> None:
        """Say to each of these calls why it could not be done."""
        error = _told(exception)
        for call_id in call_ids:
            self.send(m.CallFailed(call_id, error.message, error.param))

    def close(self, *last_words: m.Message) -> None:
        """Returns when these and all others were sent; nothing is sent after it."""
        for message in (*last_words, None):
            self._messages.put(message)
        self._thread.join()

    def _run(self) -> None:
        beat_at = time.monotonic()
        while True:
            try:
                message = self._messages.get(timeout=max(0.0, beat_at - time.monotonic()))
            except queue.Empty:
                message, beat_at = m.Beat(), time.monotonic() + m.BEAT_S
            if message is None:
                return
            try:
                self._connection.send_bytes(m.pack(message))
            except OSError:
                os._exit(0)


def _told(exception: Exception) -> LocalllmError:
    """The exception as an error of the tree; what nobody foresaw goes into the log with its traceback."""
    if isinstance(exception, LocalllmError):
        return exception
    with contextlib.suppress(OSError):  # the disk may be full
        traceback.print_exception(exception)
    return LocalllmError(
        f"The engine made a mistake ({type(exception).__name__}). Its log has the details; please report it."
    )
