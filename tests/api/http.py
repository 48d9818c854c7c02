"""A plain HTTP client that shows the raw bytes, and can hang up in the middle."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec


class Answer(msgspec.Struct):
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, Any]:
        """The error object of the envelope, whose form is checked here once for all tests."""
        assert self.headers["content-type"] == "application/json", self.headers
        error: dict[str, Any] = self.json["error"]
        assert error.keys() == {"message", "type", "param", "code"}, error
        assert isinstance(error["message"], str)
        assert error["message"]
        return error


class Client:
    """Requests to one server, a new connection each."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.url = url
        self.host, self.port = parts.hostname, parts.port or 80

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if data is not None else {}
        try:
            connection.request(method, path, data, sent | (headers or {}))
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def get(self, path: str, headers: dict[str, str] | None = None) -> Answer:
        return self.request("GET", path, None, headers)

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Answer:
        return self.request("POST", path, body, headers)

    def chat(self, content: Any = "Hi", **fields: Any) -> Answer:
        """A chat request with one user message."""
        messages = [{"role": "user", "content": content}]
        return self.post("/v1/chat/completions", {"model": "guide", "messages": messages} | fields)

    def open(self, path: str, body: Any, method: str = "POST") -> HalfRead:
        """Send a request and keep the socket, so that a test can hang up when it wants."""
        data = json.dumps(body).encode() if body is not None else b""
        connection = socket.create_connection((self.host, self.port), timeout=60)
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n\r\n"
        )
        connection.sendall(head.encode() + data)
        return HalfRead(connection)


class HalfRead:
    """A response that is being read; `close` hangs up."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.received = b""

    def read_until(self, marker: bytes) -> bytes:
        """Everything received so far, once the marker is in it."""
        deadline = time.monotonic() + 60  # a stream with pings never ends by itself
        for _ in self._pieces():
            if marker in self.received:
                return self.received
            if time.monotonic() > deadline:
                break
        raise AssertionError(f"{marker!r} never came: {self.received[-3000:]!r}")

    def read_to_end(self) -> bytes:
        """Everything up to the end of a chunked body, which the connection outlives."""
        return self.read_until(b"\r\n0\r\n\r\n")

    def _pieces(self) -> Iterator[bytes]:
        yield b""
        while piece := self._connection.recv(65536):
            self.received += piece
            yield piece

    def close(self) -> None:
        self._connection.close()
