#!/usr/bin/env python3
"""How long a start takes: until the server answers, the page, the guide's first token, and a second start.

    python3 packaging/measure_start.py .venv/bin/localllm
    python3 packaging/measure_start.py build/dist/localllm/localllm

Each run has an empty home. Wall times mean something on a quiet machine only; the processor time beside them always
does. Opens no browser. Needs psutil.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

NUM_RUNS = 5
QUESTION = {"model": "guide", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}


def main(command: list[str]) -> None:
    for _ in range(NUM_RUNS):
        with tempfile.TemporaryDirectory() as home:
            print(measured(command, Path(home)), flush=True)


def measured(command: list[str], home: Path) -> str:
    """One start, one question, a second start and Quit, as one line of figures."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    kept = {
        k: v
        for k, v in os.environ.items()
        if k not in ("DISPLAY", "WAYLAND_DISPLAY", "PYTHONDONTWRITEBYTECODE")
    }
    environ = kept | {"LOCALLLM_HOME": str(home), "LOCALLLM_PORT": str(port)}
    url, nowhere = f"http://127.0.0.1:{port}", subprocess.DEVNULL
    begin = time.monotonic()
    process = subprocess.Popen(command, env=environ, stdout=nowhere, stderr=nowhere)
    while not answers(f"{url}/health"):
        time.sleep(0.005)
    ready = time.monotonic() - begin
    fetch(f"{url}/")
    page = time.monotonic() - begin
    app = psutil.Process(process.pid)
    cpu, idle_mb = sum(app.cpu_times()[:2]), app.memory_info().rss / 1e6
    begin = time.monotonic()
    fetch(f"{url}/v1/chat/completions", QUESTION)
    answer = time.monotonic() - begin
    begin = time.monotonic()
    subprocess.run(command, env=environ, stdout=nowhere, stderr=nowhere, check=True)
    second = time.monotonic() - begin
    fetch(f"{url}/quit", {})
    process.wait()
    return (
        f"server {ready:.2f} s, page {page:.2f} s (processor {cpu:.2f} s), first token of a model not loaded "
        f"{answer:.2f} s, second start {second:.2f} s, {idle_mb:.0f} MB idle, load {os.getloadavg()[0]:.1f}"
    )


def answers(url: str) -> bool:
    try:
        fetch(url)
    except OSError:
        return False
    return True


def fetch(url: str, body: dict[str, object] | None = None) -> None:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as response:
        response.read()


if __name__ == "__main__":
    main(sys.argv[1:])
