"""What an engine process says to the app: in order, and errors too."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection

import pytest

from localllm.engine import messages as m
from localllm.engine.outbox import Outbox
from localllm.errors import InvalidRequest


@pytest.fixture
def ends() -> Iterator[tuple[Connection, Connection]]:
    ours, theirs = multiprocessing.Pipe()
    with ours, theirs:
        yield ours, theirs


def said(connection: Connection, count: int) -> list[m.Event]:
    """The next messages, without the beats between them."""
    events: list[m.Event] = []
    while len(events) < count:
        event = m.unpack_event(connection.recv_bytes())
        if not isinstance(event, m.Beat):
            events.append(event)
    return events


def test_whoever_closes_has_said_everything_in_order(ends: tuple[Connection, Connection]):
    """Last words come after all else, and are in the pipe when close() returns."""
    outbox = Outbox(ends[0])
    first = [m.Loading(0.5), m.Accepted(7, 3)]
    for message in first:
        outbox.send(message)
    outbox.close(m.WorkerGone("a:1"))
    outbox.send(m.Loading(1.0))
    assert said(ends[1], 3) == [*first, m.WorkerGone("a:1")]
    while ends[1].poll():
        assert isinstance(m.unpack_event(ends[1].recv_bytes()), m.Beat)


def test_an_error_of_ours_says_the_same_in_the_app(ends: tuple[Connection, Connection]):
    """Its class, its words and the field it is about cross the pipe."""
    outbox = Outbox(ends[0])
    outbox.refuse(7, InvalidRequest("Too long.", param="prompt"))
    outbox.close()
    (refused,) = said(ends[1], 1)
    assert isinstance(refused, m.Refused)
    assert (refused.request_id, refused.kind, refused.message) == (7, "InvalidRequest", "Too long.")
    assert refused.param == "prompt"


def test_what_nobody_foresaw_is_told_to_each_call_and_written_to_the_log(
    ends: tuple[Connection, Connection], capsys: pytest.CaptureFixture[str]
):
    """The app gets one plain sentence, the log the traceback."""
    outbox = Outbox(ends[0])
    outbox.fail([1, 2], ZeroDivisionError("a secret detail"))
    outbox.close()
    failed = said(ends[1], 2)
    assert [e.call_id for e in failed if isinstance(e, m.CallFailed)] == [1, 2]
    assert all(isinstance(e, m.CallFailed) and "ZeroDivisionError" in e.message for e in failed)
    assert "a secret detail" not in str(failed)
    assert "a secret detail" in capsys.readouterr().err
