"""Background work is recognised, and nothing else is taken for it."""

from __future__ import annotations

import pytest

from localllm.api.priority import read_priority

TITLE = [
    {
        "role": "user",
        "content": "### Task:\nGenerate a concise, 3-5 word title…\n<chat_history>…</chat_history>",
    }
]
CHAT = [{"role": "user", "content": "What is a task?"}]


@pytest.mark.parametrize(
    ("header", "tier", "messages", "stream", "expected"),
    [
        (None, None, CHAT, False, "chat"),
        (None, None, TITLE, False, "background"),
        (None, None, TITLE, True, "chat"),
        (None, None, [*TITLE, *CHAT], False, "chat"),
        (None, None, [{"role": "system", "content": TITLE[0]["content"]}], False, "chat"),
        (None, "flex", CHAT, True, "background"),
        ("background", None, CHAT, True, "background"),
        (" Background ", None, CHAT, True, "background"),
        ("chat", "flex", TITLE, False, "chat"),
        ("urgent", None, CHAT, False, "chat"),
        (None, None, None, False, "chat"),
        (None, None, ["### Task:"], False, "chat"),
    ],
)
def test_what_waits_behind_chats(header, tier, messages, stream, expected):
    """The header says it, OpenAI's flex tier says it, or the request has the shape of Open WebUI's own tasks."""
    assert read_priority(header, tier, messages, stream=stream) == expected
