"""The WSGI server: waitress, told to keep our promises.

    server = Server(app, config); server.start(); …; server.drain(10); server.stop()

waitress reports a client's disconnect while a handler is blocked (channel_request_lookahead), which is why it was
chosen. Four things are added: errors that waitress itself answers with come in OpenAI's envelope, a stream leaves
the connection open for the next request, clients that are too slow make room for others (connections.py), and stopping
lets running requests finish. Knows no route.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import sys
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from waitress import wasyncore
from waitress.server import create_server
from waitress.task import ThreadedTaskDispatcher, WSGITask

from localllm import errors
from localllm.api import connections, envelope, origins
from localllm.api.request_log import REFUSAL, WsgiApp

BACKLOG = 1024
UNREAD_BYTES = 1 << 20  # of an answer that wait for a slow client, in memory; then its thread waits with them
NEVER_S = 1 << 40
SPARE_THREADS = 16  # for what never generates: /health, /v1/models, errors
DISCARDED_BODY_BYTES = (
    4  # × the body limit is read and thrown away, so that the 413 can be read by the client
)
WILDCARDS = ("0.0.0.0", "::", "")
INSTANT_PATHS = frozenset({"/health", "/v1/health", "/models", "/v1/models"})  # answered without ever waiting
LOOP_TIMEOUT_S = 1.0
SWEEP_S = 0.5


class _Task(WSGITask):  # type: ignore[misc]
    """A stream is chunked, so its end is marked: the connection need not be closed to end it."""

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[connections.ON_HANGUP] = self.channel.on_hangup
        return environ

    def set_close_on_finish(self) -> None:
        if not (self.chunked_response and not self.wrote_header):
            super().set_close_on_finish()


class _ErrorTask(_Task):
    """What waitress refuses by itself (a malformed request, oversized headers), in the envelope.

    It goes through the app's log like every request, so it has an id, a line and a place in the figures.
    """

    def execute(self) -> None:
        self.set_close_on_finish()
        super().execute()

    def get_environment(self) -> dict[str, Any]:
        """Of the request only its method and path, and not even these where its first line makes no sense."""
        path = str(getattr(self.request, "path", "") or "?")
        return {
            "REQUEST_METHOD": str(getattr(self.request, "command", "") or "?"),
            "PATH_INFO": path,
            "REMOTE_ADDR": str(self.channel.addr[0]),  # waitress' own middleware wants it
            REFUSAL: _refusal(self.request.error, path),
        }


def _refusal(found: Any, path: str) -> WsgiApp:
    """An app that answers with an error of waitress'."""
    error_class = {413: errors.BodyTooLarge}.get(found.code, errors.InvalidRequest)
    error = error_class(f"{found.reason}: {found.body}")
    body = msgspec.json.encode(envelope.body_for(path, error))
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))}

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        start_response(f"{found.code} {found.reason}", [*(headers | envelope.retry_headers(error)).items()])
        return [body]

    return answer


class _Channel(connections.Channel):
    task_class = _Task
    error_task_class = _ErrorTask


class _Dispatcher(ThreadedTaskDispatcher):  # type: ignore[misc]
    """Whoever asks whether we are alive, or what is here, does not stand in line, and waits for no other thread.

    The server's loop answers such a request itself: each hand-over from thread to thread costs milliseconds where
    every core computes.
    """

    def __init__(self) -> None:
        super().__init__()
        self._instant: deque[Any] = deque()

    def add_task(self, task: Any) -> None:
        """Called with the channel's lock held, so the loop has to come back for it."""
        if _is_instant(task):
            self._instant.append(task)
        else:
            super().add_task(task)

    def answer_instantly(self) -> None:
        """Answer what takes no time. Belongs to the server's loop."""
        while self._instant:
            channel = self._instant.popleft()
            if channel.total_outbufs_len:  # its client has not read the answer before: that may take time
                super().add_task(channel)
                continue
            try:
                channel.service()
            except Exception:  # as in waitress' threads: the loop serves everybody
                self.logger.exception("Exception when servicing %r", channel)


def _is_instant(channel: Any) -> bool:
    request = channel.requests[0]
    return request.error is None and request.command == "GET" and request.path in INSTANT_PATHS


