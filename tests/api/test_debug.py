"""The debug endpoint tells over HTTP what the engine knows of its prefixes."""

from __future__ import annotations

from tests.api.http import Client


def test_the_report_has_a_row_for_each_request_with_the_counts_that_usage_tells(real: Client) -> None:
    """Rows come in the order of the requests; the second of two equal prompts was kept whole."""
    body = {"model": "tiny", "messages": [{"role": "user", "content": "A debugged hello"}], "max_tokens": 2}
    usages = [real.post("/v1/chat/completions", body).json["usage"] for _ in range(2)]
    rows = real.get("/debug/prefixes?model=tiny").json["requests"][-2:]
    assert [row["num_prompt_tokens"] for row in rows] == [usage["prompt_tokens"] for usage in usages]
    assert rows[1]["num_cached_tokens"] == usages[1]["prompt_tokens_details"]["cached_tokens"]
    assert rows[1]["reason"] == "the whole prompt was kept"


def test_a_model_that_is_not_loaded_has_no_rows_and_is_not_loaded_for_it(client: Client) -> None:
    """Looking never starts an engine."""
    assert client.get("/debug/prefixes?model=other").json == {"model": "other", "requests": []}
