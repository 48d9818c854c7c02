"""Asks an RPC worker what it is: protocol version, devices, free memory. Plain sockets, no llama.cpp.

llama.cpp aborts the process when a worker does not answer or speaks another version, so it only ever meets workers
that were asked here first. A worker serves one engine at a time: while it is busy it accepts and says nothing.
"""

from __future__ import annotations

import socket
import struct

import msgspec

from localllm import errors
from localllm.errors import WorkerUnavailable

NOT_BUILT_IN = (
    "This build of llama.cpp has no RPC, so it can neither use workers nor be one. The ready-made wheels have none: "
    "run `python3 packaging/start.py --rpc` once, which compiles it (docs/install.md)."
)
PROTOCOL = (7, 0, 0)  # of the pinned llama.cpp; tests/rpc asks a real worker
CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 8.0
MEMORY, HELLO, DEVICE_COUNT = 11, 14, 15  # commands
CAPABILITIES = bytes(24)  # none: plain TCP
MAX_ANSWER_BYTES = 64
MAX_DEVICES = 16


class WorkerReport(msgspec.Struct, frozen=True):
    """What a worker offers: (free, total) bytes of each of its devices."""

    address: str
    version: tuple[int, int, int]
    devices: tuple[tuple[int, int], ...]

    @property
    def free_bytes(self) -> int:
        return sum(free for free, _ in self.devices)


def ask(address: str, answer_timeout_s: float = ANSWER_TIMEOUT_S) -> WorkerReport:
    """The report of the worker at "host:port". Raises WorkerUnavailable, ModelLoadFailed for another version."""
    host, _, port = address.rpartition(":")
    try:
        ipv4 = socket.gethostbyname(host)  # llama.cpp knows no other
        with socket.create_connection((ipv4, int(port)), CONNECT_TIMEOUT_S) as connection:
            connection.settimeout(answer_timeout_s)
            return _converse(address, connection)
    except ConnectionRefusedError:
        raise WorkerUnavailable(
            f"No worker listens at {address}: start it there with `localllm worker`, then send the request again."
        ) from None
    except TimeoutError:
        raise WorkerUnavailable(
            f"The worker {address} does not answer: it is busy with another engine, switched off, or behind a firewall."
        ) from None
    except OSError as e:
        raise WorkerUnavailable(f"The worker {address} cannot be reached ({e.strerror or e}).") from e


def _converse(address: str, connection: socket.socket) -> WorkerReport:
    hello = _call(address, connection, HELLO, CAPABILITIES)
    version = (hello[0], hello[1], hello[2])
    if version != PROTOCOL:
        raise errors.ModelLoadFailed(
            f"The worker {address} speaks version {_dotted(version)} of llama.cpp's RPC protocol, this computer "
            f"{_dotted(PROTOCOL)}: install the same version of localllm on both.",
            code="worker_version",
        )
    (count,) = struct.unpack("<I", _call(address, connection, DEVICE_COUNT, b"", 4))
    if count > MAX_DEVICES:
        raise _no_worker(address)
    devices = []
    for index in range(count):
        free, total = struct.unpack("<QQ", _call(address, connection, MEMORY, struct.pack("<I", index), 16))
        devices.append((free, total))
    return WorkerReport(address, version, tuple(devices))


def _call(
    address: str, connection: socket.socket, command: int, body: bytes, size: int | None = None
) -> bytes:
    """The answer to one command; of `size` bytes, where that is known."""
    connection.sendall(struct.pack("<BQ", command, len(body)) + body)
    (length,) = struct.unpack("<Q", _receive(address, connection, 8))
    if length != size if size is not None else not 3 <= length <= MAX_ANSWER_BYTES:
        raise _no_worker(address)
    return _receive(address, connection, length)


def _receive(address: str, connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise _no_worker(address)
        data += part
    return data


def _no_worker(address: str) -> errors.LocalllmError:
    return WorkerUnavailable(
        f"What answers at {address} is no worker of this version: start `localllm worker` there, "
        "with the same version of localllm as here."
    )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
