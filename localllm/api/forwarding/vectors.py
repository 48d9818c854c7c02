"""What another server says in one JSON body: vectors, scores, counts of tokens.

Vectors come in the order of the inputs, as numbers or base64, whatever was asked for. Knows no route.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from localllm import errors
from localllm.api.forwarding.body import model_there
from localllm.api.forwarding.figures import CHARS_PER_TOKEN
from localllm.api.forwarding.job import upstream_of, via
from localllm.api.job import Services, poll_client
from localllm.models.entry import Entry

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Vector: TypeAlias = "npt.NDArray[np.float32]"


@dataclass(frozen=True)
class Vectors:
    """One vector for each input. is_estimated: the server did not say how many tokens it read."""

    vectors: list[Vector]
    num_tokens: int
    is_estimated: bool


def fetch(
    services: Services, entry: Entry, path: str, body: dict[str, Any], is_gone: Callable[[], bool]
) -> dict[str, Any]:
    """The other server's answer to the body, under its own name for the model. Raises Busy, UpstreamFailed, …"""
    services.admission.enter()
    try:
        upstream = upstream_of(services, entry)
        sent = {key: value for key, value in body.items() if value is not None} | {
            "model": model_there(entry)
        }
        answer = upstream.fetch(path, sent, poll=poll_client(is_gone), via=via())
    finally:
        services.admission.leave()
    if isinstance(answer, list):  # a bare list is what it lists
        answer = {"data": answer, "results": answer}
    if not isinstance(answer, dict):
        raise _odd(entry, "something that is no JSON object")
    return answer


def fetch_vectors(
    services: Services,
    entry: Entry,
    inputs: Sequence[str | list[int]],
    dimensions: int | None,
    is_gone: Callable[[], bool],
) -> Vectors:
    """Raises UpstreamFailed where there is not one vector for each input."""
    body = {"input": list(inputs), "encoding_format": "float", "dimensions": dimensions}
    answer = fetch(services, entry, "/embeddings", body, is_gone)
    rows = answer.get("data") or answer.get("embeddings")
    vectors = _vectors(rows) if isinstance(rows, list) else []
    if len(vectors) != len(inputs) or len({len(vector) for vector in vectors}) != 1:
        raise _odd(entry, f"{len(vectors)} vectors for {len(inputs)} texts")
    usage = answer.get("usage")
    num_tokens = usage.get("prompt_tokens") or usage.get("total_tokens") if isinstance(usage, dict) else None
    if isinstance(num_tokens, int) and not isinstance(num_tokens, bool) and num_tokens > 0:
        return Vectors(vectors, num_tokens, is_estimated=False)
    return Vectors(vectors, sum(map(_num_tokens, inputs)), is_estimated=True)


def fetch_scores(
    services: Services, entry: Entry, query: str, documents: Sequence[str], is_gone: Callable[[], bool]
) -> tuple[list[float], int]:
    """A score for each document, and the tokens that were read (0: the server did not say). Raises UpstreamFailed."""
    body = {"query": query, "documents": list(documents), "top_n": len(documents)}
    answer = fetch(services, entry, "/rerank", body, is_gone)
    scores: dict[int, float] = {}
    rows = answer.get("results") or answer.get("data")
    for row in rows if isinstance(rows, list) else ():
        score = row.get("relevance_score", row.get("score")) if isinstance(row, dict) else None
        if isinstance(score, int | float) and isinstance(index := row.get("index"), int):
            scores[index] = float(score)
    if sorted(scores) != list(range(len(documents))):
        raise _odd(entry, f"{len(scores)} scores for {len(documents)} documents")
    usage = answer.get("usage")
    num_tokens = usage.get("total_tokens") if isinstance(usage, dict) else None
    return [scores[i] for i in range(len(documents))], num_tokens if isinstance(num_tokens, int) else 0


def fetch_num_tokens(
    services: Services, entry: Entry, path: str, body: dict[str, Any], is_gone: Callable[[], bool]
) -> int:
    """How many tokens the other server counts in the request. Raises what it answers where it cannot count."""
    num_tokens = fetch(services, entry, path, body, is_gone).get("input_tokens")
    if not isinstance(num_tokens, int) or isinstance(num_tokens, bool):
        raise _odd(entry, "no input_tokens")
    return num_tokens


def _vectors(rows: list[Any]) -> list[Vector]:
    """In the order of their index, where every row has one."""
    if all(isinstance(row, dict) and isinstance(row.get("index"), int) for row in rows):
        rows = sorted(rows, key=lambda row: int(row["index"]))
    found = [_vector(row.get("embedding") if isinstance(row, dict) else row) for row in rows]
    return [vector for vector in found if vector is not None]


def _vector(given: Any) -> Vector | None:
    import numpy as np  # not at the start: it takes a tenth of a second

    try:
        if isinstance(given, str):
            return np.frombuffer(base64.b64decode(given, validate=True), dtype="<f4")
        vector = np.asarray(given, dtype=np.float32)
    except (ValueError, TypeError, binascii.Error):
        return None
    vector = (
        vector[0] if vector.ndim == 2 and len(vector) == 1 else vector
    )  # llama.cpp's own route nests them
    return vector if vector.ndim == 1 and len(vector) else None


def _num_tokens(text: str | list[int]) -> int:
    return -(-len(text) // CHARS_PER_TOKEN) if isinstance(text, str) else len(text)


def _odd(entry: Entry, what: str) -> errors.UpstreamFailed:
    assert entry.upstream is not None
    who = entry.upstream.addresses[0].url
    return errors.UpstreamFailed(f"The server {who} sent {what}.", retry=False)
