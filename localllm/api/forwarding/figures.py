"""What another server says its answer cost, and an estimate, marked as one, where it does not say.

Knows chunks, and nothing of text.
"""

from __future__ import annotations

from typing import Any

from localllm import errors
from localllm.api.counts import Usage

CHARS_PER_TOKEN = 4


class Figures:
    """Of one request, collected from its payloads."""

    def __init__(self) -> None:
        self.num_pieces = 0  # pieces of text that were read
        self.has_choices = False
        self._usage: dict[str, Any] = {}
        self._timings: dict[str, Any] = {}

    @property
    def is_estimated(self) -> bool:
        """The server said nothing."""
        return not self._usage

    @property
    def timings(self) -> dict[str, Any]:
        """{"timings": …} where the server sends llama.cpp's."""
        return {"timings": self._timings} if self._timings else {}

    @property
    def remarks(self) -> dict[str, Any]:
        """{"usage_estimated": true} where it is."""
        return {"usage_estimated": True} if self.is_estimated else {}

    def take(self, payload: Any) -> None:
        """Look at one payload. The last usage counts: some servers send it with every chunk, growing."""
        if not isinstance(payload, dict):
            return
        usage, timings = payload.get("usage"), payload.get("timings")
        if isinstance(usage, dict) and _count(usage, "prompt_tokens") is not None:
            self._usage = usage
        if isinstance(timings, dict) and timings:
            self._timings = timings
        self.has_choices |= bool(payload.get("choices"))

    def check_end(self, who: str, *, is_complete: bool) -> None:
        """Raises UpstreamFailed where an answer without a finish_reason was cut off, or was none."""
        if not self.has_choices:
            raise errors.UpstreamFailed(f"The server {who} sent something that is no answer.")
        if not is_complete:
            raise errors.UpstreamFailed(f"The server {who} ended in the middle of its answer.")

    def usage(self, num_prompt_chars: int) -> Usage:
        """As the server counted, in whole numbers; else a quarter of the characters, and a token for each piece."""
        if not self._usage:
            num_prompt = -(-num_prompt_chars // CHARS_PER_TOKEN)
            return Usage(num_prompt, 0, self.num_pieces)
        prompt, completion = (_count(self._usage, f"{kind}_tokens") or 0 for kind in ("prompt", "completion"))
        cached = _detail(self._usage, "prompt_tokens_details", "cached_tokens")
        reasoning = _detail(self._usage, "completion_tokens_details", "reasoning_tokens")
        return Usage(prompt, min(cached, prompt), completion, min(reasoning, completion))


def _count(usage: dict[str, Any], name: str) -> int | None:
    value = usage.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or value != value:
        return None
    return int(min(value, 2**53))


def _detail(usage: dict[str, Any], group: str, name: str) -> int:
    details = usage.get(group)
    return (_count(details, name) or 0) if isinstance(details, dict) else 0
