"""POST /page/markdown: texts → HTML for the page. Knows no Markdown: page_html.py does."""

from __future__ import annotations

from flask import Blueprint, Response

from localllm.api import fields
from localllm.api.envelope import json_response

MAX_TEXTS = 200


def blueprint() -> Blueprint:
    routes = Blueprint("page_markdown", __name__)

    @routes.post("/page/markdown")
    def markdown() -> Response:
        from localllm.api.page_html import render  # a tenth of a second that no start should wait for

        body = fields.json_body()
        texts = body.items("texts")
        if len(texts) > MAX_TEXTS or not all(isinstance(text, str) for text in texts):
            raise body.wrong("texts", f"a list of at most {MAX_TEXTS} texts")
        return json_response({"texts": [render(text) for text in texts]})

    return routes
