"""Time in streams: pings, loading, hanging up, many at once, the end of the server."""

from __future__ import annotations

import http.client
import json
import socket
import threading

import pytest

from localllm import errors
from localllm.api.serving import serving
from localllm.config import Config
from localllm.engine import messages as m
from tests.api.http import Client
from tests.api.wire_lint import chunks_of, text_of
from tests.waiting import wait_until

CHAT = "/v1/chat/completions"
BODY = {"model": "guide", "messages": [{"role": "user", "content": "Hi"}]}


def test_the_role_chunk_goes_out_before_any_token(client, engine):
    """Headers and first frame as soon as the engine has accepted: no client times out waiting for headers."""
    go_on = threading.Event()
    engine.script = lambda prompt, params: [go_on, "Hi"]
    stream = client.open(CHAT, BODY | {"stream": True})
    assert b'"role":"assistant"' in stream.read_until(b"\n\n")
    stream.read_until(b'"role":"assistant"')
    go_on.set()
    assert b"data: [DONE]\n\n" in stream.read_to_end()
    stream.close()


def test_comments_keep_a_waiting_stream_alive_and_say_how_far_it_is(client, engine):
    """Prefill progress as a comment; every SSE reader skips it, undici's 300 s clock starts anew."""
    go_on = threading.Event()
    prefill = [m.Delta(0, prefilled=(k, 8)) for k in range(4)]
    engine.script = lambda prompt, params: [*prefill, go_on, "Hi"]
    stream = client.open(CHAT, BODY | {"stream": True})
    stream.read_until(b": prefill 3/8\n\n")
    go_on.set()
    stream.read_until(b"[DONE]")
    stream.close()


def test_a_stream_with_pings_still_keeps_every_rule(client, engine):
    """Comments stand between frames, never inside."""
    waits = [threading.Event() for _ in range(3)]
    engine.script = lambda prompt, params: [waits[0], "a", waits[1], "b", waits[2]]
    timers = [threading.Timer(0.25 * (i + 1), wait.set) for i, wait in enumerate(waits)]
    for timer in timers:
        timer.start()
    answer = client.chat(stream=True)
    assert text_of(chunks_of(answer)) == "ab"
    assert answer.body.count(b": ping\n\n") >= 3


def test_a_stream_waits_for_its_model_with_pings(client, engine, monkeypatch):
    """A model that takes long to load does not keep the headers back for ever."""
    monkeypatch.setattr("localllm.api.reply.HEADERS_WITHIN_S", 0.05)
    engine.may_load.clear()
    stream = client.open(CHAT, BODY | {"stream": True})
    assert b"text/event-stream" in stream.read_until(b": loading 40%\n\n")
    engine.may_load.set()
    assert b'"content":"Hello"' in stream.read_until(b"[DONE]")
    stream.close()


def test_a_load_that_fails_while_a_stream_waits_is_an_error_event(client, engine, monkeypatch):
    """The status line is gone, so the error travels in the stream."""
    monkeypatch.setattr("localllm.api.reply.HEADERS_WITHIN_S", 0.05)
    engine.may_load.clear()
    engine.load_error = errors.ModelLoadFailed("The file is broken.")
    stream = client.open(CHAT, BODY | {"stream": True})
    stream.read_until(b": loading")
    engine.may_load.set()
    assert b'{"error":{"message":"The file is broken."' in stream.read_to_end()
    stream.close()


@pytest.mark.parametrize("is_streamed", [True, False])
@pytest.mark.parametrize("said", [[], ["Hel"]], ids=["before the first token", "while decoding"])
def test_hanging_up_cancels(client, engine, is_streamed, said):
    """Streamed or not, in prefill or in decode: the engine is told, without waiting for more tokens."""
    engine.script = lambda prompt, params: [*said, threading.Event()]
    request = client.open(CHAT, BODY | {"stream": is_streamed})
    stream = engine.wait_for_stream()
    request.close()
    assert stream.was_cancelled.wait(5)


def test_hanging_up_while_the_model_loads_gives_up_the_wait(client, engine, models):
    """The load goes on; nothing is submitted for somebody who has left."""
    engine.may_load.clear()
    request = client.open(CHAT, BODY)
    wait_until(lambda: models.pool.status("guide") == "loading")
    request.close()
    wait_until(lambda: models.pool._places["guide"].num_users == 0)
    engine.may_load.set()
    wait_until(lambda: models.pool.status("guide") == "loaded")
    assert not engine.submits


def test_a_model_is_held_as_long_as_its_answer_runs(client, engine, models):
    """It must not be unloaded to make room under a running stream, and must be let go afterwards."""
    go_on = threading.Event()
    engine.script = lambda prompt, params: ["Hel", go_on, "lo"]
    stream = client.open(CHAT, BODY | {"stream": True})
    stream.read_until(b"Hel")
    assert models.pool._places["guide"].num_users == 1
    go_on.set()
    stream.read_until(b"[DONE]")
    wait_until(lambda: models.pool._places["guide"].num_users == 0)
    stream.close()


