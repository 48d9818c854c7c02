"""POST /v1/embeddings: texts or token ids → vectors, in the order of the input."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from flask import Blueprint, Response

from localllm.api import fields, reply, sse
from localllm.api.embedding_job import Prompt, embedding_job
from localllm.api.envelope import json_response
from localllm.api.fields import Fields
from localllm.api.forwarding.vectors import fetch_vectors
from localllm.api.job import Services
from localllm.errors import InvalidRequest

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MAX_INPUTS = 8192
Vector: TypeAlias = "npt.NDArray[np.float32]"


class EmbeddingRequest(msgspec.Struct, frozen=True):
    """dimensions: the first so many numbers of each vector, for models that were trained so; None for all."""

    inputs: list[Prompt]
    is_base64: bool = False
    dimensions: int | None = None


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("embeddings", __name__)

    @routes.post("/embeddings")
    def create() -> Response:
        body = fields.json_body()
        name = reply.model_name(body.text("model"), services, "embedding")
        request = read_embedding_request(body)
        entry = services.pool.catalog.find(name)
        if entry.is_forwarded:
            found = fetch_vectors(services, entry, request.inputs, request.dimensions, sse.client_gone())
            remarks = {"usage_estimated": True} if found.is_estimated else {}
            return json_response(_body(request, name, found.vectors, found.num_tokens) | remarks)
        with embedding_job(services, name, sse.client_gone()) as job:
            _check_is_embedding(job.model.info.pooling, name)
            _check_dimensions(request, job.model.info.n_embd)
            vectors = [shortened(vector, request.dimensions) for vector in job.embed(request.inputs)]
        return json_response(_body(request, name, vectors, job.num_tokens))

    return routes


def _body(request: EmbeddingRequest, name: str, vectors: Sequence[Vector], num_tokens: int) -> dict[str, Any]:
    data = [
        {"object": "embedding", "index": index, "embedding": encoded(vector, request.is_base64)}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": num_tokens, "total_tokens": num_tokens}
    return {"object": "list", "model": name, "data": data, "usage": usage}


def read_embedding_request(body: Fields) -> EmbeddingRequest:
    return EmbeddingRequest(
        inputs=read_inputs(body),
        is_base64=body.choice("encoding_format", ("float", "base64")) == "base64",
        dimensions=body.integer("dimensions", 1),
    )


def read_inputs(body: Fields) -> list[Prompt]:
    """`input`: a text, a list of texts, token ids, or lists of token ids."""
    value = body.raw("input")
    if isinstance(value, str) or _is_token_ids(value):
        value = [value]
    if not isinstance(value, list) or not value:
        raise InvalidRequest(
            "`input` must be text, token ids, or a list of either, and not empty.",
            param="input",
            code="invalid_type",
        )
    if len(value) > MAX_INPUTS:
        raise InvalidRequest(f"`input` may hold {MAX_INPUTS} texts at most.", param="input")
    for index, item in enumerate(value):
        if not isinstance(item, str) and not _is_token_ids(item):
            where = f"input[{index}]"
            raise InvalidRequest(f"`{where}` must be text or token ids.", param=where, code="invalid_type")
    return value


def _is_token_ids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(item) is int for item in value)


def _check_is_embedding(pooling: str, name: str) -> None:
    if pooling == "rank":
        raise InvalidRequest(
            f'The model "{name}" scores documents and makes no embeddings. Send it to /v1/rerank.',
            param="model",
        )


def _check_dimensions(request: EmbeddingRequest, n_embd: int) -> None:
    if request.dimensions is not None and request.dimensions > n_embd:
        raise InvalidRequest(f"`dimensions` may be {n_embd} at most with this model.", param="dimensions")


def shortened(vector: Vector, dimensions: int | None) -> Vector:
    """The first numbers, of length one again."""
    if dimensions is None or dimensions >= len(vector):
        return vector
    first = vector[:dimensions]
    norm = float(first @ first) ** 0.5
    return (first / norm).astype("<f4") if norm else first


def encoded(vector: Vector, is_base64: bool) -> str | list[float]:
    """Little-endian float32 as base64, which both SDKs ask for by default; or numbers."""
    if is_base64:
        return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    numbers: list[float] = vector.tolist()
    return numbers
