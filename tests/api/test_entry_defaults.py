"""What a model's entry says of its output holds on every API that speaks to it, until a request says otherwise."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from localllm.sampling_params import Grammar
from tests.api.fakes import FakeEngine, FakeModels
from tests.api.http import Client

ENTRY = """
[model.sampling]
logprobs = 3
grammar = {kind = "regex", text = "[ab]+"}
"""
MESSAGES = [{"role": "user", "content": "Hi"}]
REQUESTS: dict[str, dict[str, Any]] = {
    "/v1/completions": {"prompt": "Hi"},
    "/v1/chat/completions": {"messages": MESSAGES},
    "/v1/responses": {"input": "Hi"},
    "/v1/messages": {"messages": MESSAGES, "max_tokens": 5},
}


@pytest.fixture
def with_defaults(models: FakeModels) -> FakeModels:
    """The last model of the catalog has defaults."""
    catalog = models.paths.catalog
    catalog.write_text(catalog.read_text(encoding="utf-8") + ENTRY, encoding="utf-8")
    return models


@pytest.mark.parametrize("path", REQUESTS)
def test_the_entrys_grammar_and_logprobs_reach_the_engine(
    with_defaults: FakeModels, client: Client, path: str
) -> None:
    """sampling.grammar and sampling.logprobs of the catalog."""
    assert client.post(path, {"model": "other", **REQUESTS[path]}).status == 200
    params = with_defaults.engines["other"].submits[-1].params
    assert params.grammar == Grammar("regex", "[ab]+")
    assert params.logprobs == 3


@pytest.mark.parametrize("path", ["/v1/completions", "/v1/chat/completions"])
def test_a_request_has_the_last_word(with_defaults: FakeModels, client: Client, path: str) -> None:
    """Another grammar, or none; no log-probabilities."""
    engine = with_defaults.engines["other"]
    body: dict[str, Any] = {"model": "other", **REQUESTS[path], "logprobs": False}
    for said, grammar in (
        ({"response_format": {"type": "text"}}, None),
        ({"guided_regex": "c"}, Grammar("regex", "c")),
    ):
        assert client.post(path, body | said).status == 200
        assert engine.submits[-1].params.grammar == grammar
        assert engine.submits[-1].params.logprobs is None


def test_a_model_without_a_chat_template_is_told_in_the_log(
    client: Client, engine: FakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    """It gets ChatML, which may be wrong for it."""
    assert engine.info.chat_template is None
    with caplog.at_level(logging.WARNING, "localllm"):
        client.chat()
    (warning,) = [r.getMessage() for r in caplog.records if "chat template" in r.getMessage()]
    assert '"guide"' in warning
    assert "ChatML" in warning
