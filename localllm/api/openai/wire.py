"""The objects that OpenAI's chat and completions endpoints send. Pure: values → dicts in the documented shape.

Field by field after the schema and the client contract: one role, one finish_reason, no key that is null where a
client would trip over it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

from localllm import __version__
from localllm.api.counts import Usage
from localllm.chat.deltas import Content, Delta, Reasoning, ToolCallStart
from localllm.engine.messages import TokenLogprob

FINGERPRINT = f"localllm-{__version__}"


def new_id(prefix: str) -> str:
    return f"{prefix}-{secrets.token_hex(12)}"


class Envelope:
    """What all chunks of a stream, or a whole body, have in common."""

    def __init__(self, prefix: str, kind: str, model: str) -> None:
        self._common = {
            "id": new_id(prefix),
            "object": kind,
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": FINGERPRINT,
        }

    def wrap(self, choices: list[dict[str, Any]], **extra: Any) -> dict[str, Any]:
        return {**self._common, "choices": choices, **extra}


def usage_body(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.num_prompt_tokens,
        "completion_tokens": usage.num_completion_tokens,
        "total_tokens": usage.num_prompt_tokens + usage.num_completion_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.num_cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.num_reasoning_tokens},
    }


def chat_choice(index: int, delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def delta_body(delta: Delta) -> dict[str, Any]:
    """A parsed piece as the `delta` of a chunk. Reasoning goes under both names that clients know."""
    if isinstance(delta, Content):
        return {"content": delta.text}
    if isinstance(delta, Reasoning):
        return {"reasoning_content": delta.text, "reasoning": delta.text}
    if isinstance(delta, ToolCallStart):
        function = {"name": delta.name, "arguments": ""}
        return {
            "tool_calls": [{"index": delta.index, "id": delta.id, "type": "function", "function": function}]
        }
    return {"tool_calls": [{"index": delta.index, "function": {"arguments": delta.text}}]}


def message_body(folded: dict[str, Any]) -> dict[str, Any]:
    """A whole message: `tool_calls` and reasoning only where there are any."""
    message = {"role": "assistant", "content": folded["content"], "refusal": None, "annotations": []}
    if "reasoning_content" in folded:
        message["reasoning_content"] = message["reasoning"] = folded["reasoning_content"]
    if "tool_calls" in folded:
        message["tool_calls"] = folded["tool_calls"]
    return message


def chat_logprobs(tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
    """`logprobs` of a chat choice: every token with its bytes and alternatives."""
    return {"content": [_token_logprob(token) for token in tokens], "refusal": None}


def _token_logprob(token: TokenLogprob) -> dict[str, Any]:
    top = [{"token": text, "logprob": logprob, "bytes": list(piece)} for text, logprob, piece in token.top]
    return {"token": token.token, "logprob": token.logprob, "bytes": list(token.piece), "top_logprobs": top}
