"""What happens on the way: clients that leave, silence, keys, circles, connections, limits."""

from __future__ import annotations

import itertools
import logging
import threading

import pytest

from localllm.api import reply
from tests.api.wire_lint import chunks_of
from tests.upstream.standin import chunk, chunked, event, head, ok, say, silent, whole

KEY = "sk-secret-of-a-test"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("has_begun", [True, False])
def test_a_client_that_leaves_is_seen_by_the_other_server(stand_in, forward, stream, has_begun):
    """Before the first byte and after it, streamed and whole."""
    asked = threading.Event()

    def endless(request):
        asked.set()
        if has_begun:
            yield head(Content_Type="text/event-stream", Transfer_Encoding="chunked")
        while not request.is_gone():
            if has_begun:
                data = event(chunk({"content": "x"}))
                yield b"%x\r\n%s\r\n" % (len(data), data)
            threading.Event().wait(0.02)
        raise OSError

    server = stand_in(endless)
    body = {"model": "guide", "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    half = forward(server.url).open("/v1/chat/completions", body)
    assert asked.wait(30)
    half.close()
    assert server.left.wait(30)


def test_while_nothing_comes_the_client_gets_pings(stand_in, forward, monkeypatch):
    """A proxy in between would close a silent connection."""
    monkeypatch.setattr(reply, "HEADERS_WITHIN_S", 0.2)
    may_answer = threading.Event()

    def late(request):
        may_answer.wait(30)
        return chunked(say("Hello"))

    client = forward(stand_in(late).url)
    body = {"model": "guide", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    half = client.open("/v1/chat/completions", body)
    half.read_until(b": waiting for the other server")
    may_answer.set()
    half.read_until(b"[DONE]")
    half.close()


@pytest.mark.parametrize("kind", ["env", "file"])
def test_the_key_is_sent_and_shown_to_nobody(stand_in, forward, monkeypatch, caplog, tmp_path, kind):
    """Not in the log, and not in the error of a server that repeats it."""
    monkeypatch.setenv("KEY_OF_A_TEST", KEY)
    (tmp_path / "key").write_text(f"{KEY}\n", encoding="utf-8")
    where = "api_key_env = 'KEY_OF_A_TEST'" if kind == "env" else f"api_key_file = '{tmp_path / 'key'}'"
    error = {"error": {"message": f"The key {KEY} may not do this.", "type": "x", "code": "no"}}
    server = stand_in(lambda request: whole(error, "400 Bad Request"))
    with caplog.at_level(logging.DEBUG):
        answer = forward(server.url, upstream=f", {where}").chat()
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert answer.status == 400
    assert "may not do this" in answer.body.decode()
    assert KEY not in answer.body.decode() + caplog.text


def test_a_key_that_is_missing_or_refused_is_told(stand_in, forward, monkeypatch):
    """Which variable, and that trying again does not help; the client's own key is not the matter."""
    monkeypatch.delenv("KEY_OF_A_TEST", raising=False)
    server = stand_in(lambda request: whole({"detail": "Unauthorized"}, "401 Unauthorized"))
    client = forward(server.url, upstream=", api_key_env = 'KEY_OF_A_TEST'")
    answer = client.chat()
    assert (answer.status, answer.json["error"]["code"]) == (502, "upstream_key_missing")
    assert "KEY_OF_A_TEST" in answer.json["error"]["message"]
    monkeypatch.setenv("KEY_OF_A_TEST", KEY)
    answer = client.chat()
    assert (answer.status, answer.json["error"]["code"]) == (502, "upstream_key_refused")
    assert answer.headers["x-should-retry"] == "false"


def test_an_entry_that_leads_back_here_is_noticed(stand_in, forward):
    """Instead of going round until no thread is left."""
    client = forward(stand_in(ok).url)
    path = client.pool.catalog.path
    path.write_text(
        f'[[model]]\nid = "guide"\nupstream = {{ base_url = "{client.url}/v1" }}\n', encoding="utf-8"
    )
    answer = client.chat()
    assert (answer.status, answer.json["error"]["code"]) == (508, "forwarding_loop")
    assert "has come back" in answer.json["error"]["message"]


def test_redirects_are_not_followed(stand_in, forward):
    """The key would go to whoever the redirect names."""
    other = stand_in(ok)
    server = stand_in(
        lambda request: whole({}, "307 Temporary Redirect", Location=f"{other.url}/chat/completions")
    )
    answer = forward(server.url).chat()
    assert answer.status == 502
    assert "base_url" in answer.json["error"]["message"]
    assert not other.requests


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(("pieces", "limit"), [((), "first"), ((event(chunk({"content": "x"})),), "idle")])
def test_a_server_that_falls_silent_is_given_up(stand_in, forward, stream, pieces, limit):
    """Before the first byte as a status, in the middle as an error event."""

    def halts(request):
        yield from itertools.islice(chunked(pieces), len(pieces) + 1 if pieces else 0)
        yield from silent(request)

    client = forward(stand_in(halts).url, upstream=f", {limit}_timeout_s = 0.3")
    answer = client.chat(stream=stream)
    if stream and pieces:
        assert chunks_of(answer, fails=True)[-1]["error"]["code"] == "upstream_timeout"
    else:
        assert (answer.status, answer.json["error"]["code"]) == (504, "upstream_timeout")


def test_connections_are_used_again(stand_in, forward):
    """One connection for many requests; one that the server has closed meanwhile costs nothing."""
    server = stand_in(ok)
    client = forward(server.url)
    for stream in (True, False, True):
        assert client.chat(stream=stream).status == 200
    assert server.num_connections == 1
    server.kill()
    again = stand_in(ok, server.port)
    assert client.chat().status == 200
    assert len(again.requests) == 1


def test_only_so_many_requests_go_to_a_server_at_once(stand_in, forward):
    """num_parallel: the others wait here."""
    running, most = [], []
    lock = threading.Lock()

    def counted(request):
        with lock:
            running.append(request)
            most.append(len(running))
        threading.Event().wait(0.05)
        yield from chunked(say("Hello"))
        with lock:
            running.remove(request)

    client = forward(stand_in(counted).url, upstream=", num_parallel = 2")
    statuses = []
    threads = [threading.Thread(target=lambda: statuses.append(client.chat().status)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 8
    assert max(most) == 2


def test_metrics_show_each_server(stand_in, forward):
    """By its address; 0 where its last request failed."""
    good, bad = stand_in(ok), stand_in(ok)
    client = forward(good.url, bad.url)
    bad.kill()
    assert [client.chat().status for _ in range(2)] == [200, 200]
    text = client.get("/metrics").body.decode()
    assert f'localllm_upstream_up{{model="guide",server="127.0.0.1:{good.port}"}} 1.0' in text
    assert f'localllm_upstream_up{{model="guide",server="127.0.0.1:{bad.port}"}} 0.0' in text
    assert f'localllm_upstream_requests{{model="guide",server="127.0.0.1:{good.port}"}} 0.0' in text


def test_what_needs_a_model_here_says_so(stand_in, forward):
    """Loading, unloading and tokenizing are the other server's business."""
    client = forward(stand_in(ok).url)
    for path, body in (
        ("/models/load", {}),
        ("/models/unload", {}),
        ("/tokenize", {"content": "x"}),
    ):
        answer = client.post(path, {"model": "guide"} | body)
        assert (answer.status, answer.json["error"]["code"]) == (400, "model_is_forwarded")
