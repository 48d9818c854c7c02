"""llama.cpp for this machine: a wheel that its Python package's author publishes, one that is in pip's cache already,
or a compile; the first that really loads is taken.

What is compiled here can spread a model over several computers (llama.cpp's RPC), which the published wheels cannot.
Neither pip's nor uv's cache of built wheels knows CMAKE_ARGS. So every set of arguments has a cache folder of its own,
and is never mixed up with another, nor with a wheel that something else left in pip's cache.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .environment import Environment, user_cache
from .needs import missing_for_compile
from .steps import CommandFailed, SetupFailed, Steps

WHEELS = "https://abetlen.github.io/llama-cpp-python/whl"  # the author's own pages, see the package's README
CUDA_WHEELS = {"cu118": (11, 8), "cu121": (12, 1), "cu122": (12, 2), "cu123": (12, 3)} | {
    "cu124": (12, 4),
    "cu125": (12, 5),
    "cu130": (13, 0),
    "cu132": (13, 2),
}
OLDEST_FOR_CUDA_13 = 7.5  # compute capability
NEWEST_FOR_CUDA_11 = 8.9
PROBE_S = 3.0
PACKAGE = "llama-cpp-python"
RPC = "-DGGML_RPC=ON"


@dataclass(frozen=True)
class Build:
    """How llama.cpp is wanted.

    kind: `auto` (what the machine has), `cpu`, `cuda`, `rpc` (compiled, because published wheels have no RPC) or `own`
    (the user's CMAKE_ARGS).
    """

    kind: str
    user_args: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.user_args}".strip()

    @classmethod
    def parse(cls, text: str) -> Build:
        kind, _, args = text.partition(" ")
        return cls(kind, args)

    @property
    def cmake_args(self) -> str:
        """What is added to llama.cpp's own defaults. The user's come last, so that they win."""
        own = {"cuda": "-DGGML_CUDA=on", "cpu": "-DGGML_METAL=off" if sys.platform == "darwin" else ""}
        rpc = "" if "GGML_RPC" in self.user_args else RPC
        return " ".join(filter(None, [own.get(self.kind, ""), rpc, self.user_args]))


@dataclass(frozen=True)
class Attempt:
    """One way to get the package. words: for pip. is_gpu, is_rpc: what it must find in it."""

    title: str
    words: list[str]
    is_gpu: bool = False
    env: dict[str, str] | None = None
    is_compile: bool = False
    is_rpc: bool = False


def chosen_build(flag: str, remembered: str, otherwise: str = "auto") -> Build:
    """The flag of this start, else the user's CMAKE_ARGS, else what the environment was made with, else `otherwise`."""
    user_args = os.environ.get("CMAKE_ARGS", "").strip()
    if flag or user_args:
        return Build(flag or "own", user_args)
    return Build.parse(remembered or otherwise)


def install(environment: Environment, steps: Steps, build: Build, version: str) -> None:
    """Put llama-cpp-python `version` into the environment. Raises SetupFailed, CommandFailed."""
    pip = [str(environment.python), "-m", "pip", "--disable-pip-version-check"]
    for attempt in attempts(environment, build, version):
        if attempt.is_compile and (missing := missing_for_compile(environment.folder, build.kind == "cuda")):
            raise SetupFailed("\n".join(missing))
        try:
            with steps.step(attempt.title):
                steps.run([*pip, "install", "-v", *attempt.words, f"{PACKAGE}=={version}"], attempt.env)
                try_out(environment, attempt)
        except (CommandFailed, SetupFailed) as problem:
            if attempt.is_compile:
                raise
            why = problem if isinstance(problem, SetupFailed) else "it could not be installed"
            steps.note(f"{attempt.title}: not used, {why}.")
            steps.run([*pip, "uninstall", "--yes", PACKAGE])
        else:
            advise_cuda(steps, build, attempt)
            return


def advise_cuda(steps: Steps, build: Build, taken: Attempt) -> None:
    """Say what would make use of a GPU that is there."""
    if build.kind == "auto" and not taken.is_gpu and nvidia_gpu()[1]:
        steps.note("There is an NVIDIA GPU: `python3 packaging/start.py --cuda` makes llama.cpp use it.")


def attempts(environment: Environment, build: Build, version: str) -> Iterator[Attempt]:
    """The ways to the package, best first; the last one always compiles."""
    only_ready = [f"--only-binary={PACKAGE}"]
    for variant in [] if build.user_args else variants(build.kind):
        if is_published(variant, version):
            title = f"llama.cpp, ready-made ({variant})"
            words = [*only_ready, f"--extra-index-url={WHEELS}/{variant}"]
            yield Attempt(title, words, is_gpu=variant.startswith("cu"))
    cache = cache_words(build)
    env = compile_env(build)
    is_cuda, is_rpc = build.kind == "cuda", build.kind == "rpc"
    if wheel := cached_wheel(environment, cache, version):
        words = [*cache, *only_ready, f"--find-links={wheel.parent}"]
        yield Attempt("llama.cpp, compiled here before", words, is_cuda, env, is_rpc=is_rpc)
        cache = [*cache, "--no-cache-dir"]  # it did not load, so it must not come again
    words = [*cache, f"--no-binary={PACKAGE}"] if is_rpc else cache
    title = "llama.cpp from source (takes minutes)"
    yield Attempt(title, words, is_cuda, env, is_compile=True, is_rpc=is_rpc)


def cache_words(build: Build) -> list[str]:
    """Each set of arguments has a folder of its own."""
    name = hashlib.sha256(build.cmake_args.encode()).hexdigest()[:12]
    return [f"--cache-dir={user_cache() / 'builds' / name}"]


def compile_env(build: Build) -> dict[str, str]:
    jobs = os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL") or str(os.cpu_count() or 1)
    return {"CMAKE_ARGS": build.cmake_args, "CMAKE_BUILD_PARALLEL_LEVEL": jobs}


def cached_wheel(environment: Environment, cache: list[str], version: str) -> Path | None:
    """The wheel of an earlier compile with the same arguments, as pip's cache has it."""
    command = [
        str(environment.python),
        "-m",
        "pip",
        "cache",
        "list",
        "llama_cpp_python",
        "--format=abspath",
        *cache,
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    wheels = [line for line in said.splitlines() if f"llama_cpp_python-{version}-" in line]
    return Path(wheels[0]) if wheels else None


def try_out(environment: Environment, attempt: Attempt) -> None:
    """Load the library in a process of its own. Raises SetupFailed, which says what is wrong with it."""
    script = (
        "import llama_cpp; llama_cpp.llama_backend_init(); "
        f"assert not {attempt.is_gpu} or llama_cpp.llama_supports_gpu_offload(), 'it has no GPU code'; "
        f"assert not {attempt.is_rpc} or llama_cpp.llama_supports_rpc(), 'it has no RPC'"
    )
    tried = subprocess.run(
        [str(environment.python), "-c", script], capture_output=True, text=True, check=False
    )
    if tried.returncode < 0:
        raise SetupFailed(f"llama.cpp crashes on this processor (signal {-tried.returncode})")
    if tried.returncode:
        last = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SetupFailed(f"llama.cpp does not start here ({last[:200]})")


def variants(kind: str) -> list[str]:
    """The published variants that suit this machine, best first."""
    if kind in ("own", "rpc"):
        return []
    if sys.platform == "darwin":
        return ["metal"] if kind == "auto" else []
    cuda = [] if kind == "cpu" else cuda_variants(*nvidia_gpu())
    return cuda if kind == "cuda" else [*cuda, "cpu"]


def nvidia_gpu() -> tuple[tuple[int, int], float]:
    """(newest CUDA version the driver knows, compute capability of the oldest GPU); zeros where there is none."""
    if not shutil.which("nvidia-smi"):
        return (0, 0), 0.0
    version = re.search(r"CUDA (?:\w+ )?Version:\s*(\d+)\.(\d+)", _nvidia_smi())
    capabilities = re.findall(
        r"^\d+\.\d+$", _nvidia_smi("--query-gpu=compute_cap", "--format=csv,noheader"), re.M
    )
    if not version or not capabilities:
        return (0, 0), 0.0
    return (int(version[1]), int(version[2])), min(map(float, capabilities))


def _nvidia_smi(*words: str) -> str:
    try:
        return subprocess.run(
            ["nvidia-smi", *words], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def cuda_variants(driver: tuple[int, int], capability: float) -> list[str]:
    """The newest CUDA wheels that driver and GPU both know."""
    fitting = [
        (version, name)
        for name, version in CUDA_WHEELS.items()
        if version <= driver
        and not (version[0] == 13 and capability < OLDEST_FOR_CUDA_13)
        and not (version[0] == 11 and capability > NEWEST_FOR_CUDA_11)
    ]
    return [max(fitting)[1]] if fitting else []


def is_published(variant: str, version: str) -> bool:
    """Whether the author's page can be reached within seconds and lists this version."""
    answer: list[bool] = []
    asking = threading.Thread(target=lambda: answer.append(_lists(variant, version)), daemon=True)
    asking.start()
    asking.join(PROBE_S + 0.5)  # looking a name up knows no timeout of its own
    return answer == [True]


def _lists(variant: str, version: str) -> bool:
    import urllib.error
    import urllib.request  # slow to import, and a start that finds everything ready does without

    try:
        with urllib.request.urlopen(f"{WHEELS}/{variant}/{PACKAGE}/", timeout=PROBE_S) as page:
            return f"llama_cpp_python-{version}-" in page.read().decode("utf-8", "replace")
    except urllib.error.URLError as error:
        return "CERTIFICATE_VERIFY_FAILED" in str(
            error.reason
        )  # a Python without certificates; pip has its own
    except (OSError, ValueError):
        return False
