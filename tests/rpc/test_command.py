"""`localllm worker` as a person runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from localllm import errors
from localllm.cli.worker import listen_address
from localllm.engine import rpc_probe
from tests.rpc.conftest import free_address

RUN = [sys.executable, "-c", "from localllm.cli import main; main()", "worker"]
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(_rpc: None) -> Iterator[Start]:
    processes: list[subprocess.Popen[str]] = []

    def run(*words: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        environ = os.environ | {"PYTHONUNBUFFERED": "1"}
        processes.append(subprocess.Popen([*RUN, *words], env=environ, stdout=pipe, stderr=pipe, text=True))
        return processes[-1]

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def server_of(process: subprocess.Popen[str]) -> psutil.Process:
    """The child that listens (`multiprocessing` has a helper of its own beside it)."""
    (child,) = [
        c for c in psutil.Process(process.pid).children() if any(x.laddr for x in c.net_connections("tcp4"))
    ]
    return child


def read_until(process: subprocess.Popen[str], word: str) -> str:
    said = ""
    assert process.stdout is not None
    while word not in said:
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        said += line
    return said


def test_it_says_what_it_offers_and_that_nothing_guards_it_and_survives_its_own_death(start: Start):
    """Device, memory, how to use it, a warning; a server that dies is started again; Ctrl-C ends both."""
    address = free_address()
    process = start("--listen", address, "--threads", "1")
    said = read_until(process, "Ctrl-C")
    assert f"at {address}" in said
    assert "offers" in said
    assert "memory free" in said
    assert "no authentication" in said
    first = server_of(process)
    first.kill()
    assert process.stderr is not None
    assert "died" in process.stderr.readline()
    assert "serves again" in process.stderr.readline()
    assert rpc_probe.ask(address).devices
    second = server_of(process)
    assert second.pid != first.pid
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert not second.is_running()


def test_an_address_in_use_is_one_sentence(start: Start):
    """And no traceback."""
    address = free_address()
    read_until(start("--listen", address), "Ctrl-C")
    second = start("--listen", address)
    _, said = second.communicate(timeout=60)
    assert second.returncode == 1
    assert said.startswith(f"localllm: The worker cannot listen at {address}: ")


@pytest.mark.parametrize("text", ["0.0.0.0:50052", "192.0.2.1:50052", "0.0.0.0"])
def test_leaving_this_computer_needs_to_be_said(text: str):
    """Nothing in the protocol asks who is there."""
    with pytest.raises(errors.ConfigError, match="--trust-network"):
        listen_address(text, trust_network=False)
    assert listen_address(text, trust_network=True) == f"{text.partition(':')[0]}:50052"


@pytest.mark.parametrize("text", ["localhost:50052", ":50052", "127.0.0.1", "localhost"])
def test_this_computer_has_many_names(text: str):
    """A missing host is this computer, a missing port llama.cpp's own."""
    assert listen_address(text, trust_network=False) == "127.0.0.1:50052"


@pytest.mark.parametrize(
    "text", ["[::1]:50052", "127.0.0.1:x", "127.0.0.1:0", "127.0.0.1:70000", "no-such.invalid:1"]
)
def test_what_cannot_be_listened_at_is_refused(text: str):
    """IPv6, no number, no port, no name."""
    with pytest.raises(errors.ConfigError, match="--listen"):
        listen_address(text, trust_network=True)
