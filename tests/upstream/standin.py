"""Servers to forward to, made of bytes: whatever a test wants to be sent, sent as it wants it."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Answer = Callable[["Request"], Iterable[bytes]]


@dataclass(frozen=True)
class Request:
    """What a stand-in was asked. `is_gone` says whether the client has hung up."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    is_gone: Callable[[], bool] = field(default=lambda: False, compare=False)


class StandIn:
    """A server on a free port of this machine; a thread per connection."""

    def __init__(self, answer: Answer, port: int = 0) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.left = threading.Event()  # a client has hung up in the middle of an answer
        self.num_connections = 0
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def kill(self) -> None:
        """Die: nothing listens any more, and every connection is cut."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.num_connections += 1
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                while (request := _read_request(connection)) is not None:
                    self.requests.append(request)
                    if not self._send(connection, request):
                        return
        except OSError:
            return
        finally:
            self._open.discard(connection)

    def _send(self, connection: socket.socket, request: Request) -> bool:
        """Send the answer; True where the connection stays open, which the head says."""
        sent = b""
        try:
            for piece in self.answer(request):
                connection.sendall(piece)
                sent = (sent + piece)[:2000] if len(sent) < 2000 else sent
                if request.is_gone():
                    raise OSError
        except OSError:
            self.left.set()
            return False
        head = sent.partition(b"\r\n\r\n")[0].lower()
        return b"chunked" in head or b"content-length" in head


def _read_request(connection: socket.socket) -> Request | None:
    received = b""
    while b"\r\n\r\n" not in received:
        data = connection.recv(65536)
        if not data:
            return None
        received += data
    head, _, rest = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(rest) < int(headers.get("content-length", "0")):
        rest += connection.recv(65536)
    method, path, _ = first.split(" ")
    return Request(method, path, headers, json.loads(rest) if rest else None, lambda: _is_gone(connection))


def _is_gone(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        with contextlib.suppress(OSError):
            connection.setblocking(True)


# ── bytes ───────────────────────────────────────────────────────────────────────────────────────────────────


def head(status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def chunked(pieces: Iterable[bytes], status: str = "200 OK", **headers: str) -> Iterable[bytes]:
    """A chunked answer, each piece as it comes."""
    yield head(status, **({"Content_Type": "text/event-stream"} | headers), Transfer_Encoding="chunked")
    for piece in pieces:
        if piece:
            yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def whole(
    body: Any, status: str = "200 OK", content_type: str = "application/json", **headers: str
) -> list[bytes]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return [head(status, Content_Type=content_type, Content_Length=str(len(data)), **headers) + data]


def event(payload: Any) -> bytes:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return b"data: " + data + b"\n\n"


def chunk(
    delta: dict[str, Any] | None = None, finish_reason: str | None = None, **extra: Any
) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish_reason}
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
    } | extra


def say(*texts: str, done: bytes = b"data: [DONE]\n\n") -> list[bytes]:
    """The events of a plain answer."""
    events = [event(chunk({"role": "assistant", "content": ""}))]
    events += [event(chunk({"content": text})) for text in texts]
    return [*events, event(chunk({}, "stop")), done]


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────


def ok(request: Request) -> Iterable[bytes]:
    """A plain answer."""
    return chunked(say("Hello", " there"))


def silent(request: Request) -> Iterable[bytes]:
    """Nothing, until the client hangs up."""
    while not request.is_gone():
        threading.Event().wait(0.02)
    raise OSError
    yield
