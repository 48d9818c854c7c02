"""llama.cpp's RPC backend: put layers of a model on other computers, and be such a computer.

Everything here ends the whole process when the other side is gone (llama.cpp aborts), so the caller has asked the
address first (engine/rpc_probe.py) and runs in a process that may end. Knows no supervision and no message.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llama_cpp

from localllm.llama import library

CPU_KIND = 0  # ggml_backend_dev_type
_ABORTED = ctypes.CFUNCTYPE(None, ctypes.c_char_p)


def is_built_in() -> bool:
    """True where this build of llama.cpp was compiled with GGML_RPC."""
    return bool(llama_cpp.llama_supports_rpc())


def add_worker(address: str) -> None:
    """Make the devices of the worker at "host:port" devices of this process: `Model` then puts layers on them.

    Raises LlamaError where the build has no RPC, or the worker offers no device.
    """
    add = _procedure("ggml_backend_rpc_add_server", ctypes.c_void_p, ctypes.c_char_p)
    registry = add(address.encode())
    if not registry:
        raise library.LlamaError(f"The worker {address} offers no device that layers could be put on.")
    register = library.symbol("ggml_backend_register")
    register.restype, register.argtypes = None, [ctypes.c_void_p]
    register(registry)


def offered_devices() -> list[library.DeviceRow]:
    """What a worker on this computer offers: its GPUs, or its processor where it has none."""
    library.start()
    rows = library.device_rows()
    return [r for r in rows if r.kind in library.GPU_KINDS] or [r for r in rows if r.kind == CPU_KIND]


def serve(address: str, num_threads: int, cache_dir: Path | None) -> None:
    """Compute for whoever connects to "IPv4:port", one after another; returns only when it cannot listen there.

    cache_dir: where large tensors are kept, so that a model that comes again need not be sent again.
    Raises LlamaError where the build has no RPC.
    """
    size, text = ctypes.c_size_t, ctypes.c_char_p
    pointers = ctypes.POINTER(ctypes.c_void_p)
    start = _procedure("ggml_backend_rpc_start_server", None, text, text, size, size, pointers)
    devices = [row.pointer for row in offered_devices()]
    cache = None if cache_dir is None else os.fsencode(cache_dir)
    start(address.encode(), cache, num_threads, len(devices), (ctypes.c_void_p * len(devices))(*devices))


def on_abort(action: Callable[[str], None]) -> None:
    """Tell `action` why llama.cpp is about to abort this process, after the same words have gone to stderr."""
    global _on_abort

    def aborted(message: bytes) -> None:
        os.write(2, message + b"\n")
        action(message.decode(errors="replace"))

    _on_abort = _ABORTED(aborted)  # kept: C code holds no reference
    set_callback = library.symbol("ggml_set_abort_callback")
    set_callback.restype, set_callback.argtypes = ctypes.c_void_p, [_ABORTED]
    set_callback(_on_abort)


_on_abort: object = None


def _procedure(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    """A function of the RPC backend, by way of its registry entry. Raises LlamaError where the build has none."""
    find_registry = library.symbol("ggml_backend_reg_by_name")
    find_address = library.symbol("ggml_backend_reg_get_proc_address")
    find_registry.restype, find_registry.argtypes = ctypes.c_void_p, [ctypes.c_char_p]
    find_address.restype, find_address.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]
    registry = find_registry(b"RPC")
    address = find_address(registry, name.encode()) if registry else None
    if not address:
        raise library.LlamaError("This build of llama.cpp has no RPC.")
    return ctypes.CFUNCTYPE(result, *arguments)(address)
