"""The connections of an engine process to the workers that hold layers of its model, and the notice when one is gone.

llama.cpp opens and keeps the connections, and aborts the process when one breaks in the middle of a step. Here the
same sockets are looked at from the side: a worker that is gone is named before the process ends, a computer that was
switched off is noticed within seconds, and an engine that does nothing at the time ends too, so that the next request
starts with a fresh one. Where the system does not show a process its sockets (Windows), llama.cpp's words must do.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Sequence

import psutil

from localllm.engine import rpc_probe
from localllm.errors import ModelLoadFailed, WorkerUnavailable
from localllm.llama import rpc

LOOK_S = 0.5
SILENCE_S = 5  # without a byte, before the other computer is asked whether it is there
ASK_AGAIN_S = 3
NUM_ASKS = 3


class WorkerLinks:
    """Connects this process to its workers. `on_lost` gets the address of one that is gone; the process then ends."""

    def __init__(self, addresses: Sequence[str], on_lost: Callable[[str], None]) -> None:
        """Ask every worker, then make its devices ours. Raises WorkerUnavailable, ModelLoadFailed."""
        check_build()
        self._resolved = {address: resolved(address) for address in addresses}
        self._sockets: dict[str, socket.socket] = {}
        self._on_lost = on_lost
        self._closing = threading.Event()
        for address in addresses:
            rpc_probe.ask(address)
        rpc.on_abort(self._aborting)
        for at in self._resolved.values():
            rpc.add_worker(at)

    def watch(self) -> None:
        """Begin to look at the connections; to be called when the model is loaded, from when on they stay open."""
        found = connections_to(set(self._resolved.values()))
        for address, at in self._resolved.items():
            if at in found:
                keep_alive(found[at])
                self._sockets[address] = found[at]
        threading.Thread(target=self._look, name="workers", daemon=True).start()

    def close(self) -> None:
        """From here on a connection that ends is no loss."""
        self._closing.set()

    def _look(self) -> None:
        while not self._closing.wait(LOOK_S):
            if lost := self._lost():
                self._on_lost(lost)
                os._exit(1)

    def _lost(self) -> str:
        """The address of a worker whose connection has ended; empty where all are there."""
        return next((address for address, link in self._sockets.items() if has_ended(link)), "")

    def _aborting(self, message: str) -> None:
        """llama.cpp gives up. If that is because of a worker, say of which."""
        if "ggml-rpc" in message and not self._closing.is_set():
            self._on_lost(self._lost() or " or ".join(self._resolved))


def check_build() -> None:
    """Raises ModelLoadFailed where llama.cpp was built without RPC."""
    if not rpc.is_built_in():
        raise ModelLoadFailed(rpc_probe.NOT_BUILT_IN, code="no_rpc")


def resolved(address: str) -> str:
    """The "host:port" with the host's IPv4 address, because llama.cpp knows no other. Raises WorkerUnavailable."""
    host, _, port = address.rpartition(":")
    try:
        return f"{socket.gethostbyname(host)}:{port}"
    except OSError:
        raise WorkerUnavailable(
            f'The name of the worker {address} is not known here: correct "rpc" in the catalog, or use its IP address.'
        ) from None


def connections_to(addresses: set[str]) -> dict[str, socket.socket]:
    """This process's open connections to these IPv4 "host:port", through descriptors of our own."""
    found: dict[str, socket.socket] = {}
    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.Process().net_connections("tcp4"):
            at = f"{connection.raddr.ip}:{connection.raddr.port}" if connection.raddr else ""
            if at in addresses and connection.fd >= 0:
                found[at] = socket.socket(fileno=os.dup(connection.fd))
    return found


def keep_alive(link: socket.socket) -> None:
    """Let the system ask now and then whether the other computer is there, and end the connection if it is not."""
    silence = getattr(
        socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None)
    )  # macOS has another name
    options = {
        silence: SILENCE_S,
        getattr(socket, "TCP_KEEPINTVL", None): ASK_AGAIN_S,
        getattr(socket, "TCP_KEEPCNT", None): NUM_ASKS,
        getattr(socket, "TCP_USER_TIMEOUT", None): 1000 * (SILENCE_S + NUM_ASKS * ASK_AGAIN_S),
    }
    with contextlib.suppress(OSError):
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in options.items():
            if option is not None:
                link.setsockopt(socket.IPPROTO_TCP, option, value)


def has_ended(link: socket.socket) -> bool:
    """Whether nothing can come any more. Takes no byte away from whoever reads."""
    try:
        return link.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
