"""This computer as a worker: llama.cpp's RPC server in a child process, which is started again when it dies.

The server is C code that trusts whoever connects, so it must not be the process that a person started. Knows no
catalog and no model: what is computed is told over the network.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import socket
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psutil

from localllm import errors
from localllm.engine import rpc_probe
from localllm.engine.child_setup import settle_in
from localllm.engine.rpc_link import check_build, keep_alive
from localllm.engine.threads import default_threads
from localllm.errors import LocalllmError
from localllm.log_tail import last_lines

if TYPE_CHECKING:
    from localllm.llama.library import DeviceRow

START_TIMEOUT_S = 60.0
POLL_S = 0.2
PAUSE_S = 1.0  # before it is started again
QUICK_DEATH_S = 10.0
MAX_QUICK_DEATHS = 5
LOOK_S = 5.0


class WorkerSettings(msgspec.Struct, frozen=True):
    """address: "IPv4:port". num_threads: 0 lets the machine decide. cache_dir: where tensors are kept; "" nowhere."""

    address: str
    log_path: str
    num_threads: int = 0
    cache_dir: str = ""


class Offer(msgspec.Struct, frozen=True):
    """A device that others may put layers on. Sizes in bytes."""

    name: str
    description: str
    free_bytes: int
    total_bytes: int


class Started(msgspec.Struct, frozen=True):
    """The child's first words: what it offers, or why it does not."""

    devices: tuple[Offer, ...] = ()
    num_threads: int = 0
    problem: str = ""


class RpcServer:
    """The child process that serves, and its successors."""

    def __init__(self, settings: WorkerSettings) -> None:
        self.settings = settings
        self.num_deaths = 0
        self._quick_deaths = 0
        self._connection: Connection | None = None

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def is_alive(self) -> bool:
        return self._child.is_alive()

    def start(self) -> Started:
        """Start a child and wait until it answers as a worker does. Raises LocalllmError."""
        check_free(self.settings.address)
        self._connection, theirs = multiprocessing.Pipe()
        self._child = multiprocessing.get_context("spawn").Process(
            target=main,
            args=(theirs, msgspec.msgpack.encode(self.settings)),
            name="localllm-worker",
            daemon=True,
        )
        self._child.start()
        theirs.close()
        self._born = time.monotonic()
        started = self._first_words()
        if started.problem:
            raise LocalllmError(started.problem)
        self._wait_until_it_answers()
        return started

    def wait(self, seconds: float) -> bool:
        """Wait so long for its death; True where it died."""
        self._child.join(seconds)
        return not self._child.is_alive()

    def restart(self) -> str:
        """Start again after a death, and tell what the dead one said last. Raises LocalllmError when that is no use."""
        self.num_deaths += 1
        self._quick_deaths = self._quick_deaths + 1 if time.monotonic() - self._born < QUICK_DEATH_S else 0
        said = f"It ended with status {self._child.exitcode}.{last_lines(Path(self.settings.log_path), 3)}"
        if self._quick_deaths >= MAX_QUICK_DEATHS:
            raise LocalllmError(
                f"The worker died {self._quick_deaths} times in a row, so it is given up. {said}"
            )
        time.sleep(PAUSE_S)
        self.start()
        return said

    def close(self) -> None:
        self._child.kill()
        self._child.join()

    def _first_words(self) -> Started:
        assert self._connection is not None
        try:
            if self._connection.poll(START_TIMEOUT_S):
                return msgspec.msgpack.decode(self._connection.recv_bytes(), type=Started)
        except (EOFError, OSError):
            pass
        self.close()
        raise LocalllmError(f"The worker did not start.{last_lines(Path(self.settings.log_path), 3)}")

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                rpc_probe.ask(self.settings.address.replace("0.0.0.0:", "127.0.0.1:"))
            except errors.NotReady as e:
                if not self._child.is_alive() or time.monotonic() > deadline:
                    self.close()
                    raise LocalllmError(
                        f"The worker does not serve at {self.settings.address}: {e.message}"
                    ) from e
                time.sleep(POLL_S)
            else:
                return


def check_free(address: str) -> None:
    """Raises LocalllmError where this computer cannot listen at "IPv4:port"."""
    host, _, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, os.name != "nt")
        try:
            probe.bind((host, int(port)))
        except OSError as e:
            raise LocalllmError(
                f"The worker cannot listen at {address}: {e.strerror or e}. Choose another one with --listen."
            ) from e


# ── the child ───────────────────────────────────────────────────────────────────────────────────────────────


def main(connection: Connection, packed: bytes) -> None:
    """Entry point of the child: tell what is offered, then serve until the parent is gone."""
    settings = msgspec.msgpack.decode(packed, type=WorkerSettings)
    settle_in(Path(settings.log_path))
    num_threads = settings.num_threads or default_threads()
    try:
        check_build()
        from localllm.llama import rpc

        offers = tuple(Offer(r.name, r.description, _free(r), r.total_bytes) for r in rpc.offered_devices())
    except LocalllmError as e:
        connection.send_bytes(msgspec.msgpack.encode(Started(problem=e.message)))
        return
    connection.send_bytes(msgspec.msgpack.encode(Started(offers, num_threads)))
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()
    threading.Thread(
        target=_look_after_clients, args=(int(settings.address.rpartition(":")[2]),), daemon=True
    ).start()
    cache_dir = Path(settings.cache_dir) if settings.cache_dir else None
    if cache_dir is not None:
        cache_dir.mkdir(parents=True, exist_ok=True)
    rpc.serve(settings.address, num_threads, cache_dir)


def _free(device: DeviceRow) -> int:
    """A processor tells all its memory as free, whatever uses it."""
    is_told = device.free_bytes < device.total_bytes
    return device.free_bytes if is_told else min(device.free_bytes, psutil.virtual_memory().available)


def _end_with_parent(connection: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        connection.recv_bytes()
    os._exit(0)


def _look_after_clients(port: int) -> None:
    """A client's computer that was switched off says no farewell; without this it would hold the worker for ever."""
    while True:
        time.sleep(LOOK_S)
        with contextlib.suppress(psutil.Error, OSError):
            for connection in psutil.Process().net_connections("tcp4"):
                if connection.laddr.port == port and connection.raddr and connection.fd >= 0:
                    with socket.socket(fileno=os.dup(connection.fd)) as link:
                        keep_alive(link)