class Server:
    """A listening address, and loopback (127.0.0.1 and [::1]) beside it, served by threads of this process."""

    def __init__(self, app: WsgiApp, *, host: str, port: int, num_threads: int, max_body_bytes: int) -> None:
        """Binds at once: raises OSError where the port is taken. Port 0 takes a free one."""
        self._in_flight = InFlight(app)
        sockets = bind(host, port)
        self._dispatcher = dispatcher = _Dispatcher()
        dispatcher.set_thread_count(num_threads + SPARE_THREADS)
        self.host, self.port = host, sockets[0].getsockname()[1]
        self._map: dict[int, Any] = {}
        self._most_connections = connections.most_connections()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # waitress warns of its own deprecated adjustments
            self._server = create_server(
                self._in_flight,
                map=self._map,
                sockets=sockets,
                _dispatcher=dispatcher,
                backlog=BACKLOG,
                connection_limit=self._most_connections + len(sockets) + 1,
                channel_timeout=NEVER_S,  # waitress measures it by the wall clock; `connections` does it by its own
                outbuf_high_watermark=UNREAD_BYTES,
                outbuf_overflow=UNREAD_BYTES * 2,
                channel_request_lookahead=1,
                max_request_body_size=max_body_bytes * DISCARDED_BODY_BYTES,
                asyncore_use_poll=True,
                expose_tracebacks=False,
                ident="localllm",
            )
        self._listeners = [s for s in self._map.values() if hasattr(s, "channel_class")]
        for listener in self._listeners:
            listener.channel_class = _Channel
            listener.adj.socket_options = connections.SOCKET_OPTIONS
            connections.guard_accept(listener)
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)

    @property
    def num_in_flight(self) -> int:
        """Requests whose response has not ended."""
        return self._in_flight.count

    @property
    def url(self) -> str:
        """Where a browser on this machine finds it."""
        if origins.is_loopback(self.host) or self.host in WILDCARDS:
            return f"http://localhost:{self.port}"
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def drain(self, timeout_s: float) -> bool:
        """Accept nothing new and wait for the running requests. True where all have ended."""
        self._call_in_loop(self._stop_listening)
        return self._in_flight.wait_empty(timeout_s)

    def stop(self) -> None:
        """End now; what still runs loses its connection."""
        self._call_in_loop(self._stop_listening)
        self._stopped.set()
        self._listeners[0].trigger.pull_trigger()
        self._thread.join()
        self._server.task_dispatcher.shutdown(timeout=1)
        wasyncore.close_all(self._map)

    def _run(self) -> None:
        swept = time.monotonic()
        while not self._stopped.is_set():
            wasyncore.loop(timeout=LOOP_TIMEOUT_S, use_poll=True, map=self._map, count=1)
            self._dispatcher.answer_instantly()
            if time.monotonic() - swept >= SWEEP_S:
                self._sweep()
                swept = time.monotonic()

    def _sweep(self) -> None:
        """Close whoever is too slow, and where no room is left whoever asks for nothing."""
        channels = [channel for listener in self._listeners for channel in listener.active_channels.values()]
        connections.sweep(channels)
        if len(channels) >= self._most_connections:
            connections.shed(channels)

    def _stop_listening(self) -> None:
        for listener in self._listeners:
            if listener.accepting:
                listener.accepting = False
                listener.del_channel()
                listener.socket.close()

    def _call_in_loop(self, call: Callable[[], None]) -> None:
        """waitress' sockets belong to the loop's thread."""
        done = threading.Event()

        def run() -> None:
            call()
            done.set()

        self._listeners[0].trigger.pull_trigger(run)
        done.wait(LOOP_TIMEOUT_S * 2)


class InFlight:
    """WSGI middleware that counts the responses that have not ended."""

    def __init__(self, app: WsgiApp) -> None:
        self._app = app
        self._changed = threading.Condition()
        self.count = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self._add(1)
        try:
            body = self._app(environ, start_response)
        except BaseException:
            self._add(-1)
            raise
        return _Counted(body, lambda: self._add(-1))

    def wait_empty(self, timeout_s: float) -> bool:
        deadline = time.monotonic() + timeout_s
        with self._changed:
            return self._changed.wait_for(lambda: self.count == 0, max(0.0, deadline - time.monotonic()))

    def _add(self, difference: int) -> None:
        with self._changed:
            self.count += difference
            self._changed.notify_all()


class _Counted:
    """A response body that says when it was closed. Keeps `len()` away, so waitress asks the headers instead."""

    def __init__(self, body: Iterable[bytes], on_close: Callable[[], None]) -> None:
        self._body = body
        self._on_close = on_close

    def __iter__(self) -> Any:
        return iter(self._body)

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._on_close()


def bind(host: str, port: int) -> list[socket.socket]:
    """Bound sockets for the address and, so that this computer finds it where it always is, for loopback.

    Both loopback addresses, because clients try either first. Raises OSError where `host` itself is taken.
    """
    sockets = [_bound("127.0.0.1" if host == "localhost" else host, port)]
    if host in WILDCARDS or (origins.is_loopback(host) and host not in ("localhost", "127.0.0.1")):
        return sockets
    for loopback in ("127.0.0.1", "::1"):
        # It is there already, there is no IPv6 here, or another program has the port there.
        with contextlib.suppress(OSError):
            sockets.append(_bound(loopback, sockets[0].getsockname()[1]))
    return sockets


def _bound(host: str, port: int) -> socket.socket:
    family, kind, proto, _, address = socket.getaddrinfo(
        host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    bound = socket.socket(family, kind, proto)
    try:
        if sys.platform == "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
        bound.listen(BACKLOG)  # a second process' bind fails only against a listening socket
    except OSError:
        bound.close()
        raise
    return bound


def is_port_taken(error: OSError) -> bool:
    return error.errno in (errno.EADDRINUSE, errno.EACCES) or getattr(error, "winerror", None) in (
        10048,
        10013,
    )
