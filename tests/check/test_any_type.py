"""Whatever a server sends in the place of what it should, the check says so and never raises.

Good answers of our own server are taken once and then changed: each value becomes one of another type.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from localllm.check.event_lint import lint_messages, lint_responses
from localllm.check.finding import Finding
from localllm.check.run import CHECKS, first_model
from localllm.check.stream_lint import lint_stream
from localllm.check.target import Reply, Target
from tests.check.conftest import KEY
from tests.check.test_check import ADDED, CLOSE, CREATED, DELTA, DONE, OPEN, PART, START, STOP, frames
from tests.check.test_check import END as MESSAGE_END
from tests.check.test_check import TEXT as MESSAGE_TEXT
from tests.check.test_stream_lint import CALL_END, END, ROLE, TEXT, USAGE, call, raw

DEEP: Any = {"a": [[[[{"b": None}]]]]}
OTHERS: tuple[Any, ...] = (
    None,
    True,
    5,
    -1.5,
    10**400,
    "x",
    "\ud800",
    [],
    ["a"],
    [None],
    [[1]],
    {},
    {"a": 1},
    DEEP,
)
READERS = (
    "models", "chat", "stream", "messages", "tools", "completions", "errors", "auth", "embeddings", "responses",
    "anthropic", "origins",
)  # fmt: skip
NUM_CHANGED = 150


def places(value: Any) -> Iterator[tuple[Any, ...]]:
    """The ways to every value inside, itself included."""
    yield ()
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        for place in places(inner):
            yield (key, *place)


def changed(value: Any, place: tuple[Any, ...], other: Any) -> Any:
    if not place:
        return other
    value = copy.copy(value)
    value[place[0]] = changed(value[place[0]], place[1:], other)
    return value


def spoilings(events: list[Any]) -> Iterator[list[Any]]:
    """The list of events, with each value once of each other type."""
    for place in places(events):
        for other in OTHERS if place else ():
            yield changed(events, place, other)


@pytest.mark.parametrize(
    "events",
    [[ROLE, TEXT, END, USAGE], [ROLE, call(), call(call_id=None, name=None), CALL_END]],
    ids=["text", "calls"],
)
def test_no_value_in_a_stream_makes_the_lint_raise(events):
    """Nor does it leave anything that cannot be printed."""
    for spoiled in spoilings(events):
        data = "".join(f"data: {json.dumps(event)}\n\n" for event in spoiled).encode()
        for finding in lint_stream(data, include_usage=True):
            finding.came_back.encode()


@pytest.mark.parametrize(
    "place", [("choices",), ("id",), ("created",), ("choices", 0), ("choices", 0, "delta")]
)
def test_a_wrong_type_in_a_chunk_is_found(place):
    """Whatever stands where a client reads an object, a list or a text."""
    is_right = {"choices": list, "id": str, "created": int}
    for other in OTHERS:
        if len(place) == 1 and type(other) is is_right[place[0]]:
            continue
        if place[-1] == "delta" and isinstance(other, dict):
            continue
        assert lint_stream(raw(ROLE, changed(TEXT, place, other), END)), other


@pytest.mark.parametrize(
    ("lint", "events"),
    [
        (lint_responses, [CREATED, ADDED, PART, DELTA, DONE]),
        (lint_messages, [START, OPEN, MESSAGE_TEXT, CLOSE, MESSAGE_END, STOP]),
    ],
    ids=["responses", "messages"],
)
def test_no_value_in_an_event_makes_the_lint_raise(lint, events):
    """Names of events that are lists, numbers that are objects, items that are null."""
    for spoiled in spoilings(events):
        lines = b"".join(
            frames(e) if isinstance(e, dict) and "type" in e else b"data: 5\n\n" for e in spoiled
        )
        for problem in lint(lines):
            problem.encode()


class Replayed(Target):
    """A server whose answers were taken once, and are changed in one place each by a dice."""

    def __init__(self, url: str) -> None:
        super().__init__(url, KEY, "guide")
        self.dice: random.Random | None = None
        self._kept: dict[str, Reply] = {}

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None, **_: Any
    ) -> Reply:
        asked = f"{method} {path} {body!r} {headers}"
        if asked not in self._kept:
            self._kept[asked] = super().request(method, path, body, headers)
        reply = self._kept[asked]
        return msgspec.structs.replace(reply, body=self._spoiled(reply.body)) if self.dice else reply

    def _spoiled(self, body: bytes) -> bytes:
        assert self.dice is not None
        lines = body.split(b"\n")
        holders = [i for i, line in enumerate(lines) if line.removeprefix(b"data: ").startswith(b"{")]
        if not holders:
            return body
        at = self.dice.choice(holders)
        prefix = b"data: " if lines[at].startswith(b"data: ") else b""
        value = json.loads(lines[at].removeprefix(b"data: "))
        place = self.dice.choice(list(places(value)))
        lines[at] = prefix + json.dumps(changed(value, place, self.dice.choice(OTHERS))).encode()
        return b"\n".join(lines)


def test_no_answer_makes_a_check_raise(good):
    """All the checks that read JSON, each many times; without the guard around them that `run` has."""
    target = Replayed(good)

    def findings() -> list[Finding]:
        return [finding for name in READERS for finding in CHECKS[name](target)]

    assert not findings()
    num_found = 0
    for seed in range(NUM_CHANGED):
        target.dice = random.Random(seed)
        found = findings()
        num_found += bool(found)
        for finding in found:
            finding.came_back.encode()
        first_model(target).encode("utf-8", "surrogatepass")
    assert num_found > NUM_CHANGED / 2


def test_what_no_header_can_hold_is_an_answer_too(good):
    """A key with an umlaut beyond Latin-1, a model whose name has spaces: a reply that says why, or a quoted path."""
    reply = Target(good, "ключ").get("/models")
    assert reply.status == 0
    assert "UnicodeEncodeError" in reply.body.decode()
    (finding,) = CHECKS["models"](Target(good, KEY, "a b/ü\n"))
    assert finding.came_back.startswith("404")
