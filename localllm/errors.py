"""The one error tree. Each class knows its HTTP status, OpenAI `type` and `code`; each message tells
the person what happened, where, and what to do.

    LocalllmError                       500 server_error
     ├─ InvalidRequest                  400 invalid_request_error
     │   ├─ ContextLengthExceeded       400 context_length_exceeded
     │   ├─ UnsupportedParameter        400 unsupported_parameter
     │   ├─ NotFound                    404
     │   │   └─ ModelNotFound           404 model_not_found
     │   ├─ MethodNotAllowed            405
     │   ├─ BodyTooLarge                413
     │   └─ UnsupportedMediaType        415
     ├─ Unauthorized                    401 invalid_api_key
     ├─ Forbidden                       403 permission_error
     ├─ Busy                            429 rate_limit_exceeded    (Retry-After)
     ├─ ModelLoadFailed                 500 model_load_failed      (retrying does not help)
     ├─ EngineDied                      503 engine_died            (Retry-After: it is started again)
     │   └─ WorkerLost                  503 worker_lost            (another computer that held layers of the model)
     ├─ NotReady                        503 model_loading          (Retry-After)
     │   └─ WorkerUnavailable           503 worker_unavailable
     ├─ ClientGone                      499 the client has closed the connection; nobody reads this
     ├─ UpstreamFailed                  502 upstream_failed        (the server that a model is forwarded to)
     │   └─ UpstreamTimeout             504 upstream_timeout
     ├─ ForwardingLoop                  508 forwarding_loop        (an entry that forwards to this very localllm)
     ├─ DownloadFailed                  502 download_failed        (what arrived is kept; the same pull goes on)
     └─ ConfigError                     a file of the user's: catalog or settings
         └─ CatalogError

This module knows nothing of HTTP servers, of engines or of files.
"""

from __future__ import annotations

from typing import ClassVar


class LocalllmError(Exception):
    """Something went wrong that a person should read about.

    message: one or two sentences. param: the request field at fault, as OpenAI's envelope has it.
    retry_after_s: when trying again makes sense; None where it does not.
    """

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: str | None = "internal_error"
    retry_after_s: int | None = None

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        if code is not None:
            self.code = code

    @property
    def should_retry(self) -> bool:
        """True where the same request may succeed later (sent as `x-should-retry`)."""
        return self.retry_after_s is not None


class InvalidRequest(LocalllmError):
    status = 400
    type = "invalid_request_error"
    code: str | None = None


class ContextLengthExceeded(InvalidRequest):
    code = "context_length_exceeded"


class UnsupportedParameter(InvalidRequest):
    code = "unsupported_parameter"


class NotFound(InvalidRequest):
    status = 404
    code = "not_found"


class ModelNotFound(NotFound):
    code = "model_not_found"


class MethodNotAllowed(InvalidRequest):
    status = 405
    code = "method_not_allowed"


class BodyTooLarge(InvalidRequest):
    status = 413
    code = "request_too_large"


class UnsupportedMediaType(InvalidRequest):
    status = 415
    code = "unsupported_media_type"


class Unauthorized(LocalllmError):
    status = 401
    type = "authentication_error"
    code = "invalid_api_key"


class Forbidden(LocalllmError):
    status = 403
    type = "permission_error"
    code = "forbidden"


class Busy(LocalllmError):
    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"
    retry_after_s = 2


class ModelLoadFailed(LocalllmError):
    code = "model_load_failed"


class EngineDied(LocalllmError):
    status = 503
    code = "engine_died"
    retry_after_s = 1


class WorkerLost(EngineDied):
    """A computer that held layers of the model is gone, and the engine with it."""

    code = "worker_lost"
    retry_after_s = 5


class NotReady(LocalllmError):
    status = 503
    type = "unavailable_error"
    code = "model_loading"
    retry_after_s = 2


class WorkerUnavailable(NotReady):
    """A computer that is to hold layers of the model does not answer."""

    code = "worker_unavailable"
    retry_after_s = 5


class ClientGone(LocalllmError):
    status = 499
    code = "client_closed_request"


class UpstreamFailed(LocalllmError):
    """The server that runs a forwarded model did not answer as it should. retry: trying again may help."""

    status = 502
    code = "upstream_failed"
    retry_after_s: int | None = 1

    def __init__(
        self, message: str, *, param: str | None = None, code: str | None = None, retry: bool = True
    ) -> None:
        super().__init__(message, param=param, code=code)
        if not retry:
            self.retry_after_s = None


class UpstreamTimeout(UpstreamFailed):
    status = 504
    code = "upstream_timeout"


class ForwardingLoop(LocalllmError):
    status = 508
    code = "forwarding_loop"


class DownloadFailed(LocalllmError):
    """A model could not be fetched. The message says whether trying again helps."""

    status = 502
    code = "download_failed"


class ConfigError(LocalllmError):
    """A file of the user's does not say what it may say. The message names file, place and nearest match."""

    code = "config_error"


class CatalogError(ConfigError):
    code = "catalog_error"
