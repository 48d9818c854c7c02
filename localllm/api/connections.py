"""Connections that only take up room: who sends a request too slowly, does not read an answer, or asks for nothing.

The server's loop calls `sweep` once a second. Where no more connections fit, those that have asked for nothing for the
longest are closed, so that the next one, and /health, always come in. Time is the monotonic clock's: the wall clock may
jump. Knows waitress' channels, and no request.
"""

from __future__ import annotations

import errno
import logging
import socket
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from waitress.channel import HTTPChannel

log = logging.getLogger(__name__)

HEADERS_S = 30.0  # from a request's first byte until its headers are there
IDLE_S = 120.0  # without a byte: between two requests, in a body, or in an answer that is not read
MOST_CONNECTIONS = 2000
SELECT_LIMIT = 480  # Windows has no poll, and its select takes 512 sockets
SPARE_FILES = 128  # for engines' pipes, model files, logs
SHED_SHARE = 0.1
PAUSE_S = 0.05
SOCKET_OPTIONS = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
if sys.platform == "linux":
    # A client that has vanished is noticed by the first ping that nobody confirms for so long.
    SOCKET_OPTIONS.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(IDLE_S * 1000)))
ON_HANGUP = "localllm.on_hangup"  # in a request's environ: its channel's method
WITHOUT_FILES = (errno.EMFILE, errno.ENFILE)


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that knows since when it has been waiting for what, and tells when its client has left."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.began_at = self.moved_at = time.monotonic()
        self._hangup: Callable[[], None] | None = None
        super().__init__(*args, **options)

    def on_hangup(self, call: Callable[[], None]) -> None:
        """Have this called, by the server's loop, if the client leaves before the present request has its answer."""
        self._hangup = call
        self._tell_hangup()

    def service(self) -> None:
        try:
            super().service()
        finally:
            self._hangup = None

    def handle_read(self) -> None:
        super().handle_read()
        self._tell_hangup()

    def handle_close(self) -> None:
        super().handle_close()
        self._tell_hangup()

    def _tell_hangup(self) -> None:
        if not self.connected and (call := self._hangup) is not None:
            self._hangup = None
            call()

    def received(self, data: bytes) -> bool:
        self.moved_at = time.monotonic()
        if self.request is None:
            self.began_at = self.moved_at
        return bool(super().received(data))

    def send(self, data: bytes, do_close: bool = True) -> int:
        num_sent = int(super().send(data, do_close=do_close))
        if num_sent:
            self.moved_at = time.monotonic()
        return num_sent

    def is_overdue(self, now: float) -> bool:
        """True where its client has been too slow. A request that is being answered has all the time it needs."""
        if self.requests and not self.total_outbufs_len:
            self.moved_at = now
            return False
        if not self.requests and self.request is not None and not self.request.headers_finished:
            return now - self.began_at > HEADERS_S
        return now - self.moved_at > IDLE_S

    @property
    def asks_nothing(self) -> bool:
        """True where no request is under way, or only the beginning of one."""
        return not self.requests and not self.total_outbufs_len


def sweep(channels: Iterable[Channel]) -> None:
    """Close the connections whose clients were too slow. Belongs to the server's loop."""
    now = time.monotonic()
    for channel in list(channels):
        if channel.is_overdue(now):
            channel.handle_close()


def shed(channels: Iterable[Channel]) -> None:
    """Close a part of the connections that ask for nothing, those that were heard of the longest ago."""
    idle = sorted((c for c in channels if c.asks_nothing), key=lambda c: c.began_at)
    for channel in idle[: max(1, int(len(idle) * SHED_SHARE))]:
        channel.handle_close()


def guard_accept(listener: Any) -> None:
    """Let this listening socket survive a lack of file descriptors, which would otherwise keep the loop spinning."""
    accept = listener.accept

    def accept_or_shed() -> Any:
        try:
            return accept()
        except OSError as e:
            if e.errno not in WITHOUT_FILES:
                raise
            log.warning("There are no file descriptors left: idle connections are closed.")
            shed(listener.active_channels.values())
            time.sleep(PAUSE_S)
            return None

    listener.accept = accept_or_shed


def most_connections() -> int:
    """How many this process can hold, after it has asked the system for more."""
    if sys.platform == "win32":
        return SELECT_LIMIT
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + SPARE_FILES
    if soft < wanted:
        wanted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            wanted = soft
        soft = wanted
    return max(16, min(MOST_CONNECTIONS, soft - SPARE_FILES))
