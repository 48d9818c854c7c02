"""Which requests may wait: what a client does for itself in the background, behind what a person is reading.

A request says so by the header `x-priority: background` or OpenAI's `service_tier: "flex"`. Open WebUI says nothing,
but its title, tag, follow-up and autocomplete requests have a shape of their own: one user message that begins with
`### Task:`, not streamed (routers/tasks.py, config.py of 0.12.4).
"""

from __future__ import annotations

from typing import Any

from localllm.engine.messages import Priority

TASK_BEGINS = "### Task:"


def read_priority(header: str | None, service_tier: str | None, messages: Any, *, stream: bool) -> Priority:
    """The header wins in both directions: `x-priority: chat` makes any request an ordinary one."""
    if header is not None and header.strip().lower() in ("chat", "background"):
        return "background" if header.strip().lower() == "background" else "chat"
    if service_tier == "flex" or (not stream and _is_own_task(messages)):
        return "background"
    return "chat"


def _is_own_task(messages: Any) -> bool:
    if not isinstance(messages, list) or len(messages) != 1 or not isinstance(messages[0], dict):
        return False
    content = messages[0].get("content")
    is_user = messages[0].get("role") == "user"
    return is_user and isinstance(content, str) and content.lstrip().startswith(TASK_BEGINS)
