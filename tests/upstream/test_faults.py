"""Whatever another server sends, what leaves here keeps every rule."""

from __future__ import annotations

import pytest

from localllm.check.checks import is_chat_completion
from localllm.check.run import CHECKS, run
from localllm.check.target import Target
from tests.api.wire_lint import chunks_of
from tests.upstream import faulty
from tests.upstream.faulty import FAULTS, chat_server, text_of

TYPES = ("text/event-stream", "application/json", "application/x-ndjson", "text/plain")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_of_the_other_server_is_repaired(stand_in, forward, fault):
    """Streams with usage and without, and whole answers: all the text, one role, one end, one usage."""
    client = forward(stand_in(chat_server(fault, content_type=TYPES[FAULTS.index(fault) % 4])).url)
    for include_usage in (False, True):
        answer = client.chat(stream=True, stream_options={"include_usage": include_usage})
        chunks = chunks_of(answer, include_usage=include_usage)
        texts = [c["choices"][0]["delta"].get("content", "") for c in chunks if c["choices"]]
        assert "".join(texts) == text_of()
    whole = client.chat()
    assert is_chat_completion(whole.json)
    assert whole.json["choices"][0]["message"]["content"] == text_of()


@pytest.mark.parametrize(
    ("fault", "content_type", "has_models"),
    [
        pytest.param(faulty.litserve, "application/json", False, id="litserve"),
        pytest.param(faulty.exo, "application/x-ndjson", True, id="exo", marks=pytest.mark.slow),
    ],
)
def test_localllm_check_finds_nothing_before_a_faulty_server(
    stand_in, forward, fault, content_type, has_models
):
    """The two bugs that began the project, behind an entry that forwards to them."""
    server = stand_in(chat_server(fault, content_type=content_type, has_models=has_models))
    report = run(Target(forward(server.url).url, model="guide"))
    assert report.checked == list(CHECKS)
    assert not report.findings, [(f.rule.id, f.sent, f.came_back) for f in report.findings]
