"""Calls written as JSON objects: {"name": …, "arguments": {…}} in all the spellings that models use."""

from __future__ import annotations

import json

from localllm.chat.json_scan import dumps, is_utf8
from localllm.chat.reader import Broken, Reader, Reading

NAME_KEYS = frozenset({"name", "tool_name", "function"})
ARGUMENT_KEYS = frozenset({"arguments", "parameters", "args"})
ID_KEYS = frozenset({"id", "tool_call_id", "call_id", "type"})


def read_object(r: Reader, *, known_only: bool = False) -> Reading[None]:
    """One call object. The arguments stream once the name is known; a call without arguments gets `{}`.

    known_only: Broken where the name is not one of the tools, for syntaxes that an answer may have by chance.
    """
    yield from r.expect("{")
    call = _Call(r, known_only)
    while True:
        yield from r.space()
        key = yield from r.word()
        yield from r.space()
        yield from r.expect(":")
        yield from r.space()
        yield from call.member(key)
        yield from r.space()
        if (yield from r.expect(",", "}")) == "}":
            break
    call.end()


class _Call:
    """The members of a call object, as they come."""

    def __init__(self, r: Reader, known_only: bool) -> None:
        self.r = r
        self.known_only = known_only
        self.name: str | None = None
        self.id: str | None = None
        self.early: str | None = None  # arguments that came before the name
        self.is_started = False

    def member(self, key: str) -> Reading[None]:
        if key in NAME_KEYS and self.name is None:
            yield from self._read_name()
        elif key in ARGUMENT_KEYS and not self.is_started:
            yield from self._read_arguments()
        elif key in ID_KEYS:
            yield from self._read_id(key)
        else:
            raise Broken

    def _read_name(self) -> Reading[None]:
        self.name = yield from self.r.word()
        if not self.name.strip() or (self.known_only and self.name not in self.r.tools):
            raise Broken
        if self.early is not None:
            self._start()
            self.r.arguments(self.early)

    def _read_arguments(self) -> Reading[None]:
        if self.early is not None:
            raise Broken
        if self.name is None:
            self.early = yield from read_arguments(self.r, stream=False)
        else:
            yield from self.r.peek()
            self._start()
            yield from read_arguments(self.r)

    def _read_id(self, key: str) -> Reading[None]:
        value = yield from self.r.word() if (yield from self.r.peek()) == '"' else self.r.json()
        if not value.isascii() or len(value) > 80:
            raise Broken
        if key != "type" and value != "null":
            self.id = value

    def _start(self) -> None:
        self.r.start(self.name or "", self.id)
        self.is_started = True

    def end(self) -> None:
        if self.name is None:
            raise Broken
        if not self.is_started:
            self._start()
            self.r.arguments("{}")
        self.r.commit()


def read_arguments(r: Reader, *, stream: bool = True) -> Reading[str]:
    """The arguments' JSON, passed on as it is written. Some models put the object into a string: it is taken out."""
    if (yield from r.peek()) != '"':
        return (yield from r.json(r.arguments if stream else None))
    text = yield from r.word()
    text = text if _is_object(text) else dumps(text)
    if stream:
        r.arguments(text)
        r.commit()
    return text


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict) and is_utf8(text)
    except (ValueError, RecursionError):
        return False


def read_list(r: Reader, *, known_only: bool = False) -> Reading[None]:
    """A list of call objects, or one object without the list."""
    if (yield from r.at("[")) is None:
        yield from read_object(r, known_only=known_only)
        return
    while True:
        yield from r.space()
        yield from read_object(r, known_only=known_only)
        yield from r.space()
        if (yield from r.expect(",", "]")) == "]":
            break
    r.commit()
