"""One replica, asked once: connect, send, wait, read; everything that goes wrong becomes a Fault.

Knows one request and one replica. Whether another one is asked is call.py's business.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

import h11
import msgspec

from localllm.upstream import faults
from localllm.upstream.connection import Connection, Headers
from localllm.upstream.payloads import Unreadable
from localllm.upstream.replicas import Replica, Replicas
from localllm.upstream.spec import UpstreamSpec

TRIAL_CONNECT_S = 1.0  # for a replica that has just failed
TRIAL_FIRST_S = 10.0
TRIAL_TIMES = 4  # as long as the slowest answer so far took to begin
MAX_ERROR_BYTES = 256 * 1024
LAST_BYTES_S = 0.05


class Request(msgspec.Struct, frozen=True):
    """What is sent, to whichever replica. headers: without Host and length. path: below the base URL."""

    path: str
    headers: Headers
    body: bytes = b""
    method: str = "POST"


class Reader(Protocol):
    """Bytes → payloads: Payloads, or WholeBody."""

    is_done: bool

    def feed(self, data: bytes) -> list[Any]: ...
    def flush(self) -> list[Any]: ...


class Attempt:
    """`is_accepted`: it answered with a 2xx. `is_complete`: its end is certain, not just a closed connection."""

    def __init__(
        self, replicas: Replicas, replica: Replica, spec: UpstreamSpec, request: Request, reader: Reader
    ) -> None:
        """`replica` was taken from `replicas` and is given back by close()."""
        self.replica = replica
        self.who = replica.address.url
        self.taken_at = self._heard_at = time.monotonic()
        self.is_accepted = False
        self.is_complete = False
        self._replicas, self._spec, self._request, self._reader = replicas, spec, request, reader
        self._is_trial = not replica.is_well
        self._connection: Connection | None = None
        self._head: h11.Response | None = None
        self._has_payloads = False
        self._has_ended = False
        self._error_body = b""

    def receive(self, timeout_s: float) -> list[Any] | None:
        """Payloads, perhaps none; None at the end. Raises Fault."""
        if self._reader.is_done or self._has_ended:
            self.is_complete |= self._reader.is_done
            return None
        try:
            if self._connection is None:
                self._connect()
            assert self._connection is not None
            event = self._connection.receive(timeout_s)
        except (OSError, h11.ProtocolError) as e:
            return self._broken(e)
        if event is None:
            self._check_patience()
            return []
        self._heard_at = time.monotonic()
        try:
            return self._understand(event)
        except Unreadable as e:
            raise faults.unreadable(self.who, e.text) from None

    def close(self) -> None:
        """Give the replica back. A connection whose answer was read to its end is kept, any other one is cut."""
        connection, self._connection = self._connection, None
        if connection is not None and self._reader.is_done and not connection.has_ended:
            _read_last_bytes(connection)
        self._replicas.give_back(self.replica, connection)

    def _connect(self) -> None:
        """A kept connection, or a new one, with the request sent over it."""
        connection = self._replicas.kept_connection(self.replica)
        if connection is None:
            limit_s = self._spec.connect_timeout_s
            connect_s = limit_s if self.replica.is_well else min(limit_s, TRIAL_CONNECT_S)
            connection = Connection.open(self.replica.address, connect_s)
        self._connection = connection
        request = self._request
        connection.send(request.method, request.path, request.headers, request.body)

    def _broken(self, why: BaseException) -> list[Any]:
        """A kept connection may have been closed meanwhile: that says nothing of the replica."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            if connection.was_used and self._head is None:
                return []
        raise faults.lost(self.who, why if self._head is None else "it ended in the middle of its answer")

    def _check_patience(self) -> None:
        limit_s = self._spec.idle_timeout_s if self._has_payloads else self._first_timeout_s
        if time.monotonic() - self._heard_at > limit_s:
            raise faults.silent(self.who, "more of its answer" if self._has_payloads else "answer", limit_s)

    @property
    def _first_timeout_s(self) -> float:
        """A replica that only has rested need not be waited for as for one that is well: the request goes to that."""
        limit_s, learnt_s = self._spec.first_timeout_s, TRIAL_TIMES * self._replicas.slowest_start_s
        if self._is_trial and learnt_s and self._replicas.are_well:
            return min(limit_s, max(TRIAL_FIRST_S, learnt_s))
        return limit_s

    def _understand(self, event: h11.Response | h11.Data | h11.EndOfMessage) -> list[Any] | None:
        if isinstance(event, h11.Response):
            self._head = event
            if 200 <= event.status_code < 300:
                self.is_accepted = True
                if len(self._replicas.all) == 1:  # among others it must say something first
                    self._replicas.answered(self.replica)
            return []
        if not self.is_accepted:
            return self._take_error(event)
        if isinstance(event, h11.Data):
            payloads = self._reader.feed(bytes(event.data))
            self._has_payloads |= bool(payloads)
            return payloads
        return self._end()

    def _end(self) -> list[Any]:
        """The last payloads; None comes after them."""
        self._has_ended = True
        self.is_complete = self._is_framed
        return self._reader.flush()

    @property
    def _is_framed(self) -> bool:
        """The answer's length was known, or its end was marked; else it ends where the connection does."""
        assert self._head is not None
        return any(name in (b"content-length", b"transfer-encoding") for name, _ in self._head.headers)

    def _take_error(self, event: h11.Data | h11.EndOfMessage) -> list[Any]:
        assert self._head is not None
        if isinstance(event, h11.Data) and len(self._error_body) < MAX_ERROR_BYTES:
            self._error_body += bytes(event.data)
            return []
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self._head.headers}
        raise faults.of_response(self.who, self._head.status_code, headers, self._error_body)


def _read_last_bytes(connection: Connection) -> None:
    """Behind [DONE] comes nothing but the end mark; once it is read, the connection can be used again."""
    try:
        for _ in range(3):
            if connection.has_ended or connection.receive(LAST_BYTES_S) is None:
                return
    except (OSError, h11.ProtocolError):
        return
