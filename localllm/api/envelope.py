"""Errors on the wire: OpenAI's envelope as application/json (Anthropic's on its routes), with the headers that tell
clients whether to retry.

Knows no route and no model. Everything that is not a 2xx passes through here, pages of Flask included.
"""

from __future__ import annotations

import errno
import logging
from typing import Any, TypeGuard

import msgspec
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from localllm import errors
from localllm.api.anthropic import errors as anthropic_errors

log = logging.getLogger(__name__)

SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EFBIG})

_FROM_STATUS: dict[int, type[errors.LocalllmError]] = {
    400: errors.InvalidRequest,
    401: errors.Unauthorized,
    403: errors.Forbidden,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    413: errors.BodyTooLarge,
    415: errors.UnsupportedMediaType,
    429: errors.Busy,
    503: errors.NotReady,
}


def json_response(body: Any, status: int = 200) -> Response:
    """`body` as exactly `application/json`."""
    return Response(msgspec.json.encode(body), status=status, content_type="application/json")


def error_body(error: errors.LocalllmError) -> dict[str, Any]:
    """`{"error": {message, type, param, code}}`; all four are always there, because SDKs read all four."""
    return {
        "error": {"message": error.message, "type": error.type, "param": error.param, "code": error.code},
    }


def body_for(path: str, error: errors.LocalllmError) -> dict[str, Any]:
    """The error as the clients of this path read it."""
    if anthropic_errors.is_anthropic_route(path):
        return anthropic_errors.error_body(error)
    return error_body(error)


def retry_headers(error: errors.LocalllmError) -> dict[str, str]:
    """Both SDKs try again on 408, 409, 429 and every 5xx unless told that it is of no use."""
    if error.retry_after_s is not None:
        return {"Retry-After": str(error.retry_after_s)}
    return {"x-should-retry": "false"}


def error_response(error: errors.LocalllmError) -> Response:
    response = json_response(body_for(request.path, error), error.status)
    response.headers.update(retry_headers(error))
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def from_exception(exception: BaseException) -> errors.LocalllmError:
    """The error of the tree that stands for any exception. What nobody foresaw is logged and says so."""
    if isinstance(exception, errors.LocalllmError):
        if exception.status >= 500:
            log.warning("%s", exception.message)
        return exception
    if isinstance(exception, HTTPException) and (exception.code or 500) < 500:
        error_class = _FROM_STATUS.get(exception.code or 400, errors.InvalidRequest)
        return error_class(exception.description or exception.name)
    if is_shortage(exception):
        log.warning("the system is short of something: %s", exception)
        return errors.NotReady(
            f"The computer is short of something just now ({exception.strerror}). Make some room and try again."
        )
    log.error("unforeseen error", exc_info=exception)
    return errors.LocalllmError(
        f"localllm made a mistake ({type(exception).__name__}). The log has the details; please report it."
    )


def is_shortage(exception: BaseException) -> TypeGuard[OSError]:
    """True where the system has run out of files, memory or room on the disk: not our mistake, and it may pass."""
    return isinstance(exception, OSError) and exception.errno in SHORTAGES


def install(app: Flask) -> None:
    """The one error handler of the app."""

    @app.errorhandler(Exception)
    def handle(exception: Exception) -> Response:
        if isinstance(exception, HTTPException) and exception.code is not None and exception.code < 400:
            return Response(status=exception.code, headers=exception.get_headers())
        response = error_response(from_exception(exception))
        if isinstance(exception, HTTPException):
            allow = dict(exception.get_headers()).get("Allow")
            if allow:
                response.headers["Allow"] = allow
        return response
