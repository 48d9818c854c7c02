"""Errors as Anthropic's clients read them, on Anthropic's routes. Pure: knows no Flask and no stream."""

from __future__ import annotations

import re
from typing import Any

from localllm.errors import ContextLengthExceeded, LocalllmError

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}
_ROUTE = re.compile(r"(/v1)?/messages(/.*)?")
# OpenAI's wording, which is fixed by its clients as well (see ContextLengthExceeded in the engine)
_OVERFLOW = re.compile(r"maximum context length is (\d+) tokens.*\((\d+) in the messages", re.DOTALL)


def is_anthropic_route(path: str) -> bool:
    """Whether a request for this path expects Anthropic's envelope."""
    return _ROUTE.fullmatch(path) is not None


def error_body(error: LocalllmError) -> dict[str, Any]:
    """`{"type": "error", "error": {type, message}}`."""
    default = "api_error" if error.status >= 500 else "invalid_request_error"
    kind = TYPES.get(error.status, default)
    return {"type": "error", "error": {"type": kind, "message": _message(error)}}


def _message(error: LocalllmError) -> str:
    """Claude Code compacts its history when it reads "prompt is too long"."""
    if not isinstance(error, ContextLengthExceeded):
        return error.message
    found = _OVERFLOW.search(error.message)
    if found is None:
        return f"prompt is too long: {error.message}"
    return f"prompt is too long: {found[2]} tokens > {found[1]} maximum"
