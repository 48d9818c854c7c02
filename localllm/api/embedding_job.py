"""Texts → vectors through the pool: in small groups, so that others get their turn and a client that left is noticed.

Knows no endpoint.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from localllm.api.job import Services, poll_client
from localllm.errors import InvalidRequest
from localllm.models.model import Model

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

GROUP = 64
INPUT = re.compile(r"input\[(\d+)\]")
Prompt = str | list[int]
Vectors: TypeAlias = "list[npt.NDArray[np.float32]]"


class EmbeddingJob:
    """The model, held, and the count of what was embedded."""

    def __init__(self, model: Model, poll: Callable[[], None]) -> None:
        self.model = model
        self.num_tokens = 0
        self._poll = poll

    def embed(self, prompts: Sequence[Prompt], param: str = "input") -> Vectors:
        """One vector per prompt, in order. Raises InvalidRequest (of `param`), EngineDied, ClientGone."""
        vectors: Vectors = []
        for start in range(0, len(prompts), GROUP):
            self._poll()
            try:
                group, num_tokens = self.model.engine.embed(prompts[start : start + GROUP])
            except InvalidRequest as e:
                raise _told_of(e, param, start) from e
            vectors += group
            self.num_tokens += num_tokens
        return vectors


def _told_of(error: InvalidRequest, param: str, start: int) -> InvalidRequest:
    """The engine's error in the words of the request: it knows a group from `start` on, and calls each one input."""
    if error.param == "prompt":
        return InvalidRequest(error.message, param=param, code=error.code)
    found = INPUT.fullmatch(error.param or "")
    if found is None:
        return error
    index = start + int(found[1])
    message = error.message.removeprefix(f"Input {found[1]} ")
    return InvalidRequest(f"`{param}[{index}]` {message}", param=f"{param}[{index}]", code=error.code)


@contextmanager
def embedding_job(services: Services, model_id: str, is_gone: Callable[[], bool]) -> Iterator[EmbeddingJob]:
    """Raises Busy where too many requests are under way, and what loading the model raises."""
    services.admission.enter()
    poll = poll_client(is_gone)
    try:
        with services.pool.use(model_id, poll=poll) as model:
            yield EmbeddingJob(model, poll)
    finally:
        services.admission.leave()
