"""POST /v1/rerank: how well each document answers a query, in the shape of Jina, Cohere and llama.cpp."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, Response

from localllm.api import fields, reply, sse
from localllm.api.embedding_job import Prompt, embedding_job
from localllm.api.envelope import json_response
from localllm.api.fields import Fields
from localllm.api.forwarding.vectors import fetch_scores
from localllm.api.job import Services
from localllm.errors import InvalidRequest
from localllm.models.model import Model

MAX_DOCUMENTS = 8192
PLACE = re.compile(r"\{(?:query|document)\}")


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("rerank", __name__)

    @routes.post("/rerank")
    @routes.post("/reranking")
    def create() -> Response:
        body = fields.json_body()
        name = reply.model_name(body.text("model"), services, "reranking")
        query, documents = read_query(body), read_documents(body)
        top_n = body.integer("top_n", 1) or len(documents)
        entry = services.pool.catalog.find(name)
        if entry.is_forwarded:
            scores, num_tokens = fetch_scores(services, entry, query, documents, sse.client_gone())
        else:
            with embedding_job(services, name, sse.client_gone()) as job:
                _check_is_reranker(job.model, name)
                scores = [float(v[0]) for v in job.embed(pairs(job.model, query, documents), "documents")]
                num_tokens = job.num_tokens
        best = sorted(range(len(documents)), key=lambda index: -scores[index])[:top_n]
        returns_texts = body.flag("return_documents")
        results = [
            result(index, scores[index], documents[index] if returns_texts else None) for index in best
        ]
        usage = {"prompt_tokens": num_tokens, "total_tokens": num_tokens}
        return json_response({"object": "list", "model": name, "results": results, "usage": usage})

    return routes


def read_query(body: Fields) -> str:
    query = body.text("query")
    if query is None:
        raise InvalidRequest(
            "`query` is missing; it is the text to compare the documents with.", param="query"
        )
    return query


def read_documents(body: Fields) -> list[str]:
    """Texts, or objects with a `text`."""
    given = body.items("documents")
    if not 0 < len(given) <= MAX_DOCUMENTS:
        raise InvalidRequest(f"`documents` must hold 1 to {MAX_DOCUMENTS} texts.", param="documents")
    texts = [item.get("text") if isinstance(item, dict) else item for item in given]
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            where = f"documents[{index}]"
            raise InvalidRequest(
                f"`{where}` must be text, or an object with a text.", param=where, code="invalid_type"
            )
    return [str(text) for text in texts]


def _check_is_reranker(model: Model, name: str) -> None:
    if model.info.pooling != "rank":
        raise InvalidRequest(
            f'The model "{name}" is no reranker. Choose one whose entry has kind = "reranking".',
            param="model",
        )


def pairs(model: Model, query: str, documents: list[str]) -> list[Prompt]:
    """Query and each document in one prompt, as this reranker was trained to see them."""
    info, tokenize = model.info, model.engine.tokenize
    if info.rerank_template is not None:
        texts = [_filled(info.rerank_template, query, document) for document in documents]
        return [tokenize(text, parse_special=True) for text in texts]
    begin, between, end = info.pair_tokens
    before = [*begin, *tokenize(query, parse_special=False), *between]
    return [[*before, *tokenize(document, parse_special=False), *end] for document in documents]


def _filled(template: str, query: str, document: str) -> str:
    """In one step, so that a query which contains "{document}" stays what it is."""
    values = {"{query}": query, "{document}": document}
    return PLACE.sub(lambda found: values[found[0]], template)


def result(index: int, score: float, document: str | None) -> dict[str, Any]:
    found: dict[str, Any] = {"index": index, "relevance_score": score}
    return found if document is None else found | {"document": {"text": document}}
