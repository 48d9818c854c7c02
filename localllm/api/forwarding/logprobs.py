"""Log-probabilities as other servers send them → the ones of our engine. What is malformed is left out."""

from __future__ import annotations

from typing import Any

from localllm.engine.messages import TokenLogprob

Top = list[tuple[str, float, bytes]]


def read_chat_logprobs(given: Any) -> list[TokenLogprob] | None:
    """`choices[].logprobs` of a chat chunk; None where there are none."""
    content = given.get("content") if isinstance(given, dict) else None
    if not isinstance(content, list):
        return None
    return [
        TokenLogprob(0, row["token"], _piece(row), _number(row["logprob"]), _top(row.get("top_logprobs")))
        for row in content
        if _is_token(row)
    ] or None


def read_text_logprobs(given: Any) -> list[TokenLogprob] | None:
    """`choices[].logprobs` of a completion: parallel lists."""
    if not isinstance(given, dict):
        return None
    tokens, values, tops = (given.get(name) for name in ("tokens", "token_logprobs", "top_logprobs"))
    if not isinstance(tokens, list) or not isinstance(values, list) or len(tokens) != len(values):
        return read_chat_logprobs(given)
    tops = tops if isinstance(tops, list) and len(tops) == len(tokens) else [None] * len(tokens)
    return [
        TokenLogprob(0, str(token), str(token).encode(), _number(value), _text_top(top))
        for token, value, top in zip(tokens, values, tops, strict=True)
    ] or None


def _is_token(row: Any) -> bool:
    return isinstance(row, dict) and isinstance(row.get("token"), str) and _is_number(row.get("logprob"))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> float:
    return float(value) if _is_number(value) else 0.0  # the first token of an echoed prompt has none


def _piece(row: dict[str, Any]) -> bytes:
    given = row.get("bytes")
    if isinstance(given, list) and all(type(byte) is int and 0 <= byte < 256 for byte in given):
        return bytes(given)
    return str(row["token"]).encode()


def _top(given: Any) -> Top:
    rows = given if isinstance(given, list) else []
    return [(row["token"], _number(row["logprob"]), _piece(row)) for row in rows if _is_token(row)]


def _text_top(given: Any) -> Top:
    pairs = given.items() if isinstance(given, dict) else ()
    return [(text, float(value), text.encode()) for text, value in pairs if _is_number(value)]
