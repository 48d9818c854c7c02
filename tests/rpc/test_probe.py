"""What an address is asked before llama.cpp meets it, which ends the process where it meets the wrong one."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest

from localllm import errors
from localllm.engine import rpc_probe
from localllm.engine.rpc_ask import ask_workers
from localllm.engine.rpc_server import RpcServer
from tests.rpc.conftest import free_address

Standin = Callable[[bytes, bool], str]


@pytest.fixture
def standin() -> Iterator[Standin]:
    """Starts something that is no worker: it says these bytes to whoever connects, and hangs up or stays."""
    listeners, connections = [], []

    def start(says: bytes, hangs_up: bool) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            connection, _ = listener.accept()
            connections.append(connection)
            connection.recv(1000)
            connection.sendall(says)
            if hangs_up:
                connection.close()

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for end in [*listeners, *connections]:
        end.close()


def hello(major: int, minor: int, patch: int) -> bytes:
    return struct.pack("<QBBBB", 28, major, minor, patch, 0) + bytes(24)


def test_a_real_worker_speaks_the_version_that_we_know_and_tells_its_memory(worker: RpcServer):
    """The pinned llama.cpp does not tell its protocol's version, so it is written down; this keeps it true."""
    (report,) = ask_workers([worker.settings.address])
    assert report.version == rpc_probe.PROTOCOL
    assert len(report.devices) == 1
    assert 0 < report.free_bytes <= report.devices[0][1]


def test_the_same_worker_can_be_asked_again_and_again(worker: RpcServer):
    """Asking leaves nothing behind."""
    reports = [rpc_probe.ask(worker.settings.address) for _ in range(5)]
    assert len({report.version for report in reports}) == 1


@pytest.mark.usefixtures("_rpc")
def test_an_address_where_nobody_listens_is_named():
    """A 503 with what to do, and not the abort that llama.cpp has for it."""
    address = free_address()
    with pytest.raises(errors.WorkerUnavailable, match=f"No worker listens at {address}: start it") as caught:
        ask_workers([address])
    assert caught.value.status == 503
    assert caught.value.should_retry


def test_of_several_workers_the_one_that_is_not_there_is_named(worker: RpcServer):
    """The others are of no use alone."""
    address = free_address()
    with pytest.raises(errors.WorkerUnavailable, match=address):
        ask_workers([worker.settings.address, address])


@pytest.mark.parametrize("version", [(6, 9, 9), (8, 0, 0), (7, 1, 0), (7, 0, 1)])
def test_another_version_is_refused_and_both_are_told(standin: Standin, version: tuple[int, int, int]):
    """Operations have other numbers in another version: it would compute something else without a word."""
    with pytest.raises(
        errors.ModelLoadFailed, match="install the same version of localllm on both"
    ) as caught:
        rpc_probe.ask(standin(hello(*version), False))
    assert ".".join(map(str, version)) in caught.value.message
    assert caught.value.code == "worker_version"


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00" * 8,
        struct.pack("<Q", 2**62),
        struct.pack("<Q", 28) + b"\x07",
    ],
    ids=["nothing", "http", "no-length", "endless", "cut-off"],
)
def test_what_is_no_worker_is_told_from_one(standin: Standin, says: bytes):
    """A web server, another program, an older worker that hangs up."""
    with pytest.raises(errors.WorkerUnavailable, match="is no worker of this version"):
        rpc_probe.ask(standin(says, True))


def test_a_worker_with_impossibly_many_devices_is_not_believed(standin: Standin):
    """Four thousand million questions would follow."""
    says = hello(*rpc_probe.PROTOCOL) + struct.pack("<QI", 4, 2**32 - 1)
    with pytest.raises(errors.WorkerUnavailable, match="is no worker"):
        rpc_probe.ask(standin(says, True))


def test_a_worker_that_is_busy_with_another_engine_is_not_waited_for_for_ever(standin: Standin):
    """It accepts the connection and says nothing until the other one has gone."""
    with pytest.raises(errors.WorkerUnavailable, match="busy with another engine"):
        rpc_probe.ask(standin(b"", False), answer_timeout_s=0.1)


def test_a_name_that_nobody_knows_is_told():
    """A typing error in the catalog."""
    with pytest.raises(errors.WorkerUnavailable, match=r"no-such-host\.invalid:50052 cannot be reached"):
        rpc_probe.ask("no-such-host.invalid:50052")
