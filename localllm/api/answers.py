"""Who answers a chat request: an engine of ours, or another server that the model's entry forwards to.

Knows no wire format: both have the same face.
"""

from __future__ import annotations

from collections.abc import Callable

from localllm.api.chat_core import ChatAnswer
from localllm.api.chat_request import ChatRequest
from localllm.api.forwarding.chat import ForwardedChat
from localllm.api.job import Services

AnyChatAnswer = ChatAnswer | ForwardedChat


def chat_answer(services: Services, request: ChatRequest, is_gone: Callable[[], bool]) -> AnyChatAnswer:
    """Raises ModelNotFound, and Busy where too many requests are under way."""
    entry = services.pool.catalog.find(request.model)
    if entry.is_forwarded:
        return ForwardedChat(services, entry, request, is_gone)
    return ChatAnswer(services, request, is_gone)
