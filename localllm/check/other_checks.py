"""The checks of what a server may offer beside chat: embeddings, /v1/responses, /v1/messages."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterator
from typing import Any

from localllm.check import rules
from localllm.check.checks import found, stream_headers
from localllm.check.event_lint import lint_messages, lint_responses
from localllm.check.finding import Finding
from localllm.check.target import Reply, Target

MAX_TOKENS = 16


def check_responses(target: Target) -> Iterator[Finding]:
    """The event order of a streamed response, where they are offered."""
    body = {"model": target.model, "input": "Say hello.", "max_output_tokens": MAX_TOKENS, "stream": True}
    reply = target.post("/responses", body)
    if not reply.is_offered:
        return
    yield from stream_headers(reply)
    for problem in lint_responses(reply.body) if reply.status == 200 else [reply.shown()]:
        yield Finding(rules.RESPONSES, problem, reply.sent)


def check_anthropic(target: Target) -> Iterator[Finding]:
    """The event order of a streamed message, where they are offered."""
    body = target.chat_body("Say hello.", max_tokens=MAX_TOKENS, stream=True)
    reply = target.post("/messages", body, {"anthropic-version": "2023-06-01"})
    if not reply.is_offered:
        return
    yield from stream_headers(reply)
    for problem in lint_messages(reply.body) if reply.status == 200 else [reply.shown()]:
        yield Finding(rules.ANTHROPIC, problem, reply.sent)


def check_embeddings(target: Target) -> Iterator[Finding]:
    """Order and encoding, where the model makes embeddings."""
    texts = ["one", "two", "one"]
    body = {"model": target.model, "input": texts}
    plain = target.post("/embeddings", body | {"encoding_format": "float"})
    if plain.status != 200:
        return  # not offered, or not by this model
    encoded = target.post("/embeddings", body | {"encoding_format": "base64"})
    vectors, decoded = _vectors(plain), _vectors(encoded)
    if vectors is None or len(vectors) != len(texts) or not _is_close(vectors[0], vectors[2]):
        yield found(rules.EMBEDDINGS, plain)
    elif decoded is None or not _is_base64(encoded) or not _are_close(vectors, decoded):
        yield found(rules.EMBEDDINGS, encoded)


def _is_base64(reply: Reply) -> bool:
    return all(isinstance(row["embedding"], str) for row in reply.json["data"])


def _vectors(reply: Reply) -> list[list[float]] | None:
    """The vectors of a reply, decoded; None where it has another shape."""
    data: Any = reply.json.get("data") if isinstance(reply.json, dict) else None
    try:
        rows = [row["embedding"] for row in data]
        return [_decoded(row) if isinstance(row, str) else [float(x) for x in row] for row in rows]
    except (TypeError, KeyError, ValueError, OverflowError, struct.error):
        return None


def _decoded(text: str) -> list[float]:
    raw = base64.b64decode(text)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))


def _are_close(a: list[list[float]], b: list[list[float]]) -> bool:
    return len(a) == len(b) and all(map(_is_close, a, b))


def _is_close(a: list[float], b: list[float]) -> bool:
    return len(a) == len(b) and all(abs(x - y) < 1e-3 for x, y in zip(a, b, strict=True))
