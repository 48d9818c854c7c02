"""Texts → vectors through the pool: in small groups, so that others get their turn and a client that left is noticed.

Knows no endpoint.
"""

from __future__ import annotations

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
Prompt = str | list[int]
Vectors: TypeAlias = "list[npt.NDArray[np.float32]]"


class EmbeddingJob:
    """The model, held, and the count of what was embedded."""

    def __init__(self, model: Model, poll: Callable[[], None]) -> None:
        self.model = model
        self.num_tokens = 0
        self._poll = poll

    def embed(self, prompts: Sequence[Prompt]) -> Vectors:
        """One vector per prompt, in order. Raises InvalidRequest, EngineDied, ClientGone."""
        vectors: Vectors = []
        for start in range(0, len(prompts), GROUP):
            self._poll()
            group, num_tokens = self._embed_group(prompts[start : start + GROUP])
            vectors += group
            self.num_tokens += num_tokens
        return vectors

    def _embed_group(self, prompts: Sequence[Prompt]) -> tuple[Vectors, int]:
        try:
            return self.model.engine.embed(prompts)
        except InvalidRequest as e:
            if e.param == "prompt":  # the engine's word for what this API calls input
                raise InvalidRequest(e.message, param="input", code=e.code) from e
            raise


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
