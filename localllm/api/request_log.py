"""Around every request: an id on every response, one log line at its end, paths with doubled slashes put right.

The line holds no text of the person's: method, path, status, duration, model and token counts. WSGI middleware, so
that it also sees what Flask never does: how a stream ended. Knows no route.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from localllm.api.counts import Usage

log = logging.getLogger("localllm.requests")
KEY = "localllm.record"
REFUSAL = "localllm.refusal"  # in the environ: an app that answers what never reaches the real one
WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Record:
    """What is known of one request. The routes add model and usage."""

    def __init__(self, method: str, path: str) -> None:
        self.id = f"req_{secrets.token_hex(8)}"
        self.method = method
        self.path = path
        self.started = time.monotonic()
        self.status = 0
        self.model: str | None = None
        self.usage: Usage | None = None
        self.first_token_s: float | None = None
        self.longest_gap_s: float | None = None

    @property
    def duration_s(self) -> float:
        return time.monotonic() - self.started

    def line(self) -> str:
        """`key=value` words, for people and for grep."""
        words = [_printable(self.method), _printable(self.path), str(self.status), f"{self.duration_s:.3f}s"]
        if self.model is not None:
            words.append(f"model={_printable(self.model)}")
        if self.usage is not None:
            words.append(f"prompt={self.usage.num_prompt_tokens} cached={self.usage.num_cached_tokens}")
            words.append(f"completion={self.usage.num_completion_tokens}")
        if self.first_token_s is not None:
            words.append(f"first_token={self.first_token_s:.3f}s")
        return " ".join([*words, f"id={self.id}"])


class RequestLog:
    """The middleware. `on_end` is told every record once its response has ended (the metrics' door)."""

    def __init__(self, app: WsgiApp, on_end: Callable[[Record], None] = lambda _: None) -> None:
        self._app = app
        self._on_end = on_end

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["PATH_INFO"] = re.sub("/{2,}", "/", environ.get("PATH_INFO", "/"))
        record = environ[KEY] = Record(environ.get("REQUEST_METHOD", "?"), environ["PATH_INFO"])

        def start(status: str, headers: list[tuple[str, str]], *args: Any) -> Any:
            record.status = int(status.split(" ", 1)[0])
            return start_response(status, [*headers, ("x-request-id", record.id)], *args)

        app: WsgiApp = environ.get(REFUSAL, self._app)
        return _Logged(app(environ, start), lambda: self._end(record))

    def _end(self, record: Record) -> None:
        level = (
            logging.DEBUG if record.path.startswith("/page/") else logging.INFO
        )  # the page looks every second
        log.log(level, "%s", record.line())
        self._on_end(record)


class _Logged:
    """The response body; its close is the request's end."""

    def __init__(self, body: Iterable[bytes], on_close: Callable[[], None]) -> None:
        self._body = body
        self._on_close = on_close

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._on_close()


def _printable(text: str) -> str:
    """On one line of a log nothing may look like another line."""
    return re.sub(r"[^\x21-\x7e]", "?", text)[:200]
