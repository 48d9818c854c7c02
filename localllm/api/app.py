"""The Flask app: guard → routes → one error handler.

    app = create_app(pool, config)

Knows which blueprints there are, and nothing of what they do.
"""

from __future__ import annotations

from flask import Flask, Response, request

from localllm import errors
from localllm.api import (
    debug,
    downloads,
    envelope,
    guard,
    instance,
    model_control,
    monitoring,
    page,
    page_errors,
    page_figures,
    page_found,
    page_markdown,
    page_state,
    rerank,
    status,
    tokens,
)
from localllm.api.anthropic import messages
from localllm.api.job import Admission, Services
from localllm.api.openai import chat, completions, embeddings, models, responses
from localllm.api.request_log import RequestLog
from localllm.config import Config
from localllm.metrics import Metrics
from localllm.models.pool import Pool
from localllm.models.pulls import Pulls

API_ROUTES = (
    chat.blueprint,
    completions.blueprint,
    responses.blueprint,
    messages.blueprint,
    embeddings.blueprint,
    rerank.blueprint,
    models.blueprint,
    model_control.blueprint,
    downloads.blueprint,
    tokens.blueprint,
    status.blueprint,
)


def create_app(
    pool: Pool, config: Config, on_quit: page.QuitCallback | None = None, instance_token: str = ""
) -> Flask:
    """An app that serves the pool's models. Starts no engine: the first request of a model does.

    on_quit: ends the program; the page has a button for it where it is given. instance_token: by which a second
    start knows this one.
    """
    app = Flask("localllm.api", static_folder=None)
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    pulls = Pulls(pool.catalog, pool.paths, measure=pool.memory_for_one)
    services = Services(pool, config, Admission(config.num_http_threads), pulls)
    guard.install(app, config)
    for make_blueprint in API_ROUTES:
        routes = make_blueprint(services)
        app.register_blueprint(routes, url_prefix="/v1")
        app.register_blueprint(routes, name=f"{routes.name}-root")
    metrics = Metrics()
    app.register_blueprint(monitoring.blueprint(services, metrics))
    app.register_blueprint(debug.blueprint(services))
    app.register_blueprint(page.blueprint(services, on_quit))
    app.register_blueprint(instance.blueprint(instance_token))
    app.register_blueprint(page_state.blueprint(services))
    app.register_blueprint(page_figures.blueprint(services, page_errors.recent_errors()))
    app.register_blueprint(page_errors.blueprint(services))
    app.register_blueprint(page_found.blueprint(services))
    app.register_blueprint(page_markdown.blueprint())
    _install_not_found(app)
    envelope.install(app)
    app.wsgi_app = RequestLog(  # type: ignore[method-assign]
        app.wsgi_app, on_end=lambda record: metrics.observe(monitoring.request_figures(record))
    )
    return app


def _install_not_found(app: Flask) -> None:
    """Errors about the route itself name the request and say where to look."""

    @app.errorhandler(404)
    def not_found(_: Exception) -> Response:
        where = f"There is no {request.method} {request.path} here."
        if request.path.startswith("/api/"):
            advice = (
                "localllm does not speak Ollama's API: add it as an OpenAI connection, with the address "
                f"{request.host_url}v1 (in Open WebUI under Settings, Connections, OpenAI API)."
            )
        else:
            advice = "The API is OpenAI's, below /v1: for example /v1/chat/completions and /v1/models."
        return envelope.error_response(errors.NotFound(f"{where} {advice}", code="unknown_route"))
