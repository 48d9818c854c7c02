"""Servers that die, answer wrongly or fall silent: another is asked, and whoever failed rests."""

from __future__ import annotations

import itertools
import time

import pytest

from localllm.check.stream_lint import data_objects
from localllm.upstream import attempt
from localllm.upstream import replicas as replicas_module
from tests.api.wire_lint import chunks_of
from tests.upstream.standin import chunk, chunked, event, head, ok, silent, whole


def dies_after(*pieces):
    """Sends these events and drops the connection."""

    def answer(request):
        yield from itertools.islice(chunked(pieces), len(pieces) + 1)
        raise OSError

    return answer


def content(answer):
    return answer.json["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    "broken",
    [
        dies_after(),
        dies_after(event(chunk({"role": "assistant", "content": ""}))),
        lambda r: whole({}, "503 Busy"),
    ],
    ids=["before the head", "after the role", "503"],
)
def test_a_replica_that_fails_before_the_first_text_is_replaced(stand_in, forward, broken):
    """The client sees an ordinary answer; the one that failed rests, so it is asked no second time."""
    bad, good = stand_in(broken), stand_in(ok)
    client = forward(bad.url, good.url)
    for _ in range(4):
        assert content(client.chat()) == "Hello there"
    assert len(bad.requests) < 4
    assert len(good.requests) == 4


def replicas_of(client):
    return client.pool.upstreams.of(client.pool.catalog.find("guide").upstream).replicas


