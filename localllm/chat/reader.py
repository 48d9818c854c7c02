"""Reads a text that arrives in pieces: the primitives from which every output format is written.

A format is a generator that reads its syntax in order and yields where it needs more text. Each primitive takes only
what is certain, so any split of the text gives the same answer. What a format began to read and could not finish is
given back (`Broken`), and becomes content: nothing is lost.
"""

from __future__ import annotations

import json
import re
import secrets
import string
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from localllm.chat.deltas import Content, Delta, Reasoning, ToolCallArguments, ToolCallStart
from localllm.chat.json_scan import JsonScanner

T = TypeVar("T")
Reading = Generator[None, None, T]
Sink = Callable[[str], None]
_NAME = re.compile(r"[\w.:/\-]{1,200}")
_LETTERS = string.ascii_letters + string.digits


class Broken(Exception):
    """What was read is not what the format expects here; the reader goes back to the last committed place."""


class Reader:
    """The text that came and was not consumed, and the deltas it gave.

    tools: JSON schema of the parameters by function name. short_ids: call ids of nine characters.
    """

    def __init__(self, tools: dict[str, dict[str, Any]], *, parse_reasoning: bool = True) -> None:
        self.tools = tools
        self.parse_reasoning = parse_reasoning
        self.short_ids = False
        self.num_calls = 0
        self.call_name = ""  # of the call that is read
        self.is_blank = True  # nothing but space since the answer, or the last marker, began
        self.has_content = False
        self.deltas: list[Delta] = []
        self.ended = False
        self._after_marker = False
        self._text = ""
        self._pos = 0
        self._space = ""  # held back: space before a marker belongs to the marker

    # --- the text -----------------------------------------------------------------------------------------

    def append(self, text: str) -> None:
        self._text += text

    def commit(self) -> None:
        """What was read up to here stays read."""
        self._text, self._pos = self._text[self._pos :], 0

    def rewind(self) -> None:
        """Back to the last commit."""
        self._pos = 0

    def skip(self, text: str) -> None:
        """Takes this text, known to stand here, for good."""
        self._pos += len(text)
        self.commit()

    def take(self, text: str) -> None:
        """Takes this text, known to stand here."""
        self._pos += len(text)

    def back(self, text: str) -> None:
        """Gives back this text, taken last."""
        self._pos -= len(text)

    @property
    def rest(self) -> str:
        return self._text[self._pos :]

    def more(self) -> Reading[bool]:
        """Waits until there is text to read; False where the text has ended."""
        while self._pos >= len(self._text):
            if self.ended:
                return False
            yield
        return True

    def peek(self) -> Reading[str]:
        """The next character, not taken; empty at the end."""
        return self._text[self._pos] if (yield from self.more()) else ""

    def space(self) -> Reading[None]:
        while (yield from self.peek()).isspace():
            self._pos += 1

    def at(self, *markers: str) -> Reading[str | None]:
        """Takes and returns the marker that stands here, the longest where several fit; None where none does."""
        while True:
            rest = self.rest
            found = max((m for m in markers if rest.startswith(m)), key=len, default=None)
            could_grow = any(m.startswith(rest) and len(m) > len(rest) for m in markers)
            if not could_grow or self.ended:
                self._pos += len(found or "")
                return found
            yield

    def peek_at(self, *markers: str) -> Reading[bool]:
        """Whether one of the markers stands here; takes nothing."""
        found = yield from self.at(*markers)
        self._pos -= len(found or "")
        return found is not None

    def expect(self, *markers: str) -> Reading[str]:
        found = yield from self.at(*markers)
        if found is None:
            raise Broken
        return found

    def until(self, markers: tuple[str, ...], sink: Sink) -> Reading[str | None]:
        """Streams the text before the first of the markers into the sink and takes the marker; None at the end.

        Only what may still become a marker is held back. Everything given to the sink is committed.
        """
        while True:
            rest = self.rest
            index, found = _first(rest, markers)
            held = _held_back(rest, markers)
            if found is not None and (held == 0 or len(rest) - held > index or self.ended):
                return self._pass(rest[:index], found, sink)
            safe = len(rest) if self.ended else min(len(rest) - held, index)
            self._pass(rest[:safe], "", sink)
            if self.ended:
                return None
            yield

    def _pass(self, text: str, marker: str, sink: Sink) -> str:
        if text:
            self._pos += len(text)
            self.commit()
            sink(text)
        self._pos += len(marker)
        return marker

    def collect(self, *markers: str, limit: int | None = None, take: bool = True) -> Reading[str]:
        """The text before the next of the markers, taken with it; Broken where the text ends or grows too long."""
        while True:
            rest = self.rest
            index, found = _first(rest, markers)
            held = 0 if self.ended else _held_back(rest, markers)
            certain = min(index, len(rest) - held)
            if limit is not None and certain > limit:
                raise Broken
            if found is not None and (held == 0 or certain == index < len(rest) - held):
                self._pos += index + len(found if take else "")
                return rest[:index]
            if self.ended:
                raise Broken
            yield

    def json(self, sink: Sink | None = None) -> Reading[str]:
        """One JSON value, given as it is written. With a sink its parts are committed as they arrive."""
        scanner, parts = JsonScanner(), []
        while True:
            rest = self.rest
            part = rest[: scanner.scan(rest)]
            self._pos += len(part)
            if sink and part:
                self.commit()
                sink(part)
            parts.append(part)
            if self.ended:
                scanner.finish()
            if scanner.is_complete:
                return "".join(parts)
            if scanner.is_broken or self.ended:
                raise Broken
            yield

    def word(self) -> Reading[str]:
        """A JSON string's value."""
        if (yield from self.peek()) != '"':
            raise Broken
        return str(json.loads((yield from self.json())))

    # --- the answer ---------------------------------------------------------------------------------------

    def content(self, text: str) -> None:
        self._write(text, Content)

    def reasoning(self, text: str) -> None:
        self._write(text, Reasoning)

    def _write(self, text: str, kind: type[Content] | type[Reasoning]) -> None:
        """Space at the end waits for what follows: before a marker it is dropped, before text it is written."""
        text = self._space + text
        if self.is_blank and self._after_marker:
            text = text.lstrip()
        kept = text.rstrip()
        self._space = text[len(kept) :]
        if kept:
            self.is_blank = False
            self.has_content = self.has_content or kind is Content
            self.deltas.append(kind(kept))

    def boundary(self) -> None:
        """A marker was read: space around it is not part of the answer."""
        self._space = ""
        self.is_blank = self._after_marker = True

    def separate(self) -> None:
        """A second message of content follows the first: a paragraph between them."""
        self._space, self.is_blank = "\n\n", False

    def flush_space(self, kind: type[Content] | type[Reasoning] = Content) -> None:
        if self._space:
            self.deltas.append(kind(self._space))
            self._space = ""

    def start(self, name: str, call_id: str | None = None) -> None:
        """A call is certain. Broken where its name cannot be one."""
        name = name.strip()
        if not _NAME.fullmatch(name):
            raise Broken
        self.boundary()
        length = 9 if self.short_ids else 24
        random_id = "".join(secrets.choice(_LETTERS) for _ in range(length))
        prefix = "" if self.short_ids else "call_"
        self.deltas.append(ToolCallStart(self.num_calls, call_id or prefix + random_id, name))
        self.num_calls += 1
        self.call_name = name
        self.commit()

    def arguments(self, text: str) -> None:
        if text:
            self.deltas.append(ToolCallArguments(self.num_calls - 1, text))


def _first(text: str, markers: tuple[str, ...]) -> tuple[int, str | None]:
    """Where the first marker begins and which it is: the longest of those that begin there."""
    index, found = len(text), None
    for marker in markers:
        place = text.find(marker)
        if place >= 0 and (place < index or (place == index and len(marker) > len(found or ""))):
            index, found = place, marker
    return index, found


def _held_back(text: str, markers: tuple[str, ...]) -> int:
    """How many characters at the end may be the beginning of a marker."""
    if not any(marker[:1] in text for marker in markers):  # nearly always, and for every token
        return 0
    longest = max(map(len, markers), default=1) - 1
    for size in range(min(longest, len(text)), 0, -1):
        tail = text[-size:]
        if any(marker.startswith(tail) and len(marker) > size for marker in markers):
            return size
    return 0
