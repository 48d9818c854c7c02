"""One instance per person, whatever the last one left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import msgspec
import pytest

from localllm import errors
from localllm.desktop import instance
from localllm.desktop.instance import Claim, Running
from localllm.proof import proof

HOLD = """
import sys, time
from pathlib import Path
from localllm.desktop.instance import claimed
with claimed(Path(sys.argv[1])) as claim:
    if len(sys.argv) > 2:
        claim.announce(int(sys.argv[2]), f"http://localhost:{sys.argv[2]}")
    print(claim.token, flush=True)
    sys.stdin.read()
"""


class Server(HTTPServer):
    """Answers challenges with the proof of this token; a wrong one is somebody else's server."""

    token = ""


class Prover(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        body = msgspec.json.encode({"proof": proof(self.server.token, query["challenge"][0])})
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Prover) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.02,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def hold(tmp_path: Path):
    """Starts another process that has the claim, and perhaps says that it listens on a port; gives it and its token."""
    held = []

    def start(*port: int) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-c", HOLD, str(tmp_path), *map(str, port)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        held.append(process)
        assert process.stdout is not None
        return process, process.stdout.readline().strip()

    yield start
    for process in held:
        process.kill()
        process.communicate()


def record(folder: Path, running: Running) -> None:
    (folder / instance.RECORD_FILE).write_bytes(msgspec.json.encode(running))


def test_the_first_start_has_the_claim_and_writes_down_where_it_is(tmp_path: Path):
    """pid, port, address and token, for nobody else to read; gone when it ends."""
    with instance.claimed_or_found(tmp_path) as claim:
        assert isinstance(claim, Claim)
        claim.announce(5757, "http://localhost:5757")
        written = instance.read_record(tmp_path)
        assert written == Running(os.getpid(), 5757, "http://localhost:5757", claim.token)
        if sys.platform != "win32":
            assert (tmp_path / instance.RECORD_FILE).stat().st_mode & 0o077 == 0
    assert instance.read_record(tmp_path) is None


def test_a_second_start_finds_the_first_by_its_proof(tmp_path: Path, server: Server, hold):
    """The one that holds the claim, listens, and knows the token."""
    first, server.token = hold(server.server_port)
    with instance.claimed_or_found(tmp_path) as found:
        assert isinstance(found, Running)
        assert (found.pid, found.port) == (first.pid, server.server_port)


def test_a_start_that_comes_while_the_first_is_still_starting_waits_for_it(
    tmp_path: Path, server: Server, hold
):
    """A double double-click: the record comes only once the first one listens."""
    first, server.token = hold()
    found: list[object] = []

    def second() -> None:
        with instance.claimed_or_found(tmp_path, timeout_s=60) as other:
            found.append(other)

    waiting = threading.Thread(target=second)
    waiting.start()
    url = f"http://localhost:{server.server_port}"
    record(tmp_path, Running(first.pid, server.server_port, url, server.token))
    waiting.join(60)
    assert [type(other) for other in found] == [Running]


def test_a_start_that_comes_while_the_first_is_ending_becomes_the_one(tmp_path: Path, hold):
    """It waits for the lock, which the system lets go with the process."""
    first, _ = hold()
    found: list[object] = []

    def second() -> None:
        with instance.claimed_or_found(tmp_path, timeout_s=60) as claim:
            found.append(claim)

    waiting = threading.Thread(target=second)
    waiting.start()
    first.kill()
    waiting.join(60)
    assert [type(claim) for claim in found] == [Claim]


def test_what_a_crash_left_behind_stops_nobody(tmp_path: Path):
    """A record with a dead pid, with this pid, or torn: without a holder of the lock none of them counts."""
    for left in (
        Running(2**22 + 7, 1, "http://localhost:1", "t"),
        Running(os.getpid(), 1, "http://localhost:1", "t"),
    ):
        record(tmp_path, left)
        with instance.claimed_or_found(tmp_path) as claim:
            assert isinstance(claim, Claim)
    (tmp_path / instance.RECORD_FILE).write_text('{"pid": 12', encoding="utf-8")
    with instance.claimed_or_found(tmp_path) as claim:
        assert isinstance(claim, Claim)


def test_another_program_on_the_port_is_never_taken_for_localllm(tmp_path: Path, server: Server):
    """It may answer everything, but it cannot know the token."""
    server.token = "of somebody else"
    url = f"http://localhost:{server.server_port}"
    record(tmp_path, Running(os.getpid(), server.server_port, url, "ours"))
    assert instance.find(tmp_path) is None
    server.token = "ours"
    assert instance.find(tmp_path) is not None


def test_one_that_hangs_is_told_with_its_process(tmp_path: Path, hold):
    """It holds the claim, lives, and answers nothing: the person has to end it, so its number is said."""
    first, _ = hold(1)
    said = rf"process {first.pid}\).*End that process"
    with pytest.raises(errors.NotReady, match=said), instance.claimed_or_found(tmp_path, timeout_s=0):
        pass


def test_where_the_file_system_knows_no_locks_the_record_has_to_do(tmp_path: Path, monkeypatch):
    """Some network drives refuse every lock: then nobody holds it, and the start goes on."""
    monkeypatch.setattr(instance, "try_lock", lambda file: False)
    with instance.claimed_or_found(tmp_path, timeout_s=0) as claim:
        assert isinstance(claim, Claim)


def test_serve_takes_the_claim_only_where_it_is_free(tmp_path: Path, hold):
    """`localllm serve` beside a running app is a second server on purpose, and no error."""
    first, _ = hold()
    with instance.claimed(tmp_path) as claim:
        assert claim is None
    first.kill()
    first.wait()
    with instance.claimed(tmp_path) as claim:
        assert claim is not None