BAD = {
    "HTML": lambda r: whole(b"<html><h1>Welcome to nginx</h1></html>", content_type="text/html"),
    "other JSON": lambda r: whole({"status": "up"}),
    "nothing": lambda r: whole(b""),
    "401": lambda r: whole({"detail": "Unauthorized"}, "401 Unauthorized"),
    "403": lambda r: whole({}, "403 Forbidden"),
    "404": lambda r: whole({"error": {"message": "no model m"}}, "404 Not Found"),
    "500": lambda r: whole({"error": "it broke"}, "500 Oops"),
    "error in the stream": lambda r: chunked([event({"error": {"message": "CUDA error", "code": 500}})]),
    "redirect": lambda r: whole({}, "307 Temporary Redirect", Location="http://127.0.0.1:1/"),
    "silence": silent,
    "silence after the head": lambda r: itertools.chain([head(Content_Length="9")], silent(r)),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_replica_that_answers_wrongly_does_not_swallow_the_traffic(stand_in, forward, monkeypatch, bad):
    """It would always be the least busy one; so it rests as one does that is dead, and longer each time."""
    monkeypatch.setattr(replicas_module, "FIRST_REST_S", 15.0)  # longer than the requests here take
    bad_one, good, other = stand_in(bad), stand_in(ok), stand_in(ok)
    client = forward(bad_one.url, good.url, other.url, upstream=", first_timeout_s = 1")
    replicas = replicas_of(client)
    for num_failures in (1, 2):
        for stream in (False, True, False):
            answer = client.chat(stream=stream)
            assert answer.status == 200
            assert b"there" in answer.body
        assert replicas.all[0].num_failures == num_failures
        assert len(bad_one.requests) == num_failures
        replicas.all[0].rests_until = 0.0  # as if it had rested


@pytest.mark.parametrize("kind", ["401", "404", "500", "HTML"])
def test_what_every_replica_says_is_held_against_none(stand_in, forward, kind):
    """A model or a path that nobody has, a key that nobody takes: each is asked once, and all stay in use."""
    servers = [stand_in(BAD[kind]) for _ in range(3)]
    client = forward(*(server.url for server in servers))
    answer, alone = client.chat(), forward(servers[0].url).chat()
    assert (answer.status, answer.json["error"]["code"]) == (alone.status, alone.json["error"]["code"])
    assert [len(server.requests) for server in servers] == [2, 1, 1]
    assert all(replica.is_well for replica in replicas_of(client).all)


@pytest.mark.parametrize("status", ["400 Bad", "422 Unprocessable", "413 Too Large"])
def test_a_fault_of_the_client_is_told_at_once(stand_in, forward, status):
    """Nobody else is asked, and nobody rests."""
    servers = [stand_in(lambda request: whole({"detail": "no"}, status)) for _ in range(2)]
    client = forward(*(server.url for server in servers))
    assert [client.chat().status for _ in range(4)] == [400] * 4
    assert [len(server.requests) for server in servers] == [2, 2]
    assert all(replica.is_well for replica in replicas_of(client).all)


def test_a_server_that_refuses_a_request_is_back(stand_in, forward):
    """The first request after its rest may be a wrong one: the next ones need not wait for another try."""
    server = stand_in(lambda request: whole({"detail": "no"}, "400 Bad"))
    client = forward(server.url)
    (replica,) = replicas_of(client).all
    replica.num_failures = 5
    assert [client.chat().status for _ in range(2)] == [400] * 2
    assert replica.is_well


def test_a_try_of_one_that_fell_silent_is_short(stand_in, forward, monkeypatch):
    """Where others answer fast, nobody waits ten minutes to learn that a server still hangs."""
    monkeypatch.setattr(attempt, "TRIAL_FIRST_S", 0.2)
    hung, good = stand_in(silent), stand_in(ok)
    client = forward(hung.url, good.url)
    replicas = replicas_of(client)
    replicas.answered(replicas.all[1], 0.01)
    replicas.all[0].num_failures = 1
    assert content(client.chat()) == "Hello there"
    assert len(hung.requests) == 1
    assert replicas.all[0].num_failures == 2


def test_one_that_falls_silent_in_the_middle_rests(stand_in, forward):
    """The stream that had begun is lost; the next ones go to another."""

    def halts(request):
        yield from itertools.islice(chunked([event(chunk({"content": "x"}))]), 2)
        yield from silent(request)

    hung, good = stand_in(halts), stand_in(ok)
    client = forward(hung.url, good.url, upstream=", idle_timeout_s = 0.3")
    assert data_objects(client.chat(stream=True).body)[-1]["error"]["code"] == "upstream_timeout"
    assert not replicas_of(client).all[0].is_well


def test_after_the_first_text_nobody_else_is_asked(stand_in, forward):
    """Half an answer of one and half of another would be a lie: the stream ends with an error."""
    bad = stand_in(dies_after(event(chunk({"content": "Hel"}))))
    good = stand_in(dies_after(event(chunk({"content": "Hel"}))))
    answer = forward(bad.url, good.url).chat(stream=True)
    *_, last = chunks_of(answer, fails=True)
    assert last["error"]["code"] == "upstream_failed"
    assert "in the middle of its answer" in last["error"]["message"]
    assert len(bad.requests) + len(good.requests) == 1


def test_a_whole_answer_is_begun_anew_until_it_ends(stand_in, forward):
    """Nothing of it was sent yet, so a server that dies in its middle costs nobody anything."""
    bad, good = stand_in(dies_after(event(chunk({"content": "Hel"})))), stand_in(ok)
    client = forward(bad.url, good.url)
    assert [content(client.chat()) for _ in range(2)] == ["Hello there"] * 2
    assert len(bad.requests) == 1


def test_where_nobody_answers_it_is_said_who(stand_in, forward):
    """With the address, and the advice to try again; the model is shown as failed."""
    server = stand_in(ok)
    server.kill()
    client = forward(server.url)
    answer = client.chat()
    assert (answer.status, answer.json["error"]["code"]) == (502, "upstream_failed")
    assert server.url in answer.json["error"]["message"]
    assert "retry-after" in answer.headers
    (model,) = client.get("/v1/models").json["data"]
    assert model["status"] == {"value": "unloaded", "failed": True}


def test_a_server_that_comes_back_is_used_again(stand_in, forward):
    """At the next request after its rest."""
    server = stand_in(ok)
    client = forward(server.url)
    assert client.chat().status == 200
    server.kill()
    assert client.chat().status == 502
    stand_in(ok, server.port)
    deadline = time.monotonic() + 60
    while client.chat().status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
