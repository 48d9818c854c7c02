"""/metrics: figures of requests and engines, for Prometheus."""

from __future__ import annotations

import re

from localllm.api.monitoring import route_of
from tests.waiting import wait_until


def figures(client):
    """{name with labels: value} of the exposition."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_requests_and_tokens_are_counted(client):
    """By route and status; by model and kind."""
    client.chat("one two three")
    client.chat(stream=True)
    client.get("/nope")
    wait_until(lambda: figures(client).get('localllm_requests_total{route="other",status="404"}') == 1)
    found = figures(client)
    assert found['localllm_requests_total{route="/chat/completions",status="200"}'] == 2
    assert found['localllm_tokens_total{kind="completion",model="guide"}'] == 6
    assert found['localllm_first_token_seconds_count{model="guide"}'] == 2
    assert found['localllm_longest_gap_seconds_count{model="guide"}'] == 2
    assert found["localllm_requests_running"] == 0


def test_a_real_engine_says_what_it_holds(real):
    """Memory, cells, starts."""
    real.chat(model="tiny", max_tokens=4)
    found = figures(real)
    assert found['localllm_engine_loaded{model="tiny"}'] == 1
    assert found['localllm_engine_memory_bytes{model="tiny"}'] > 10_000_000
    assert (
        0
        < found['localllm_engine_kv_cells_used{model="tiny"}']
        <= found['localllm_engine_kv_cells{model="tiny"}']
    )
    assert found['localllm_engine_starts{model="tiny"}'] >= 1


def test_nobody_can_invent_labels():
    """Each new label would cost memory for ever."""
    assert route_of("/v1/chat/completions/") == route_of("/chat/completions") == "/chat/completions"
    assert route_of("/v1/models/a/b") == "/models/{id}"
    assert route_of("/" + "x" * 1000) == route_of("/v1") == "other"


def test_one_log_line_a_request_without_its_text(client, caplog):
    """Method, path, status, duration, model, counts, id: and nothing that a person wrote."""
    caplog.set_level("INFO", logger="localllm.requests")
    answer = client.chat("a secret question")
    wait_until(lambda: any(record.name == "localllm.requests" for record in caplog.records))
    lines = [record for record in caplog.records if record.name == "localllm.requests"]
    (line,) = [record.getMessage() for record in lines]
    counts = r"model=guide prompt=\d+ cached=0 completion=3 first_token=\S+"
    match = re.fullmatch(rf"POST /v1/chat/completions 200 \d+\.\d{{3}}s {counts} id=(\S+)", line)
    assert match
    assert match[1] == answer.headers["x-request-id"]


def test_a_path_cannot_forge_a_line_of_the_log(client, caplog):
    """Line breaks and control characters are replaced."""
    caplog.set_level("INFO", logger="localllm.requests")
    client.get("/nope%0a2026%20INFO%20GET%20/x%1b[31m")
    wait_until(lambda: caplog.messages)
    assert re.fullmatch(r"GET /nope\?2026\?INFO\?GET\?/x\?\[31m 404 \S+ id=\S+", caplog.messages[0])
