"""POST /tokenize, /detokenize and /apply-template, in llama.cpp's shapes: what a model makes of a text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Blueprint, Response

from localllm import errors
from localllm.api import fields, reply, sse
from localllm.api.chat_prompt import render
from localllm.api.chat_request import read_chat_request
from localllm.api.envelope import json_response
from localllm.api.fields import Fields
from localllm.api.job import Services, poll_client
from localllm.models.model import Model


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("tokens", __name__)

    @routes.post("/tokenize")
    def tokenize() -> Response:
        body = fields.json_body()
        text = _required_text(body, "content")
        with _model(services, body) as model:
            ids = model.engine.tokenize(
                text, add_special=body.flag("add_special"), parse_special=body.flag("parse_special", True)
            )
            if body.flag("with_pieces"):
                return json_response({"tokens": _with_pieces(ids, model.engine.pieces(ids))})
        return json_response({"tokens": ids})

    @routes.post("/detokenize")
    def detokenize() -> Response:
        body = fields.json_body()
        ids = body.items("tokens")
        if not all(type(token_id) is int for token_id in ids):
            raise body.wrong("tokens", "a list of token ids")
        with _model(services, body) as model:
            return json_response({"content": model.engine.detokenize(ids)})

    @routes.post("/apply-template")
    def apply_template() -> Response:
        body = fields.json_body()
        with _model(services, body) as model:
            return json_response({"prompt": render(model, read_chat_request(body, model.id, model.sampling))})

    return routes


@contextmanager
def _model(services: Services, body: Fields) -> Iterator[Model]:
    """The model the request names, loaded, for as long as the block runs."""
    poll = poll_client(sse.client_gone())
    with services.pool.use(reply.model_name(body.text("model"), services), poll=poll) as model:
        yield model


def _required_text(body: Fields, name: str) -> str:
    text = body.text(name)
    if text is None:
        raise errors.InvalidRequest(f"`{name}` is missing; it is the text.", param=name)
    return text


def _with_pieces(ids: list[int], pieces: list[bytes]) -> list[dict[str, Any]]:
    """Each token with its text; with its bytes where they are no whole characters."""
    return [{"id": token_id, "piece": _piece(piece)} for token_id, piece in zip(ids, pieces, strict=True)]


def _piece(piece: bytes) -> str | list[int]:
    try:
        return piece.decode("utf-8")
    except UnicodeDecodeError:
        return list(piece)
