"""`logprobs` as the older completions API has it: parallel lists, with the place of each token in the text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from localllm.engine.messages import TokenLogprob


class TextLogprobs:
    """Of one choice. `offset`: how many characters stand before its first token (an echoed prompt)."""

    def __init__(self, offset: int = 0) -> None:
        self._first = self._offset = offset
        self._tokens: list[TokenLogprob] = []

    @property
    def mean(self) -> float:
        """Mean log-probability per token; minus infinity without tokens."""
        if not self._tokens:
            return -math.inf
        return sum(token.logprob for token in self._tokens) / len(self._tokens)

    def add(self, tokens: Sequence[TokenLogprob]) -> None:
        self._tokens += tokens

    def all(self) -> dict[str, Any]:
        """Everything that was added."""
        self._offset = self._first
        return self._lists(self._tokens)

    def body(self, tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
        """The next tokens of a stream."""
        return self._lists(tokens)

    def _lists(self, tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
        offsets = []
        for token in tokens:
            offsets.append(self._offset)
            self._offset += len(token.token)
        return {
            "tokens": [token.token for token in tokens],
            "token_logprobs": [token.logprob for token in tokens],
            "top_logprobs": [{text: logprob for text, logprob, _ in token.top} for token in tokens],
            "text_offset": offsets,
        }
