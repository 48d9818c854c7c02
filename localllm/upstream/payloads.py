"""The bytes of an answer → JSON payloads, whatever frames them: event streams, lines of JSON, one JSON body.

    payloads = Payloads()
    for data in …: for payload in payloads.feed(data): …
    for payload in payloads.flush(): …

Any split of the bytes gives the same payloads. The content type is not looked at, because servers get it wrong: an
event stream is known by its fields, JSON by its first brace. Knows no socket and not what a payload means.
"""

from __future__ import annotations

from typing import Any

import msgspec

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
MAX_BODY_BYTES = 256 * 1024 * 1024
DONE = b"[DONE]"
_FIELDS = (b"data", b"event", b"id", b"retry")


class Unreadable(Exception):
    """What came is neither events nor JSON. `text`: how it begins."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.text = data[:2000].decode("utf-8", "replace")


class Payloads:
    """An incremental reader. `is_done`: [DONE] was read, and nothing after it counts."""

    def __init__(self) -> None:
        self.is_done = False
        self._rest = b""  # an unfinished line
        self._data: list[bytes] = []  # the data lines of an unfinished event
        self._text: list[bytes] = []  # lines of JSON that is written over several
        self._size = 0

    def feed(self, data: bytes) -> list[Any]:
        """The payloads that these bytes complete. Raises Unreadable."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        found: list[Any] = []
        for line in lines:
            self._take(line, found)
        if self._size + len(self._rest) > MAX_PAYLOAD_BYTES:
            raise Unreadable(b"a payload of more than 8 MB")
        return found

    def flush(self) -> list[Any]:
        """What was complete but for the end of its line or event. Raises Unreadable."""
        found: list[Any] = []
        self._take(self._rest, found)
        self._rest = b""
        self._end_event(found)
        if self._text and not self.is_done:
            found.append(_decoded(b"\n".join(self._text)))
        return found

    def _take(self, line: bytes, found: list[Any]) -> None:
        line = line.rstrip(b"\r").removeprefix(b"\xef\xbb\xbf")
        if self.is_done:
            return
        if not line.strip():
            if not self._text:
                self._end_event(found)
            return
        name, colon, value = line.partition(b":")
        if self._text or not colon or name not in (*_FIELDS, b""):
            self._end_event(found)
            self._take_text(line, found)
        elif name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._size += len(value)
            if len(self._data) == 1:  # most events are one line: do not wait for the empty one
                self._try_early(found)

    def _try_early(self, found: list[Any]) -> None:
        data = self._data[0].strip()
        if data == DONE:
            self._end_event(found)
            return
        try:
            found.append(msgspec.json.decode(data))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return  # it goes on in the next line
        self._data, self._size = [], 0

    def _end_event(self, found: list[Any]) -> None:
        data = b"\n".join(self._data).strip()
        self._data, self._size = [], 0
        if data == DONE:
            self.is_done = True
        elif data:
            found.append(_decoded(data))

    def _take_text(self, line: bytes, found: list[Any]) -> None:
        """A line of JSON, or one of JSON that is written over several: that one is tried where a brace closes it."""
        self._text.append(line)
        self._size += len(line)
        if self._text[0].lstrip()[:1] not in (b"{", b"["):
            raise Unreadable(line)
        if len(self._text) > 1 and line[:1] not in (b"}", b"]"):
            return
        try:
            found.append(msgspec.json.decode(b"\n".join(self._text)))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        self._text, self._size = [], 0


class WholeBody:
    """The reader of answers that are one JSON body, however long."""

    def __init__(self) -> None:
        self.is_done = False
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[Any]:
        self._parts.append(data)
        self._size += len(data)
        if self._size > MAX_BODY_BYTES:
            raise Unreadable(b"a body of more than 256 MB")
        return []

    def flush(self) -> list[Any]:
        body = b"".join(self._parts)
        return [_decoded(body)] if body.strip() else []


def _decoded(data: bytes) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as e:
        raise Unreadable(data) from e
