"""Markers of an output format in a Lark grammar → token ids, where the vocabulary has them as tokens of their own.

The chat room, which knows no vocabulary, writes each marker as a rule of its own: `mark_0: "<tool_call>"`, or
`upto_1[suffix="</think>"]: /(?s:.*)/` for any text and the marker after it. To llguidance a control token is never
text, so the rule must name the token: `mark_0: <[151657]>`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import llguidance

_MARK = re.compile(r'^(mark_\d+): ("(?:[^"\\]|\\.)*")$', re.MULTILINE)
_UPTO = re.compile(r'^(upto_\d+)\[suffix=("(?:[^"\\]|\\.)*")\]: (.+)$', re.MULTILINE)


def with_token_ids(grammar: str, tokenizer: llguidance.LLTokenizer) -> str:
    """The grammar for this vocabulary. Markers that are plain text in it stay as they are."""
    grammar = _MARK.sub(_replacing(tokenizer, lambda match, token: f"{match[1]}: {token}"), grammar)
    return _UPTO.sub(_replacing(tokenizer, lambda match, token: f"{match[1]}: {match[3]} {token}"), grammar)


def _replacing(
    tokenizer: llguidance.LLTokenizer, rewritten: Callable[[re.Match[str], str], str]
) -> Callable[[re.Match[str]], str]:
    def replace(match: re.Match[str]) -> str:
        ids = tokenizer.tokenize_str(json.loads(match[2]), parse_special=True)
        is_token = len(ids) == 1 and tokenizer.is_special_token(ids[0])
        return rewritten(match, f"<[{ids[0]}]>") if is_token else match[0]

    return replace
