"""The C library itself: start it, and ask what it was built with and what it runs on."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import llama_cpp

from localllm.errors import LocalllmError

KV_TYPES = {
    "f32": llama_cpp.GGML_TYPE_F32,
    "f16": llama_cpp.GGML_TYPE_F16,
    "bf16": 30,  # GGML_TYPE_BF16: the bindings do not name it
    "q8_0": llama_cpp.GGML_TYPE_Q8_0,
    "q5_1": llama_cpp.GGML_TYPE_Q5_1,
    "q5_0": llama_cpp.GGML_TYPE_Q5_0,
    "q4_1": llama_cpp.GGML_TYPE_Q4_1,
    "q4_0": llama_cpp.GGML_TYPE_Q4_0,
}


GPU_KINDS = {1: "gpu", 2: "igpu"}  # ggml_backend_dev_type


class LlamaError(LocalllmError):
    """llama.cpp refused or failed; its own words are in the engine's log."""


DEBUG_LEVEL, ERROR_LEVEL, CONTINUES_LEVEL = 1, 4, 5  # of ggml_log_level


@functools.cache
def start() -> None:
    """Initialise the backends, once. What llama.cpp says goes to stderr, which is the engine's log file.

    Lines of the debug level are left out: they would crowd out the last words of an engine that dies.
    """
    llama_cpp.llama_log_set(_log, ctypes.c_void_p(0))
    llama_cpp.llama_backend_init()


class _Told(threading.local):
    """What a thread lets llama.cpp say, and whether its last line was left out."""

    least_level = DEBUG_LEVEL + 1
    was_dropped = False


_told = _Told()


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator, unused-ignore]
def _log(level: int, text: bytes, _user_data: object) -> None:
    if level != CONTINUES_LEVEL:
        _told.was_dropped = level < _told.least_level
    if not _told.was_dropped:
        os.write(2, text)


@contextlib.contextmanager
def only_errors() -> Iterator[None]:
    """In this thread llama.cpp says nothing but errors meanwhile: what is done again and again would fill the log."""
    before, _told.least_level = _told.least_level, ERROR_LEVEL
    try:
        yield
    finally:
        _told.least_level = before


def build() -> str:
    """Version of the bindings and the instruction sets and backends llama.cpp was compiled for."""
    info = llama_cpp.llama_print_system_info().decode(errors="replace").strip()
    return f"llama-cpp-python {llama_cpp.__version__}, {info}"


def waiting_threads_sleep() -> bool:
    """True where threads that wait for each other on a CPU leave it to others after a moment, as GNU's OpenMP has it.

    llama.cpp's own threads spin for ever, and LLVM's OpenMP lets them for 0.2 s.
    """
    return sys.platform == "linux" and b"OPENMP = 1" in llama_cpp.llama_print_system_info()


def give_memory_back() -> None:
    """Let the C library hand freed memory to the system, where it keeps some: buffers of contexts are large."""
    # only glibc has it; Windows has no library without a name
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


class DeviceRow(NamedTuple):
    """A device that layers can be put on. kind: llama.cpp's number; sizes in bytes. pointer: for llama.cpp alone."""

    name: str
    description: str
    kind: int
    free_bytes: int
    total_bytes: int
    pointer: int


def devices() -> tuple[str, ...]:
    """One line per device that layers can be put on, with its free memory in MiB. Empty where it cannot be asked."""
    return tuple(
        f"{row.name} ({row.description}): {row.free_bytes >> 20} of {row.total_bytes >> 20} MiB free"
        for row in device_rows()
    )


def gpu_rows() -> list[tuple[str, str, str, int, int]]:
    """(name, description, "gpu" or "igpu", free bytes, total bytes) of each GPU."""
    return [
        (row.name, row.description, GPU_KINDS[row.kind], row.free_bytes, row.total_bytes)
        for row in device_rows()
        if row.kind in GPU_KINDS
    ]


def device_rows() -> list[DeviceRow]:
    """Each device of this process. Empty where it cannot be asked."""
    try:
        count, get = symbol("ggml_backend_dev_count"), symbol("ggml_backend_dev_get")
        name, description = symbol("ggml_backend_dev_name"), symbol("ggml_backend_dev_description")
        kind, memory = symbol("ggml_backend_dev_type"), symbol("ggml_backend_dev_memory")
    except LlamaError:
        return []
    count.restype, get.restype, get.argtypes = ctypes.c_size_t, ctypes.c_void_p, [ctypes.c_size_t]
    for text in (name, description):
        text.restype, text.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
    kind.restype, kind.argtypes = ctypes.c_int, [ctypes.c_void_p]
    memory.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_size_t), ctypes.POINTER(ctypes.c_size_t)]
    memory.restype = None
    rows = []
    for index in range(count()):
        device = get(index)
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        memory(device, ctypes.byref(free), ctypes.byref(total))
        words = description(device).decode(errors="replace").strip()
        rows.append(DeviceRow(name(device).decode(), words, kind(device), free.value, total.value, device))
    return rows


def symbol(name: str) -> Any:
    """A function of ggml that the bindings do not have. Raises LlamaError where it cannot be found.

    It comes from the libraries that llama_cpp itself has loaded: a second copy would have a registry of its own.
    """
    for lib in _libraries():
        with contextlib.suppress(AttributeError):
            return getattr(lib, name)
    raise LlamaError(f"This build of llama.cpp does not let {name} be called.")


@functools.cache
def _libraries() -> tuple[ctypes.CDLL, ...]:
    """libllama shows what it depends on, but for Windows: there each library is asked, by the name it was loaded as."""
    libraries = [llama_cpp.llama_cpp._lib]
    if sys.platform == "win32":
        folder = Path(llama_cpp.__file__).parent / "lib"
        names = [folder / "ggml.dll", folder / "ggml-base.dll"]
        libraries += [ctypes.CDLL(str(path)) for path in names if path.exists()]
    return tuple(libraries)
