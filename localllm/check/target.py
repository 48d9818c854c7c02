"""The server under test, reached by plain HTTP: raw bytes in, raw bytes out. Knows no rule."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec

from localllm.check.reading import decoded, shown

TIMEOUT_S = 120.0
USER_AGENT = "localllm-check"
UNSENT = (
    OSError,
    http.client.HTTPException,
    UnicodeError,
)  # the last: a key or a name that no header can hold


class Reply(msgspec.Struct, frozen=True):
    """What came back. status 0: nothing did, and `body` says why. Header names are in lower case."""

    sent: str
    status: int
    headers: dict[str, str]
    body: bytes
    elapsed_s: float

    @property
    def json(self) -> Any:
        """The decoded body; None where it is no JSON."""
        try:
            return decoded(self.body)
        except ValueError:
            return None

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def is_offered(self) -> bool:
        """False where the server has no such route."""
        return self.status not in (404, 405, 501)

    def shown(self) -> str:
        """For a finding: status, content type and the beginning of the body."""
        text = self.body[:300].decode("utf-8", "replace")
        return shown(f"{self.status or 'no answer'} {self.content_type} {text}".strip())


class Target:
    """One server. `model` is the one that answers."""

    def __init__(
        self, url: str, key: str | None = None, model: str = "", timeout_s: float = TIMEOUT_S
    ) -> None:
        """url: with or without `/v1`. Raises ValueError for what is no http(s) URL."""
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url} is no http(s) address.")
        self._is_tls = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        path = parts.path.rstrip("/")
        self.base = path if path.endswith("/v1") else f"{path}/v1"
        self.url = f"{parts.scheme}://{parts.netloc}{self.base}"
        self.is_local = self._host in ("localhost", "127.0.0.1", "::1")
        self.key = key
        self.model = model
        self.timeout_s = timeout_s

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        *,
        timeout_s: float | None = None,
    ) -> Reply:
        """Send and read to the end. Never raises: what goes wrong is in the reply."""
        data, sent_headers = self._encode(body, headers)
        sent = describe(method, self.base + path, data)
        started = time.monotonic()
        connection = self._connection(timeout_s)
        try:
            connection.request(method, self.base + path, data, sent_headers)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            content = _read_all(response)
            return Reply(sent, response.status, found, content, time.monotonic() - started)
        except UNSENT as e:
            return Reply(sent, 0, {}, f"{type(e).__name__}: {e}".encode(), time.monotonic() - started)
        finally:
            connection.close()

    def get(self, path: str, headers: dict[str, str] | None = None) -> Reply:
        return self.request("GET", path, None, headers)

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None, **options: Any) -> Reply:
        return self.request("POST", path, body, headers, **options)

    def chat(self, content: Any = "Say hello.", **fields: Any) -> Reply:
        return self.post("/chat/completions", self.chat_body(content, **fields))

    def chat_body(self, content: Any = "Say hello.", **fields: Any) -> dict[str, Any]:
        body = {"model": self.model, "messages": [{"role": "user", "content": content}], "max_tokens": 16}
        return body | fields

    @contextlib.contextmanager
    def open_stream(self, body: dict[str, Any], until: bytes = b"") -> Iterator[bytes]:
        """A chat request whose connection is cut when the block ends; gives what came up to `until`."""
        data, headers = self._encode(body, None)
        connection = self._connection(None)
        received = b""
        try:
            connection.request("POST", f"{self.base}/chat/completions", data, headers)
            if until:
                response = connection.getresponse()
                while until not in received and (line := response.readline()):
                    received += line
            yield received
        except UNSENT as e:
            yield f"{type(e).__name__}: {e}".encode()
        finally:
            connection.close()

    def _connection(self, timeout_s: float | None) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._is_tls else http.client.HTTPConnection
        return kind(self._host, self._port, timeout=timeout_s or self.timeout_s)

    def _encode(self, body: Any, headers: dict[str, str] | None) -> tuple[bytes | None, dict[str, str]]:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        sent = {"Accept": "application/json", "User-Agent": USER_AGENT}  # as all SDKs do, for streams too
        if data is not None:
            sent["Content-Type"] = "application/json"
        if self.key:
            sent["Authorization"] = f"Bearer {self.key}"
        return data, sent | (headers or {})


def _read_all(response: http.client.HTTPResponse) -> bytes:
    """The body; what had arrived where the connection broke."""
    received = b""
    try:
        while piece := response.read1(65536):
            received += piece
    except http.client.IncompleteRead as e:
        received += e.partial
    except (ConnectionError, TimeoutError):
        pass
    return received


def describe(method: str, path: str, data: bytes | None) -> str:
    if not data:
        return f"{method} {path}"
    text = data[:200].decode("utf-8", "replace")
    return f"{method} {path} {text}{'…' if len(data) > 200 else ''}"
