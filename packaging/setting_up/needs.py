"""What the machine lacks, said in one sentence that names the command for this system.

Knows what a compile of llama.cpp needs (a C and a C++ compiler, disk space; CMake and Ninja are fetched by its own
build where they are missing) and what typical last words of pip and of compilers mean. Starts no installation.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

GB = 10**9
COMPILE_BYTES = 3 * GB
CUDA_COMPILE_BYTES = 8 * GB
INSTALL_BYTES = 1 * GB
CUDA_HOMES: tuple[str, ...] = ("/usr/local/cuda", "/opt/cuda")
FreeBytes = Callable[[Path], int]

COMPILER_COMMANDS = {
    "apt-get": "sudo apt install build-essential",
    "dnf": "sudo dnf install gcc-c++ make",
    "pacman": "sudo pacman -S base-devel",
    "zypper": "sudo zypper install gcc-c++ make",
    "apk": "sudo apk add build-base linux-headers",
}
WINDOWS_COMPILER = (
    "winget install Microsoft.VisualStudio.2022.BuildTools --override "
    '"--wait --passive --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended"'
)
CUDA_COMMANDS = {
    "apt-get": "sudo apt install nvidia-cuda-toolkit",
    "dnf": "sudo dnf install cuda-toolkit",
    "pacman": "sudo pacman -S cuda",
    "winget": "winget install Nvidia.CUDA",
}


def free_bytes(folder: Path) -> int:
    """Free space where `folder` is, or will be."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def missing_for_environment(folder: Path, free: FreeBytes = free_bytes) -> list[str]:
    """What stands in the way of a private environment in `folder`; empty when nothing does."""
    missing = []
    if importlib.util.find_spec("ensurepip") is None and not shutil.which("uv"):
        name = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        missing.append(
            f"This Python cannot make environments: run `sudo apt install {name}` and start again."
        )
    return missing + _missing_space({folder: INSTALL_BYTES}, free)


def missing_for_compile(folder: Path, is_cuda: bool, free: FreeBytes = free_bytes) -> list[str]:
    """What stands in the way of compiling llama.cpp; empty when nothing does."""
    missing = [] if has_compiler() else [_no_compiler()]
    if is_cuda and not has_cuda_toolkit():
        missing.append(_no_cuda_toolkit())
    temporary = Path(tempfile.gettempdir())
    size = CUDA_COMPILE_BYTES if is_cuda else COMPILE_BYTES
    return missing + _missing_space({temporary: size, folder: INSTALL_BYTES}, free)


def has_compiler() -> bool:
    """Whether CMake would find a C and a C++ compiler."""
    if sys.platform == "win32":
        return bool(shutil.which("cl") or shutil.which("g++") or _has_visual_studio())
    if sys.platform == "darwin":  # /usr/bin/cc is always there, and only asks to be installed
        return bool(_output_of("xcode-select", "-p"))
    return _any_program("CC", "cc", "gcc", "clang") and _any_program("CXX", "c++", "g++", "clang++")


def _any_program(variable: str, *names: str) -> bool:
    chosen = os.environ.get(variable, "").split()
    return any(shutil.which(name) for name in chosen[:1] or names)


def _has_visual_studio() -> bool:
    base = os.environ.get("PROGRAMFILES(X86)", r"C:\Program Files (x86)")
    finder = Path(base) / "Microsoft Visual Studio" / "Installer" / "vswhere.exe"
    tools = "Microsoft.VisualStudio.Component.VC.Tools.x86.x64"
    return bool(
        _output_of(str(finder), "-products", "*", "-requires", tools, "-property", "installationPath")
    )


def _output_of(*command: str) -> str:
    """What a command says on stdout when it succeeds; empty where it fails or is not there."""
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return asked.stdout.strip()


def has_cuda_toolkit() -> bool:
    named = [os.environ.get(name) for name in ("CUDACXX", "CUDA_HOME", "CUDA_PATH")]
    return bool(
        shutil.which("nvcc") or any(named) or any(Path(home, "bin", "nvcc").exists() for home in CUDA_HOMES)
    )


def _no_compiler() -> str:
    if sys.platform == "win32":
        command = WINDOWS_COMPILER
    elif sys.platform == "darwin":
        command = "xcode-select --install"
    else:
        command = _command_of(COMPILER_COMMANDS)
    how = f"run `{command}`" if command else "install gcc and g++ (or clang)"
    return f"llama.cpp has to be compiled here and there is no C and C++ compiler: {how} and start again."


def _no_cuda_toolkit() -> str:
    command = _command_of(CUDA_COMMANDS)
    how = f"run `{command}`" if command else "install NVIDIA's CUDA toolkit"
    return (
        f"Compiling llama.cpp for CUDA needs the compiler nvcc: {how} and start again (or start with --cpu)."
    )


def _command_of(commands: dict[str, str]) -> str:
    """The command of the package tool this system has; empty where it has none of them."""
    return next((command for tool, command in commands.items() if shutil.which(tool)), "")


def _missing_space(needed: dict[Path, int], free: FreeBytes) -> list[str]:
    """The folders with less room than they need."""
    return [
        f"{folder} has {free(folder) / GB:.1f} GB free and {size / GB:.0f} GB are needed: make room and start again"
        + (" (or let TMPDIR name a folder with room)." if str(folder) == tempfile.gettempdir() else ".")
        for folder, size in needed.items()
        if free(folder) < size
    ]


LAST_WORDS = [
    (r"No space left on device|not enough space on the disk", "The disk is full: make room and start again."),
    (
        r"Failed to establish a new connection|Temporary failure in name resolution|NameResolutionError"
        r"|getaddrinfo failed|NewConnectionError|ConnectTimeoutError|Read timed out|ReadTimeoutError"
        r"|Network is unreachable|Cannot connect to proxy|ProxyError"
        r"|dns error|error sending request|client error \(Connect\)|Could not connect|tcp connect error",
        "The package registry cannot be reached: check the network (or HTTPS_PROXY) and start again.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|invalid peer certificate",
        "The registry's certificate is not trusted here: check the clock, or set PIP_CERT to its file.",
    ),
    (
        r"Killed signal terminated program|virtual memory exhausted|out of memory|\(signal 9\)|Out of heap",
        "Memory ran out while compiling: set CMAKE_BUILD_PARALLEL_LEVEL=1 and start again.",
    ),
    (r"No CMAKE_CXX?_COMPILER could be found|CMAKE_C_COMPILER not set", ""),
    (r"No CUDA toolset found|Failed to find nvcc|CUDA Toolkit not found|CMAKE_CUDA_COMPILER", "cuda"),
    (
        r"No matching distribution found for (?P<what>\S+)",
        "The registry cannot be reached or has no {what} for this Python: check the network, else try Python 3.12.",
    ),
]


def explain(lines: list[str], code: int = 1) -> str:
    """What the last words and the exit status of a failed command mean, and what to do, as one sentence."""
    text = "\n".join(lines[-400:])
    for pattern, sentence in LAST_WORDS:
        if found := re.search(pattern, text):
            if not sentence:
                return _no_compiler()
            return _no_cuda_toolkit() if sentence == "cuda" else sentence.format(**found.groupdict())
    if code < 0:
        return f"It was ended from outside (signal {-code}): start again."
    return "The lines above say why; once that is put right, start again."
