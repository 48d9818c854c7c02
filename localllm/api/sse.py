"""The streaming contract, once: events → `data: …` frames, pings while waiting, errors, the end, and cancel.

A source yields what should be sent; `None` or a `Note` means "nothing new, but time has passed", which is when a
ping goes out and the socket is looked at. The client's leaving is noticed at the next of either and ends the
source. Knows no model and no API's event names: those are the dialect's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, Protocol

import msgspec
from flask import Response, request

from localllm import errors
from localllm.api import envelope

log = logging.getLogger(__name__)

CONTENT_TYPE = "text/event-stream; charset=utf-8"
HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
DONE = b"data: [DONE]\n\n"
NO_NEWS = "ping"  # what a ping says where the server has said nothing since the last frame

_encoder = msgspec.json.Encoder()


class Note(msgspec.Struct, frozen=True):
    """What the server is doing meanwhile, for the ping: `prefill 512/2048`."""

    text: str


Source = Generator[Any, None, None]


class Dialect(Protocol):
    """How one API writes its stream."""

    def event(self, item: Any) -> bytes: ...
    def ping(self, note: str) -> bytes: ...
    def error(self, error: errors.LocalllmError) -> bytes: ...
    def end(self) -> bytes: ...


class OpenAIStream:
    """chat/completions and completions: bare data frames, comments as pings, `[DONE]` at the end."""

    def event(self, item: Any) -> bytes:
        return b"data: " + _encoder.encode(item) + b"\n\n"

    def ping(self, note: str) -> bytes:
        return comment(note)

    def error(self, error: errors.LocalllmError) -> bytes:
        return self.event(envelope.error_body(error))

    def end(self) -> bytes:
        return DONE


def comment(note: str) -> bytes:
    """A comment frame; every SSE reader skips it."""
    return f": {' '.join(note.split())}\n\n".encode()


def named_event(name: str, item: Any) -> bytes:
    """A frame with its event's name, as the Responses and Messages APIs send them."""
    return f"event: {name}\n".encode() + b"data: " + _encoder.encode(item) + b"\n\n"


def respond(
    source: Source, cancel: Callable[[], None], *, ping_interval_s: float, dialect: Dialect | None = None
) -> Response:
    """A streamed response. `cancel` is called once it has ended, failed, or the client has left.

    Not left to the source's own `finally`: that of a generator which was never started does not run.
    """
    frames = _frames(source, dialect or OpenAIStream(), ping_interval_s, client_gone())
    response = Response(frames, content_type=CONTENT_TYPE, headers=HEADERS)
    response.call_on_close(cancel)
    return response


def client_gone() -> Callable[[], bool]:
    """Asks the WSGI server whether this request's client has left. Other servers than waitress cannot say."""
    asked: Callable[[], bool] | None = request.environ.get("waitress.client_disconnected")
    return asked if asked is not None else lambda: False


def _frames(
    source: Source, dialect: Dialect, ping_interval_s: float, is_gone: Callable[[], bool]
) -> Iterator[bytes]:
    last_sent, news = time.monotonic(), NO_NEWS
    try:
        for item in source:
            if is_gone():
                return
            if item is None or isinstance(item, Note):
                news = item.text if item else news
                if time.monotonic() - last_sent < ping_interval_s:
                    continue
                yield dialect.ping(news)
            else:
                news = NO_NEWS
                yield dialect.event(item)
            last_sent = time.monotonic()
        yield dialect.end()
    except Exception as exception:  # noqa: BLE001 -- the status line is gone: the error has to travel in the stream
        yield dialect.error(envelope.from_exception(exception))
    finally:
        source.close()
