"""One HTTP/1.1 connection to a replica: h11 reads and writes the protocol, a socket with a timeout carries it.

    connection = Connection.open(address, timeout_s=5)
    connection.send("POST", "/v1/chat/completions", headers, body)
    while (event := connection.receive(timeout_s=0.1)) is None: …      # time has passed
    connection.close()

A socket and not a client library, because a stream must be looked at ten times a second (is the client still
there?), and none of them lets a read be given up and taken up again; and because it costs 20 µs a token. Follows no
redirect and uses no proxy. Knows no replica's state.
"""

from __future__ import annotations

import selectors
import socket
import ssl
import time
from functools import lru_cache

import h11

from localllm.upstream.spec import Address

RECEIVE_BYTES = 65536
SEND_TIMEOUT_S = 30.0
IDLE_S = 4.0  # servers close an unused connection after five seconds and more
MAX_HEAD_BYTES = 64 * 1024

Headers = list[tuple[str, str]]
Received = h11.Response | h11.Data | h11.EndOfMessage


class Connection:
    """Used by one thread at a time."""

    def __init__(self, sock: socket.socket, address: Address) -> None:
        self._socket = sock
        self._address = address
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._idle_since = 0.0
        self._timeout_s = 0.0
        self.was_used = False
        self.has_ended = False  # the whole answer was read, so the next request may be sent

    @classmethod
    def open(cls, address: Address, timeout_s: float) -> Connection:
        """Raises OSError (TimeoutError, ConnectionRefusedError, ssl.SSLError, …)."""
        sock = socket.create_connection((address.host, address.port), timeout_s)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if address.scheme == "https":
                sock = tls_context().wrap_socket(sock, server_hostname=address.host)
        except BaseException:
            sock.close()
            raise
        return cls(sock, address)

    def send(self, method: str, path: str, headers: Headers, body: bytes) -> None:
        """Raises OSError."""
        self.was_used = self.has_ended
        self.has_ended = False
        fixed = [("Host", self._address.authority), ("Content-Length", str(len(body)))]
        request = h11.Request(method=method, target=self._address.path + path, headers=[*fixed, *headers])
        head = self._http.send(request) or b""
        self._http.send(h11.Data(data=body))
        self._http.send(h11.EndOfMessage())
        self._socket.settimeout(SEND_TIMEOUT_S)
        self._timeout_s = SEND_TIMEOUT_S
        self._socket.sendall(head + body)

    def receive(self, timeout_s: float) -> Received | None:
        """What comes next of the answer; None where nothing came in time.

        Raises OSError where the connection is lost, and h11.RemoteProtocolError where it is not HTTP or cut short.
        """
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Response | h11.Data | h11.EndOfMessage):
                self.has_ended = isinstance(event, h11.EndOfMessage)
                return event
            if event is h11.NEED_DATA:
                data = self._receive_bytes(timeout_s)
                if data is None:
                    return None
                self._http.receive_data(data)
            elif not isinstance(event, h11.InformationalResponse):
                raise ConnectionResetError("the connection was closed")

    def _receive_bytes(self, timeout_s: float) -> bytes | None:
        timeout_s = max(timeout_s, 0.001)
        if timeout_s != self._timeout_s:  # setting it is a system call
            self._socket.settimeout(timeout_s)
            self._timeout_s = timeout_s
        try:
            return self._socket.recv(RECEIVE_BYTES)
        except TimeoutError:
            return None
        except ssl.SSLWantReadError:
            return None

    def keep(self) -> bool:
        """Make it ready for another request. False where it must be closed."""
        if (
            not self.has_ended
            or self._http.our_state is not h11.DONE
            or self._http.their_state is not h11.DONE
        ):
            return False
        self._http.start_next_cycle()
        self._idle_since = time.monotonic()
        return True

    @property
    def is_fresh(self) -> bool:
        """Kept for so short a time, and so silent, that the server has most likely not closed it."""
        if time.monotonic() - self._idle_since > IDLE_S:
            return False
        with selectors.DefaultSelector() as selector:
            selector.register(self._socket, selectors.EVENT_READ)
            return not selector.select(0)

    def close(self) -> None:
        """The server sees at once that nobody waits any more."""
        self._socket.close()


@lru_cache(maxsize=1)
def tls_context() -> ssl.SSLContext:
    """Certificates as httpx trusts them: SSL_CERT_FILE, or the ones that come with it."""
    import httpx  # slow to import, and most starts talk to no other server

    return httpx.create_ssl_context()
