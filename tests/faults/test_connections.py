"""Clients that are many, slow, half gone or silent: /health answers throughout, and nobody is held up by them."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localllm.api import connections
from tests.api.fakes import FakeEngine, say
from tests.api.http import Client
from tests.faults.app import CHAT, App, healthy_throughout, running
from tests.waiting import wait_until

MIB = 1 << 20
BODY = {"model": "tiny", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2, "ignore_eos": True}


def connect(app: App) -> socket.socket:
    return socket.create_connection((app.client.host, app.client.port), timeout=60)


def send(connection: socket.socket, body: object) -> None:
    data = json.dumps(body).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)


def answer(connection: socket.socket) -> http.client.HTTPResponse:
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response


@pytest.fixture
def crowd(app: App) -> Iterator[Callable[[int], list[socket.socket]]]:
    """Opens so many connections; closes them at the end."""
    opened: list[socket.socket] = []

    def open_(count: int) -> list[socket.socket]:
        found = [connect(app) for _ in range(count)]
        opened.extend(found)
        return found

    yield open_
    for connection in opened:
        connection.close()


def test_five_hundred_requests_at_once_are_all_answered(
    app: App, crowd: Callable[[int], list[socket.socket]]
):
    """As many as there are places generate, the rest are told to come back, and not one is lost."""
    assert app.ask().status == 200
    sockets = crowd(500)
    with healthy_throughout(app):
        for connection in sockets:
            send(connection, BODY)
        found = []
        for connection in sockets:
            response = answer(connection)
            found.append((response.status, response.getheader("Retry-After"), json.loads(response.read())))
    assert {status for status, _, _ in found} <= {200, 429}
    assert sum(status == 200 for status, _, _ in found) >= 64  # num_http_threads
    assert all(wait for status, wait, _ in found if status == 429)
    assert app.ask().status == 200


def test_five_hundred_half_requests_hold_nobody_up(app: App, crowd: Callable[[int], list[socket.socket]]):
    """Headers that never end take no thread: others are answered as if they were not there."""
    sockets = crowd(500)
    with healthy_throughout(app):
        for number in range(3):
            for connection in sockets:
                connection.sendall(b"GET /v1/models HTTP/1.1\r\nX: " if number == 0 else b"slowly")
            assert app.ask().status == 200


def test_a_client_that_does_not_read_fills_no_memory_and_holds_nobody_up(app: App):
    """Megabytes of answer for a reader that sleeps: others go on, and it still gets all of it in the end."""
    assert app.ask().status == 200
    before = app.seen.memory_info().rss
    sleeper = socket.socket()
    sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sleeper.settimeout(60)
    sleeper.connect((app.client.host, app.client.port))
    send(sleeper, BODY | {"stream": True, "n": 4, "max_tokens": 300, "logprobs": True, "top_logprobs": 20})
    with healthy_throughout(app):
        wait_until(lambda: app.stats("sequences_running", "tiny") > 0)
        assert app.ask().status == 200
        wait_until(lambda: app.stats("sequences_running", "tiny") == 0)  # the engine does not wait for it
        assert app.ask().status == 200
    assert app.seen.memory_info().rss - before < 80 * MIB
    received = answer(sleeper).read()
    sleeper.close()
    assert len(received) > MIB
    assert received.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("way", ["closed for writing", "reset"])
def test_a_half_open_connection_counts_as_gone(app: App, way: str):
    """Nobody can tell a client that has stopped sending from one that has left, so its request ends in either case."""
    wait_until(lambda: app.stats("sequences_running", "tiny") == 0)
    connection = connect(app)
    send(connection, BODY | {"max_tokens": 8000, "stream": True})
    wait_until(lambda: app.stats("sequences_running", "tiny") == 1)
    if way == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    else:
        connection.shutdown(socket.SHUT_WR)
    wait_until(lambda: app.stats("sequences_running", "tiny") == 0)
    connection.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="prlimit of another process is Linux's")
def test_without_file_descriptors_idle_connections_make_room(tmp_path: Path, tiny_model_path: Path):
    """None is left for the next client: the oldest idle connection is closed for it, and a model still loads."""
    import resource

    with running(tmp_path, tiny_model_path) as app:
        limit = app.seen.num_fds() + 40
        resource.prlimit(app.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
        idle = [connect(app) for _ in range(100)]
        with healthy_throughout(app):
            wait_until(lambda: app.ask().status == 200, timeout_s=240)  # every try waits for its place
        assert "no file descriptors left" in app.log
        for connection in idle:
            connection.close()
        spent = app.seen.cpu_times().user
        assert app.ask().status == 200
        assert app.seen.cpu_times().user - spent < 5  # no loop that spins
        assert "Traceback" not in app.log


# ── the limits themselves, made short, on a server in this process ──────────────────────────────────────────


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a second for a request's headers, and one for any byte at all."""
    monkeypatch.setattr(connections, "HEADERS_S", 0.5)
    monkeypatch.setattr(connections, "IDLE_S", 1.0)


def is_closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


@pytest.mark.usefixtures("short")
def test_a_request_whose_headers_take_too_long_is_closed(client: Client):
    """However busily it drips: the time of the whole is what counts."""
    with socket.create_connection((client.host, client.port), timeout=0.1) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nX: ")

        def is_over() -> bool:
            try:
                connection.sendall(b"x")
                return is_closed(connection)
            except TimeoutError:
                return False
            except OSError:
                return True

        wait_until(is_over)


@pytest.mark.usefixtures("short")
def test_a_connection_without_a_request_is_closed(client: Client):
    """Before the first request, and after one."""
    with socket.create_connection((client.host, client.port), timeout=60) as connection:
        assert is_closed(connection)
    with socket.create_connection((client.host, client.port), timeout=60) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer(connection).read()
        assert is_closed(connection)


@pytest.mark.usefixtures("short")
def test_a_stream_that_waits_is_not_idle(client: Client, engine: FakeEngine):
    """Pings are enough: nobody is cut off for waiting."""
    engine.script = lambda prompt, params: ["Hello", threading.Event()]
    stream = client.open(
        CHAT, {"model": "guide", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    )
    stream.read_until(b"Hello")
    stream.read_until(b": ping\n\n\r\n8\r\n" * 25)  # more than twice IDLE_S, at a ping each tenth of a second
    stream.close()


@pytest.mark.usefixtures("short")
def test_an_answer_that_nobody_reads_is_given_up(client: Client, engine: FakeEngine):
    """Its thread and its place come back, and the engine is told."""
    engine.script = say(*["x" * MIB] * 20)
    with socket.socket() as sleeper:
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sleeper.connect((client.host, client.port))
        send(sleeper, {"model": "guide", "stream": True, "messages": [{"role": "user", "content": "Hi"}]})
        wait_until(lambda: engine.streams and engine.streams[0].was_cancelled.is_set())
