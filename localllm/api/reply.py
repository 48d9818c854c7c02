"""From an answer to its HTTP response, streamed or whole: one place that prepares, replies and always lets go.

Knows no wire format: the endpoint gives the source of a stream and the body of a whole answer.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any, Literal, Protocol

from flask import Response, request

from localllm import facts
from localllm.api import connections, sse
from localllm.api.counts import Rhythm, Usage
from localllm.api.envelope import json_response
from localllm.api.job import Services
from localllm.api.request_log import KEY as RECORD
from localllm.api.request_log import Record
from localllm.config import Config
from localllm.errors import ModelNotFound
from localllm.models.entry import GUIDE, Entry
from localllm.models.place import Status

Task = Literal["text", "embedding", "reranking"]
HEADERS_WITHIN_S = 5.0  # a model that takes longer to load is waited for inside the stream, with pings


class Answer(Protocol):
    """What can be prepared and must be let go: a Job, or a ChatAnswer around one."""

    @property
    def model_id(self) -> str: ...
    @property
    def rhythm(self) -> Rhythm: ...
    def prepare(self, timeout_s: float | None = None) -> bool: ...
    def usage(self) -> Usage: ...
    def headers(self) -> dict[str, str]: ...
    def cancel(self) -> None: ...
    def abandon(self) -> None: ...
    def loading_note(self) -> sse.Note: ...


def streamed(
    answer: Answer, source: Callable[[], sse.Source], config: Config, dialect: sse.Dialect | None = None
) -> Response:
    """Errors before the first header are raised, so they get their own status."""
    let_go = _let_go(answer)
    _abandon_on_hangup(answer)
    try:
        answer.prepare(HEADERS_WITHIN_S)
        frames = _after_loading(answer, source)
        response = sse.respond(frames, let_go, ping_interval_s=config.ping_interval_s, dialect=dialect)
        response.headers.update(answer.headers())
        return response
    except BaseException:
        let_go()
        raise


def _after_loading(answer: Answer, source: Callable[[], sse.Source]) -> sse.Source:
    while not answer.prepare(1.0):
        yield answer.loading_note()
    yield from source()


def whole(answer: Answer, body: Callable[[], dict[str, Any]]) -> Response:
    """The body as JSON, once everything has been generated."""
    _abandon_on_hangup(answer)
    try:
        answer.prepare()
        response = json_response(body())
        response.headers.update(answer.headers())
        return response
    finally:
        _let_go(answer)()


def _abandon_on_hangup(answer: Answer) -> None:
    """Not only at the next token: until then the engine would compute for nobody, beside the next request.

    By a thread of its own: an engine that was stopped may take no command, and the server's loop waits for nobody.
    Where the system has no thread left, it is seen at the next token after all.
    """

    def abandon() -> None:
        with contextlib.suppress(RuntimeError):
            threading.Thread(target=answer.abandon, name="hang-up", daemon=True).start()

    on_hangup = request.environ.get(connections.ON_HANGUP)
    if on_hangup is not None:
        on_hangup(abandon)


def _let_go(answer: Answer) -> Callable[[], None]:
    """Ends the answer, and tells the request log what it cost."""
    record: Record | None = request.environ.get(RECORD)

    def let_go() -> None:
        answer.cancel()
        if record is not None:
            record.model, record.usage = answer.model_id, answer.usage()
            record.first_token_s = answer.rhythm.first_token_s
            record.longest_gap_s = answer.rhythm.longest_gap_s

    return let_go


def model_name(asked: str | None, services: Services, task: Task = "text") -> str:
    """The name that the request gives; without one the configured model, or the best guess for the task.

    With `serve_any_name` a name that nothing has is none. Raises ModelNotFound where no model is here.
    """
    if asked and not (services.config.serve_any_name and _is_unknown(asked, services)):
        return asked
    if services.config.model:
        return services.config.model
    return _best_guess(services.pool.statuses(), task)


def _best_guess(statuses: list[tuple[Entry, Status]], task: Task) -> str:
    """A model of the kind that runs here, loaded if there is one, else the catalog's first; the guide after all others.

    One that another server runs comes last: without being named it gets nobody's texts while there is another.
    """

    def rank(known: tuple[Entry, Status]) -> tuple[bool, ...]:
        entry, status = known
        is_unfit = task != (entry.kind if entry.is_embedding else "text")
        return is_unfit, entry.is_forwarded, entry.source == GUIDE.source, status != "loaded"

    if not statuses:
        raise ModelNotFound(f"There is no model here yet: download one with `{facts.PULL}`.", param="model")
    return min(statuses, key=rank)[0].id


def _is_unknown(name: str, services: Services) -> bool:
    try:
        services.pool.catalog.find(name)
    except ModelNotFound:
        return True
    return False
