"""What is sent to the other server, and what becomes of the finer parts of its answers."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from tests.api.wire_lint import chunks_of
from tests.upstream.standin import chunk, chunked, event, say, whole

DONE = b"data: [DONE]\n\n"
TOOL = {
    "type": "function",
    "function": {"name": "f", "description": "", "parameters": {"type": "object", "properties": {}}},
}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def ok(request):
    return chunked(say("Hello"))


def test_what_the_client_gave_goes_on_as_it_was(stand_in, forward):
    """Sampling, unknown fields, images; nulls are left out, and the entry's defaults are added."""
    server = stand_in(ok)
    client = forward(
        server.url, upstream=', model = "there"', entry="sampling = { top_k = 7, temperature = 0.1 }"
    )
    content = [{"type": "text", "text": "What is this?"}, IMAGE]
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": content, "name": None},
    ]
    body = {
        "model": "guide",
        "messages": messages,
        "temperature": 0.8,
        "seed": None,
        "x_unknown": {"a": None},
    }
    answer = client.post(
        "/v1/chat/completions", body | {"max_completion_tokens": 5, "response_format": {"type": "text"}}
    )
    assert answer.json["model"] == "guide"
    (request,) = server.requests
    assert request.body == {
        "model": "there",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": content}],
        "temperature": 0.8,
        "top_k": 7,
        "x_unknown": {"a": None},
        "max_completion_tokens": 5,
        "max_tokens": 5,
        "response_format": {"type": "text"},
        "stream": True,
        "stream_options": {"include_usage": True},
    }


@pytest.mark.parametrize(
    ("path", "body", "wanted"),
    [
        (
            "/v1/responses",
            {"input": "Hi", "max_output_tokens": 5, "temperature": 0.8, "reasoning": {"effort": "low"}},
            {"max_tokens": 5, "temperature": 0.8, "reasoning_effort": "low"},
        ),
        (
            "/v1/messages",
            {
                "max_tokens": 5,
                "messages": [{"role": "user", "content": "Hi"}],
                "stop_sequences": ["x"],
                "top_k": 3,
            },
            {"max_tokens": 5, "stop": ["x"], "top_k": 3},
        ),
        (
            "/v1/responses",
            {
                "input": "Hi",
                "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}},
            },
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
                }
            },
        ),
    ],
)
def test_other_apis_become_a_chat(stand_in, forward, path, body, wanted):
    """Whatever the other server speaks, it is asked for a chat completion."""
    server = stand_in(ok)
    assert forward(server.url).post(path, {"model": "guide"} | body).status == 200
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.body["messages"] == [{"role": "user", "content": "Hi"}]
    given = {
        k: v for k, v in request.body.items() if k not in ("model", "messages", "stream", "stream_options")
    }
    assert given == wanted


def refuses(field, detail):
    """A strict server: FastAPI's answer where the field is there."""

    def answer(request):
        if field(request.body):
            return whole(detail, "422 Unprocessable Entity")
        return ok(request)

    return answer


@pytest.mark.parametrize(
    ("field", "loc", "fields"),
    [
        (lambda body: "stream_options" in body, "stream_options", {}),
        (lambda body: "x_made_up" in body, "x_made_up", {"x_made_up": 1}),
        (
            lambda body: body.get("tool_choice") == "required",
            "tool_choice",
            {"tools": [TOOL], "tool_choice": "required"},
        ),
    ],
)
def test_a_field_that_the_server_does_not_know_is_sent_once(stand_in, forward, field, loc, fields):
    """It is left out or said otherwise, and that is remembered."""
    detail = {
        "detail": [{"loc": ["body", loc], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}]
    }
    server = stand_in(refuses(field, detail))
    client = forward(server.url)
    assert [client.chat(**fields).status for _ in range(2)] == [200, 200]
    assert len(server.requests) == 3


