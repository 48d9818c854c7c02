"""Everything that is not a 2xx: OpenAI's envelope, and headers that tell clients whether to retry."""

from __future__ import annotations

import socket

import pytest

from localllm import errors
from tests.api import schema_lint
from tests.api.fakes import finish
from tests.api.wire_lint import chunks_of
from tests.waiting import wait_until

CHAT = "/v1/chat/completions"
HEADERS_BYTES = 256 * 1024  # as many as waitress reads, so that nothing unread resets the connection


def test_an_unknown_route_is_a_json_404(client):
    """Any method, any depth, and the message says where to look."""
    for answer in (
        client.get("/v1/nope"),
        client.post("/api/chat", {}),
        client.get("/v1/chat/completions/x/y"),
    ):
        assert answer.status == 404
        schema_lint.check(answer.json, "ErrorResponse")
        assert "/v1" in answer.error["message"]


def test_ollamas_paths_say_which_connection_to_use(client):
    """The error shows up in the client's settings: it has to tell what to type there."""
    for answer in (client.get("/api/tags"), client.post("/api/chat", {})):
        assert answer.status == 404
        assert f"{client.url}/v1" in answer.error["message"]
        assert "OpenAI" in answer.error["message"]


def test_a_wrong_method_is_a_json_405(client):
    """And `Allow` names the right one."""
    answer = client.get(CHAT)
    assert answer.status == 405
    assert answer.error["code"] == "method_not_allowed"
    assert "POST" in answer.headers["allow"]


def test_an_unknown_model_is_a_404_that_names_the_nearest(client):
    """OpenAI's code, the field, and a hint."""
    body = {"model": "guida", "messages": [{"role": "user", "content": "Hi"}]}
    for answer in (client.post(CHAT, body), client.get("/v1/models/guida")):
        assert answer.status == 404
        assert answer.error["code"] == "model_not_found"
        assert '"guide"' in answer.error["message"]
        assert answer.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (
            errors.ContextLengthExceeded(
                "This model's maximum context length is 5 tokens.", param="messages"
            ),
            400,
            None,
        ),
        (errors.Busy("Full."), 429, "2"),
        (errors.EngineDied("It died."), 503, "1"),
        (errors.InvalidRequest("No such grammar.", param="grammar"), 400, None),
        (RuntimeError("a bug with a secret"), 500, None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_the_engine_refuses_has_its_own_status_also_for_streams(
    client, engine, error, status, retry_after, stream
):
    """No header is sent before the engine has accepted, so the status is honest."""
    engine.refusal = error
    answer = client.chat(stream=stream)
    assert answer.status == status
    assert answer.headers.get("retry-after") == retry_after
    assert answer.headers.get("x-should-retry") == (None if retry_after else "false")
    schema_lint.check(answer.json, "ErrorResponse")
    assert "secret" not in answer.error["message"]


@pytest.mark.parametrize("error", [errors.EngineDied("It died."), RuntimeError("a bug")])
def test_a_failure_in_mid_stream_is_an_error_event_and_the_end(client, engine, error):
    """After the first byte the error travels in the stream: no choices beside it, no [DONE] after it."""
    engine.script = lambda prompt, params: ["Hel", error]
    answer = client.chat(stream=True)
    chunks = chunks_of(answer, fails=True)
    assert chunks[-1].keys() == {"error"}
    schema_lint.check(chunks[-1], "ErrorResponse")
    assert b"[DONE]" not in answer.body


def test_a_failure_in_a_whole_answer_is_its_status(client, engine):
    """503 with Retry-After: the engine is started again for the next request."""
    engine.script = lambda prompt, params: ["Hel", errors.EngineDied("It died.")]
    answer = client.chat()
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    engine.script = lambda prompt, params: ["Hello", finish(1)]
    assert client.chat().status == 200


def test_a_model_that_cannot_be_loaded_is_a_500_that_is_not_retried(client, engine):
    """The SDKs would load it three times."""
    engine.load_error = errors.ModelLoadFailed("The file is broken.")
    answer = client.chat()
    assert answer.status == 500
    assert answer.error["code"] == "model_load_failed"
    assert answer.headers["x-should-retry"] == "false"


def test_every_response_has_its_own_request_id(client):
    """Streams, errors and pages too."""
    answers = [
        client.chat(),
        client.chat(stream=True),
        client.get("/nope"),
        client.get("/"),
        client.get("/health"),
    ]
    ids = [answer.headers["x-request-id"] for answer in answers]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("request_bytes", "said"),
    [
        (b"GARBAGE\r\n\r\n", "? ? 400"),
        (b"G\x1b[31mT / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "? ? 400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", "GET / 400"),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", "? ? 400"),
        ((b"GET / HTTP/1.1\r\nX: " + b"x" * HEADERS_BYTES)[:HEADERS_BYTES], "GET / 431"),
        (b"POST /v1/embeddings HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n", "POST /v1/embeddings 413"),
    ],
)
def test_what_is_no_http_gets_the_envelope_too(client, caplog, request_bytes, said):
    """Even the refusals of the WSGI server itself are application/json, with an id, a line of the log and a count."""
    caplog.set_level("INFO", logger="localllm.requests")
    with socket.create_connection((client.host, client.port), timeout=10) as connection:
        connection.sendall(request_bytes)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"Content-Type: application/json" in head
    assert body.startswith(b'{"error":{"message":')
    request_id = head.partition(b"X-Request-Id: ")[2].partition(b"\r\n")[0].decode()
    wait_until(lambda: caplog.messages)
    (line,) = caplog.messages
    assert line.startswith(said)
    assert line.endswith(f" id={request_id}")
    assert line.isprintable()
    status = said.split()[-1]
    wait_until(lambda: f'status="{status}"'.encode() in client.get("/metrics").body)
