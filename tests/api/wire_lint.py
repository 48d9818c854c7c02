"""The wire lint of `localllm check`, used on every stream of the tests, with OpenAI's schema on every chunk."""

from __future__ import annotations

from typing import Any

from localllm.check.stream_lint import data_objects, lint_stream
from tests.api import schema_lint
from tests.api.http import Answer

CHUNK_SCHEMAS = {"chat": "CreateChatCompletionStreamResponse", "text": "CreateCompletionResponse"}


def chunks_of(
    answer: Answer, *, include_usage: bool = False, kind: str = "chat", fails: bool = False
) -> list[dict[str, Any]]:
    """The chunks of a stream, after every rule of the wire was checked on it. fails: it must end in an error."""
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    findings = lint_stream(answer.body, include_usage=include_usage, kind=kind, may_fail=fails)
    assert not findings, "\n".join(f"{f.rule.id}: {f.came_back}" for f in findings)
    chunks = data_objects(answer.body)
    assert not fails or "error" in chunks[-1], chunks[-1]
    for chunk in chunks:
        if "error" not in chunk:
            schema_lint.check(_for_schema(chunk, kind), CHUNK_SCHEMAS[kind])
    return chunks


def _for_schema(chunk: dict[str, Any], kind: str) -> dict[str, Any]:
    """OpenAI streams the completion object with a null finish_reason, which its schema has only for whole bodies."""
    if kind == "chat":
        return chunk
    choices = [{**c, "finish_reason": c["finish_reason"] or "stop"} for c in chunk["choices"]]
    return {k: v for k, v in chunk.items() if not (k == "usage" and v is None)} | {"choices": choices}


def text_of(chunks: list[dict[str, Any]], index: int = 0, key: str = "content") -> str:
    """What one choice said."""
    deltas = [c["delta"] for chunk in chunks for c in chunk.get("choices", []) if c["index"] == index]
    return "".join(delta.get(key) or "" for delta in deltas)