def test_a_refusal_for_another_reason_is_told(stand_in, forward):
    """With the field's name, as a 400: the client's mistake, not ours."""
    detail = {"detail": [{"loc": ["body", "temperature"], "msg": "Too hot", "type": "x"}]}
    server = stand_in(refuses(lambda body: True, detail))
    answer = forward(server.url).chat(temperature=9)
    assert (answer.status, answer.json["error"]["param"]) == (400, "temperature")
    assert "Too hot" in answer.json["error"]["message"]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "wanted", "code"),
    [
        ("400 Bad", {"error": {"message": "maximum context length is 9"}}, 400, "context_length_exceeded"),
        ("400 Bad", {"error": {"message": "x", "type": "exceed_context_size_error"}}, 400, "context_length_exceeded"),
        ("404 Not Found", {"error": {"message": "no such model", "code": "model_not_found"}}, 404, "model_not_found"),
        ("422 Unprocessable", {"detail": "no"}, 400, "upstream_refused"),
        ("500 Oops", {"error": "it broke"}, 502, "upstream_failed"),
        ("500 Oops", b"<html><h1>Internal &amp; bad</h1></html>", 502, "upstream_failed"),
        ("200 OK", b"<html><h1>Welcome to nginx</h1></html>", 502, "upstream_failed"),
        ("200 OK", {"error": {"message": "too long", "code": 400}}, 400, "400"),
    ],
)  # fmt: skip
def test_errors_of_all_kinds_come_in_one_envelope(stand_in, forward, status, body, wanted, code):
    """With who said it, without HTML, and with a status that is true."""
    answer = forward(stand_in(lambda request: whole(body, status)).url).chat(stream=True)
    assert (answer.status, answer.json["error"]["code"]) == (wanted, code)
    assert "<" not in answer.json["error"]["message"]


def test_a_busy_server_says_when_to_come_back(stand_in, forward):
    """Its Retry-After is ours."""
    answer = forward(stand_in(lambda r: whole({}, "429 Too Many", Retry_After="7")).url).chat()
    assert (answer.status, answer.headers["retry-after"]) == (429, "7")


def test_an_error_in_the_middle_ends_the_stream(stand_in, forward):
    """In the frame that clients know; without choices."""
    broken = [event(chunk({"content": "Hel"})), event({"error": {"message": "out of memory", "code": 500}})]
    answer = forward(stand_in(lambda r: chunked(broken)).url).chat(stream=True)
    assert "out of memory" in chunks_of(answer, fails=True)[-1]["error"]["message"]


def test_something_else_is_no_answer(stand_in, forward):
    """JSON of another kind: the base_url is that of another program."""
    answer = forward(stand_in(lambda r: whole({"hello": "world"})).url).chat()
    assert (answer.status, answer.json["error"]["code"]) == (502, "upstream_failed")


def test_an_answer_that_was_cut_off_is_no_answer(stand_in, forward):
    """A connection that just closes, without an end of any kind, may be a server that died."""
    cut = lambda r: [b"HTTP/1.1 200 OK\r\n\r\n", event(chunk({"content": "Hel"}))]  # noqa: E731
    answer = forward(stand_in(cut).url).chat()
    assert (answer.status, answer.json["error"]["code"]) == (502, "upstream_failed")


def test_an_empty_stream_is_asked_again_as_a_whole(stand_in, forward):
    """llama_cpp.server hides its errors so."""

    def hides(request):
        if request.body.get("stream"):
            return chunked([])
        return whole({"error": {"message": "This model's maximum context length is 9"}}, "400 Bad Request")

    answer = forward(stand_in(hides).url).chat(stream=True)
    assert (answer.status, answer.json["error"]["code"]) == (400, "context_length_exceeded")


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning", "thinking"])
def test_reasoning_has_one_name(stand_in, forward, name):
    """Whatever the other server calls it."""
    chunks = [event(chunk({name: "Hm."})), *say("Hello")]
    message = forward(stand_in(lambda r: chunked(chunks)).url).chat().json["choices"][0]["message"]
    assert (message["reasoning_content"], message["content"]) == ("Hm.", "Hello")


