"""Starts and stops the servers that are compared, all with the same model file, threads, context and slots.

Peers are installed with pip into benchmarks/.venv-peers/ when they are first needed, never into the project's
environment. Knows how to start a server, not what is measured.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

import llama_cpp

import localllm
from benchmarks.client import Client, MeasurementFailed, user

HERE = Path(__file__).parent
PEERS_DIR = HERE / ".venv-peers"
START_TIMEOUT_S = 300.0
STOP_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Settings:
    """The same for every server."""

    model: str
    num_threads: int
    n_ctx: int = 16384
    num_slots: int = 8
    n_gpu_layers: int = 0
    is_embedding: bool = False


class Server:
    """A server as a process of its own. Its home folder outlives a restart."""

    name = ""
    packages: Sequence[str] = ()
    letters: str | None = None
    """The scenarios it can do; None: all."""

    def __init__(self, settings: Settings, home: Path) -> None:
        self.settings = settings
        self.home = home
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def client(self) -> Client:
        return Client("127.0.0.1", self.port)

    @property
    def log_path(self) -> Path:
        return self.home / f"{self.name}.log"

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def about(self) -> str:
        """Its version, and what its llama.cpp was compiled for; asked while it runs."""
        raise NotImplementedError

    def start(self) -> None:
        """Returns when a first short answer has come, so that loading is not measured."""
        self._log = self.log_path.open("ab")
        self._process = subprocess.Popen(
            self.command(), env=self.environment(), stdout=self._log, stderr=subprocess.STDOUT
        )
        self._wait_until_it_listens()
        if self.settings.is_embedding:
            self.client.embed(["people way day"])
        else:
            self.client.ask(user("people way day man thing woman life child"), 4)

    def stop(self) -> None:
        """Ask it to end, and wait: what it saves at the end belongs to the scenario with the restart."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        if self._log is not None:
            self._log.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process is None or self._process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v1/models", timeout=10):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        tail = self.log_path.read_text("utf-8", "replace")[-1500:]
        raise MeasurementFailed(f"{self.name} did not start; the end of {self.log_path}:\n{tail}")


class Ours(Server):
    name = "localllm"

    def command(self) -> list[str]:
        code = "from localllm.cli import main; main()"
        return [sys.executable, "-c", code, "serve", "--host", "127.0.0.1", "--port", str(self.port)]

    def about(self) -> str:
        compiled_for = llama_cpp.llama_print_system_info().decode().strip()
        return f"{localllm.__version__} on llama-cpp-python {llama_cpp.__version__}, {compiled_for}"

    def environment(self) -> dict[str, str]:
        """A home of its own, with a catalog of one model."""
        catalog = {
            "id": "bench",
            "kind": "embedding" if self.settings.is_embedding else "chat",
            "source": self.settings.model,
            "n_ctx": self.settings.n_ctx,
            "n_parallel": self.settings.num_slots,
            "n_threads": self.settings.num_threads,
            "n_gpu_layers": self.settings.n_gpu_layers,
            "keep_alive": "forever",
        }
        home = self.home / "localllm-home"
        home.mkdir(parents=True, exist_ok=True)
        lines = ["[[model]]", *(f"{key} = {json.dumps(value)}" for key, value in catalog.items()), ""]
        (home / "models.toml").write_text("\n".join(lines), "utf-8")
        return {**os.environ, "LOCALLLM_HOME": str(home), "PYTHONPATH": str(HERE.parent)}


class LlamaServer(Server):
    name = "llama.cpp server"
    packages = ("xllamacpp",)

    def command(self) -> list[str]:
        settings = json.dumps({**asdict(self.settings), "port": self.port})
        return [sys.executable, str(HERE / "xllamacpp_server.py"), settings]

    def about(self) -> str:
        return self.log_path.read_text("utf-8", "replace").splitlines()[0]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(_peer_dir(self.name))}


class LlamaCppPythonServer(Server):
    """llama-cpp-python's example server, on the very library that the project uses; one request at a time."""

    name = "llama_cpp.server"
    packages = ("uvicorn", "fastapi", "pydantic-settings", "sse-starlette", "starlette-context<0.4", "PyYAML")
    letters = "A"

    def command(self) -> list[str]:
        options = {
            "model": self.settings.model,
            "model_alias": "bench",
            "host": "127.0.0.1",
            "port": self.port,
            "n_ctx": self.settings.n_ctx,
            "n_threads": self.settings.num_threads,
            "n_threads_batch": self.settings.num_threads,
            "n_gpu_layers": self.settings.n_gpu_layers,
        }
        words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        return [sys.executable, "-m", "llama_cpp.server", *words]

    def about(self) -> str:
        return f"llama-cpp-python {llama_cpp.__version__}, the library that localllm uses"

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(_peer_dir(self.name))}


SERVERS: dict[str, type[Server]] = {
    "ours": Ours,
    "llama-server": LlamaServer,
    "llama-cpp-python": LlamaCppPythonServer,
}


def install(kind: type[Server]) -> None:
    """Put a peer's packages into its folder, once. MeasurementFailed when pip cannot."""
    folder = _peer_dir(kind.name)
    if not kind.packages or folder.exists():
        return
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    uv = shutil.which("uv")
    installer = (
        [uv, "pip", "install", "--python", sys.executable] if uv else [sys.executable, "-m", "pip", "install"]
    )
    print(f"installing {', '.join(kind.packages)} into {folder} …", file=sys.stderr)
    done = subprocess.run([*installer, "-q", "--target", str(part), *kind.packages], check=False)
    if done.returncode != 0:
        raise MeasurementFailed(f"{kind.name} could not be installed; see pip's message above")
    part.rename(folder)


def _peer_dir(name: str) -> Path:
    return PEERS_DIR / name.replace(" ", "-")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
