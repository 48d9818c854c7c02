"""How many tokens a request's prompt has, without answering it: for the endpoints that only count.

Knows no wire format.
"""

from __future__ import annotations

from collections.abc import Callable

from localllm.api.chat_prompt import render
from localllm.api.chat_request import ChatRequest
from localllm.api.job import Services, poll_client


def num_prompt_tokens(services: Services, request: ChatRequest, is_gone: Callable[[], bool]) -> int:
    """Exactly what the usage of the same request would say. Loads the model where it is not."""
    with services.pool.use(request.model, poll=poll_client(is_gone)) as model:
        return len(model.engine.tokenize(render(model, request)))