def test_usage_is_the_servers_or_said_to_be_estimated(stand_in, forward):
    """Nothing lies on the wire."""
    usage = {"prompt_tokens": 5, "completion_tokens": 7.0, "prompt_tokens_details": {"cached_tokens": 2}}
    told = forward(
        stand_in(lambda r: chunked([*say("Hello")[:-1], event({"choices": [], "usage": usage}), DONE])).url
    ).chat()
    assert told.json["usage"]["total_tokens"] == 12
    assert told.json["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}
    assert "usage_estimated" not in told.json
    estimated = forward(stand_in(ok).url).chat("x" * 40)
    assert estimated.json["usage_estimated"] is True
    assert (estimated.json["usage"]["prompt_tokens"], estimated.json["usage"]["completion_tokens"]) == (10, 1)


def test_logprobs_and_several_choices_pass(stand_in, forward):
    """Both APIs' shapes."""
    logprobs = {"content": [{"token": "é", "logprob": -0.5, "bytes": [195, 169], "top_logprobs": []}]}
    choices = [
        {"index": i, "delta": {"content": "é"}, "logprobs": logprobs, "finish_reason": "stop"} for i in (1, 0)
    ]
    client = forward(stand_in(lambda r: chunked([event({"choices": choices}), DONE])).url)
    found = client.chat(n=2, logprobs=True, top_logprobs=1).json["choices"]
    assert [c["logprobs"]["content"][0]["logprob"] for c in found] == [-0.5, -0.5]
    assert found[0]["message"]["content"] == "é"


@pytest.mark.parametrize("stream", [True, False])
def test_completions_pass(stand_in, forward, stream):
    """Several prompts, echo and logprobs are the other server's; the wire is ours."""
    logprobs = {"tokens": ["a"], "token_logprobs": [-0.5], "top_logprobs": [{"a": -0.5}], "text_offset": [0]}
    choices = [{"index": i, "text": "a", "logprobs": logprobs, "finish_reason": "length"} for i in range(2)]
    server = stand_in(lambda r: chunked([event({"choices": choices}), DONE]))
    body = {
        "model": "guide",
        "prompt": ["x", "y"],
        "max_tokens": 1,
        "echo": True,
        "logprobs": 1,
        "stream": stream,
    }
    answer = forward(server.url).post("/v1/completions", body)
    assert server.requests[0].body["prompt"] == ["x", "y"]
    assert server.requests[0].body["echo"] is True
    found = (
        [c for part in chunks_of(answer, kind="text") for c in part["choices"]]
        if stream
        else answer.json["choices"]
    )
    assert [c["text"] for c in found if c["text"]] == ["a", "a"]
    assert [c["finish_reason"] for c in found if c["finish_reason"]] == ["length", "length"]


@pytest.mark.parametrize("is_base64", [True, False])
@pytest.mark.parametrize("shape", ["numbers", "base64", "bare list"])
def test_vectors_come_in_order_and_as_asked(stand_in, forward, is_base64, shape):
    """Whatever order and encoding the other server has."""

    def embeds(request):
        rows: list[dict[str, Any]] = [{"index": i, "embedding": [float(i), 0.5]} for i in (1, 0)]
        if shape == "base64":
            rows = [
                row | {"embedding": base64.b64encode(struct.pack("<2f", float(row["index"]), 0.5)).decode()}
                for row in rows
            ]
        return whole(rows if shape == "bare list" else {"data": rows, "usage": {"prompt_tokens": 3}})

    body = {"model": "guide", "input": ["a", "b"]} | ({"encoding_format": "base64"} if is_base64 else {})
    answer = forward(stand_in(embeds).url, entry='kind = "embedding"').post("/v1/embeddings", body).json
    vectors = [row["embedding"] for row in answer["data"]]
    if is_base64:
        vectors = [list(struct.unpack("<2f", base64.b64decode(vector))) for vector in vectors]
    assert vectors == [[0.0, 0.5], [1.0, 0.5]]
    assert ("usage_estimated" in answer) == (shape == "bare list")


def test_a_missing_vector_is_an_error(stand_in, forward):
    """Vectors on the wrong texts would be worse than none."""
    server = stand_in(lambda r: whole({"data": [{"index": 0, "embedding": [1.0]}]}))
    answer = forward(server.url).post("/v1/embeddings", {"model": "guide", "input": ["a", "b"]})
    assert (answer.status, answer.json["error"]["code"]) == (502, "upstream_failed")
    assert "1 vectors for 2 texts" in answer.json["error"]["message"]


def test_scores_and_counts_pass(stand_in, forward):
    """/v1/rerank, /v1/messages/count_tokens and /v1/responses/input_tokens."""

    def answers(request):
        if request.path == "/v1/rerank":
            return whole(
                {"results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]}
            )
        return whole({"input_tokens": 42})

    client = forward(stand_in(answers).url)
    ranked = client.post(
        "/v1/rerank", {"model": "guide", "query": "q", "documents": ["a", "b"], "top_n": 1}
    ).json
    assert [(row["index"], row["relevance_score"]) for row in ranked["results"]] == [(1, 0.9)]
    messages = [{"role": "user", "content": "Hi"}]
    for path, body in (
        ("messages/count_tokens", {"messages": messages}),
        ("responses/input_tokens", {"input": "Hi"}),
    ):
        assert client.post(f"/v1/{path}", {"model": "guide"} | body).json["input_tokens"] == 42
