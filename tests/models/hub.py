"""A hub on this machine: it speaks the Hugging Face hub's protocol and misbehaves when told to.

Two addresses, as in reality: the hub itself, which knows sizes and hashes and redirects, and the storage that has
the bytes. `faults` are taken one per request for bytes; when none is left everything goes well.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Fault = Callable[["_Handler", bytes, int], None]


class FakeHub:
    """`files`: "owner/repo/path" → bytes. `requests`: (method, path, headers) of both servers, in order."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.hashes: dict[str, str] = {}  # to claim a wrong one
        self.sizes: dict[str, int] = {}
        self.faults: deque[Fault] = deque()
        self.hub_statuses: deque[tuple[int, dict[str, str]]] = deque()
        self.gated: set[str] = set()
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.honours_range = True
        self.waits: list[float] = []
        self._servers = [_server(self, _HubHandler), _server(self, _Handler)]
        self.url = f"http://127.0.0.1:{self._servers[0].server_port}"
        self.storage_url = f"http://localhost:{self._servers[1].server_port}"

    @property
    def environ(self) -> dict[str, str]:
        return {"HF_ENDPOINT": self.url, "HF_HOME": "/nonexistent"}

    def add(self, name: str, data: bytes) -> bytes:
        self.files[name] = data
        return data

    def close(self) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def sha256(self, name: str) -> str:
        return self.hashes.get(name) or hashlib.sha256(self.files[name]).hexdigest()

    def size(self, name: str) -> int:
        return self.sizes.get(name, len(self.files[name]))


# ── what can go wrong with bytes ────────────────────────────────────────────────────────────────────────────


def cut_after(num_bytes: int) -> Fault:
    """The connection breaks in the middle."""

    def fault(handler: _Handler, data: bytes, start: int) -> None:
        handler.send_bytes(data, start, send_only=num_bytes)

    return fault


def wrong_bytes(handler: _Handler, data: bytes, start: int) -> None:
    """As many as should be, but others."""
    handler.send_bytes(bytes(b ^ 0xFF for b in data), start)


def too_many(handler: _Handler, data: bytes, start: int) -> None:
    """More than the hub said, without a range."""
    handler.send_bytes(data + b"more", 0)


def ignored_range(handler: _Handler, data: bytes, start: int) -> None:
    """200 and everything, whatever was asked for."""
    handler.send_bytes(data, 0)


def other_range(handler: _Handler, data: bytes, start: int) -> None:
    """206, but not from where it was asked for."""
    handler.send_bytes(data, max(0, start - 7))


def status(code: int, **headers: str) -> Fault:
    """An answer without bytes."""

    def fault(handler: _Handler, data: bytes, start: int) -> None:
        handler.answer(code, {k.replace("_", "-"): v for k, v in headers.items()})

    return fault


def trickle(handler: _Handler, data: bytes, start: int) -> None:
    """A byte now and then: a connection that never times out and never ends."""
    handler.begin(206 if start else 200, data, start)
    try:
        for i in range(start, len(data)):
            handler.wfile.write(data[i : i + 1])
            handler.wfile.flush()
            time.sleep(0.02)
    except OSError:
        pass


def silent_until(may_speak: threading.Event) -> Fault:
    """Nothing comes, and then the connection breaks."""

    def fault(handler: _Handler, data: bytes, start: int) -> None:
        handler.begin(206 if start else 200, data, start)
        may_speak.wait(20)
        handler.close_connection = True

    return fault


# ── the servers ─────────────────────────────────────────────────────────────────────────────────────────────


def _server(hub: FakeHub, handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    bound = type(handler.__name__, (handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), bound)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


class _Base(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, *_: Any) -> None:
        pass

    def handle(self) -> None:
        """A client that closes the connection in the middle is nothing to report."""
        with contextlib.suppress(ConnectionError):
            super().handle()

    def note(self) -> None:
        self.hub.requests.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))

    def answer(self, code: int, headers: dict[str, str], body: bytes = b"") -> None:
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class _HubHandler(_Base):
    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.note()
        if self.hub.hub_statuses:
            code, headers = self.hub.hub_statuses.popleft()
            return self.answer(code, headers)
        if listing := re.fullmatch(r"/api/models/([^/]+/[^/]+)/tree/main\?recursive=true", self.path):
            return self._list(listing[1])
        if resolve := re.fullmatch(r"/([^/]+/[^/]+)/resolve/main/(.+)", self.path):
            return self._resolve(resolve[1], resolve[2])
        return self.answer(404, {})

    def _list(self, repo: str) -> None:
        rows = [
            {"type": "file", "path": name[len(repo) + 1 :], "size": self.hub.size(name),
             "lfs": {"oid": self.hub.sha256(name), "size": self.hub.size(name)}}
            for name in self.hub.files if name.startswith(repo + "/")
        ]  # fmt: skip
        self.answer(200 if rows else 404, {"Content-Type": "application/json"}, json.dumps(rows).encode())

    def _resolve(self, repo: str, file: str) -> None:
        name = f"{repo}/{file}"
        if repo in self.hub.gated and "authorization" not in {k.lower() for k in self.headers}:
            return self.answer(401, {"X-Error-Code": "GatedRepo"})
        if name not in self.hub.files:
            return self.answer(404, {"X-Error-Code": "EntryNotFound"})
        digest = self.hub.sha256(name)
        self.answer(
            302,
            {
                "Location": f"{self.hub.storage_url}/{name}",
                "X-Linked-Size": str(self.hub.size(name)),
                "X-Linked-Etag": f'"{digest}"',
                "ETag": f'"{digest}"',
                "X-Repo-Commit": "0" * 40,
            },
        )
        return None


class _Handler(_Base):
    def do_GET(self) -> None:
        self.note()
        data = self.hub.files[self.path[1:]]
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        if self.headers.get("If-Range", self.etag(data)) != self.etag(data):
            start = 0
        if self.hub.faults:
            return self.hub.faults.popleft()(self, data, start)
        if start >= len(data) and start:
            return self.answer(416, {"Content-Range": f"bytes */{len(data)}"})
        return self.send_bytes(data, start)

    @staticmethod
    def etag(data: bytes) -> str:
        return f'"{hashlib.md5(data).hexdigest()}"'

    def begin(self, code: int, data: bytes, start: int) -> None:
        self.send_response(code)
        self.send_header("ETag", self.etag(data))
        self.send_header("Content-Length", str(len(data) - start))
        if code == 206:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.end_headers()

    def send_bytes(self, data: bytes, start: int, send_only: int | None = None) -> None:
        self.begin(206 if start else 200, data, start)
        end = len(data) if send_only is None else min(len(data), start + send_only)
        self.wfile.write(data[start:end])
        if end < len(data):
            self.close_connection = True