@pytest.mark.parametrize("is_streamed", [True, False])
def test_hanging_up_reaches_the_engine_before_its_next_token(serve, engine, monkeypatch, is_streamed):
    """The server's loop sees it and tells the engine itself: nobody looks, and no token comes."""
    monkeypatch.setattr("localllm.api.job.POLL_S", 60.0)
    client = serve()
    go_on = threading.Event()
    engine.script = lambda prompt, params: [go_on]
    request = client.open(CHAT, BODY | {"stream": is_streamed})
    stream = engine.wait_for_stream()
    request.close()
    assert stream.was_cancelled.wait(5)
    go_on.set()


def test_an_engine_that_takes_no_command_does_not_hold_up_the_server(client, engine):
    """It was stopped and its pipe is full: whoever hangs up meanwhile costs nobody else anything."""
    is_asked, takes_commands = threading.Event(), threading.Event()
    engine.script = lambda prompt, params: [takes_commands]
    request = client.open(CHAT, BODY | {"stream": True})
    stream = engine.wait_for_stream()

    def cancel() -> None:
        is_asked.set()
        takes_commands.wait()

    stream.cancel = cancel
    try:
        request.close()
        assert is_asked.wait(5)
        assert client.get("/health").status == client.get("/v1/models").status == 200
    finally:
        takes_commands.set()


def test_models_and_health_answer_while_every_generating_thread_is_busy(serve, engine):
    """The requests over the limit are told to come back; what costs nothing is answered at once."""
    client = serve(num_http_threads=2)
    go_on = threading.Event()
    engine.script = lambda prompt, params: [go_on]
    streams = [client.open(CHAT, BODY | {"stream": True}) for _ in range(2)]
    for stream in streams:
        stream.read_until(b"role")
    busy = client.chat()
    assert (busy.status, busy.headers["retry-after"]) == (429, "2")
    assert busy.error["code"] == "rate_limit_exceeded"
    assert client.get("/v1/models").status == client.get("/health").status == 200
    go_on.set()
    for stream in streams:
        stream.read_until(b"[DONE]")
        stream.close()
    wait_until(lambda: client.chat().status == 200)


def test_the_list_of_models_needs_no_free_thread(serve, engine, monkeypatch):
    """The server's own loop answers it, also where every thread is taken and where requests are sent ahead."""
    monkeypatch.setattr("localllm.api.server.SPARE_THREADS", 0)
    client = serve(num_http_threads=1)
    go_on = threading.Event()
    engine.script = lambda prompt, params: [go_on]
    stream = client.open(CHAT, BODY | {"stream": True})
    stream.read_until(b"role")
    assert client.get("/v1/models").status == client.get("/health").status == 200
    asked = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection((client.host, client.port), timeout=10) as connection:
        connection.sendall(asked * 20)
        received = b""
        while received.count(b"HTTP/1.1 200 OK") < 20:
            received += connection.recv(1 << 16)
    go_on.set()
    stream.read_until(b"[DONE]")
    stream.close()


def test_a_connection_serves_the_next_request_after_a_stream(client):
    """The end of a stream is marked by its last chunk, so the connection stays open (Open WebUI keeps a pool)."""
    connection = http.client.HTTPConnection(client.host, client.port, timeout=10)
    for is_streamed in (True, False, True):
        connection.request(
            "POST", CHAT, json.dumps(BODY | {"stream": is_streamed}), {"Content-Type": "application/json"}
        )
        response = connection.getresponse()
        assert response.status == 200
        assert response.read()
        assert not response.will_close
    connection.close()


def test_an_end_lets_running_requests_finish(models, engine):
    """SIGTERM in the middle of an answer: it is completed, and nothing new is taken."""
    go_on, ended = threading.Event(), threading.Event()
    engine.script = lambda prompt, params: ["Hel", go_on, "lo"]
    leave = threading.Event()

    def run():
        with serving(
            models.pool, Config(port=0, num_http_threads=4), is_port_fixed=True, drain_s=10
        ) as server:
            urls.append(f"http://127.0.0.1:{server.port}")
            leave.wait()
        ended.set()

    urls: list[str] = []
    threading.Thread(target=run, daemon=True).start()
    wait_until(lambda: urls)
    client = Client(urls[0])
    stream = client.open(CHAT, BODY | {"stream": True})
    stream.read_until(b"Hel")
    leave.set()
    wait_until(lambda: _is_refused(client))
    assert not ended.is_set()
    go_on.set()
    assert b'"content":"lo"' in stream.read_until(b"[DONE]")
    assert ended.wait(10)
    stream.close()


def _is_refused(client: Client) -> bool:
    try:
        client.get("/health")
    except OSError:
        return True
    return False


def test_a_taken_port_is_an_error_or_the_next_one(models):
    """The error says what to do; without a wish for this port the next free one is taken."""
    with serving(models.pool, Config(port=0), is_port_fixed=True, drain_s=0) as first:
        with (
            pytest.raises(errors.ConfigError, match="--port"),
            serving(models.pool, Config(port=first.port), is_port_fixed=True),
        ):
            pass
        with serving(models.pool, Config(port=first.port), is_port_fixed=False, drain_s=0) as second:
            assert second.port > first.port
            assert Client(f"http://127.0.0.1:{second.port}").get("/health").status == 200


def test_an_address_that_is_not_here_is_an_error(models):
    """One sentence that names it."""
    config = Config(host="203.0.113.7", port=0, api_key="k")
    with (
        pytest.raises(errors.ConfigError, match=r"203\.0\.113\.7"),
        serving(models.pool, config, is_port_fixed=True),
    ):
        pass
