"""`localllm serve` as a process: where it says it is, signals, ports, keys, its log."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any

import pytest

RUN = [sys.executable, "-c", "from localllm.cli import main; main()"]
REQUEST = {"model": "tiny", "messages": [{"role": "user", "content": "A secret story."}], "max_tokens": 4}


@pytest.fixture
def home(tmp_path, tiny_model_path):
    """A home with the tiny model in its catalog."""
    row = f"[[model]]\nid = \"tiny\"\nsource = '{tiny_model_path}'\nn_ctx = 1024\nn_threads = 1\n"
    (tmp_path / "models.toml").write_text(row, encoding="utf-8")
    return tmp_path


@pytest.fixture
def start(home):
    """Starts `localllm serve` with these words; gives the process and what it printed first."""
    processes = []

    def run(*words: str):
        environ = os.environ | {"LOCALLLM_HOME": str(home), "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            [*RUN, "serve", *words], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def address(process) -> str:
    """The URL that `--json` prints."""
    line = process.stdout.readline()
    assert line, process.stderr.read()
    return str(json.loads(line)["url"])


def post(url: str, body: dict[str, Any], **headers: str) -> bytes:
    request = urllib.request.Request(
        f"{url}/v1/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", **headers},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return bytes(response.read())


def test_it_serves_until_it_is_told_to_stop(start):
    """A request is answered; SIGTERM ends it with status 0; the log has a line per request and no prompt."""
    process = start("--port", "0", "--json")
    answer = json.loads(post(address(process), REQUEST))
    assert answer["usage"]["completion_tokens"] == 4
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "POST /v1/chat/completions 200" in log
    assert "model=tiny" in log
    assert "completion=4" in log
    assert "secret" not in log


def test_it_says_where_it_is_and_how_to_connect(start):
    """For a person: address, base URL, key, models, how to stop."""
    process = start("--port", "0")
    said = "".join(iter(process.stdout.readline, "Stop with Ctrl-C.\n"))
    assert "is running at http://localhost:" in said
    assert "/v1" in said
    assert "tiny" in said
    assert "none needed" in said


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one child on Windows")
def test_a_second_signal_ends_at_once(start):
    """The first lets a running answer finish; who presses Ctrl-C again means it."""
    process = start("--port", "0", "--json")
    url = address(process)
    body = json.dumps(REQUEST | {"max_tokens": None, "ignore_eos": True, "stream": True}).encode()
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as stream:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        stream.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        received = b""
        while b'"content":"' not in received:
            received += stream.recv(65536)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)  # two signals at once would be one
        started = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
        assert time.monotonic() - started < 10  # the drain alone would take as long


def test_a_port_that_was_asked_for_and_is_taken_is_an_error(start):
    """One sentence, status 1, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = start("--port", str(taken.getsockname()[1]))
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "taken by another program" in said
    assert "Traceback" not in said


def test_a_model_that_does_not_exist_is_an_error_at_once(start):
    """Not at the first request."""
    process = start("--port", "0", "--model", "tinny")
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert 'Did you mean "tiny"?' in said


def test_beyond_this_machine_it_makes_up_a_key_and_shows_it(start, home):
    """And keeps it for the next time; without it nobody comes in."""
    process = start("--host", "0.0.0.0", "--port", "0")
    said = "".join(iter(process.stdout.readline, "Stop with Ctrl-C.\n"))
    key = (home / "api-key").read_text(encoding="utf-8").strip()
    assert key in said
    url = next(line.split()[-1] for line in said.splitlines() if "running at" in line)
    with pytest.raises(urllib.error.HTTPError) as refused:
        post(url, REQUEST)
    assert refused.value.code == 401
    refused.value.close()
    assert post(url, REQUEST, Authorization=f"Bearer {key}")


def test_the_model_that_was_asked_for_answers_requests_without_one(start):
    """`--model` is loaded at once and is the default."""
    process = start("--port", "0", "--json", "--model", "tiny")
    body = {key: value for key, value in REQUEST.items() if key != "model"}
    assert json.loads(post(address(process), body))["model"] == "tiny"
