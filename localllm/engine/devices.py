"""Which GPUs there are and how much memory they have free: asked in a short child process, like all of llama.cpp.

A broken driver can end the process that asks; here that is a child, and the answer is "none".
"""

from __future__ import annotations

import contextlib
import importlib.util
import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

TIMEOUT_S = 30.0
GPU_LIBRARIES = ("cuda", "metal", "vulkan", "hip", "sycl", "musa", "cann", "opencl")


class Device(msgspec.Struct, frozen=True):
    """A device that layers can be put on. Sizes in bytes; an "igpu" takes its memory from the computer's."""

    name: str
    description: str
    kind: str  # "gpu" or "igpu"
    free_bytes: int
    total_bytes: int


def find_devices() -> tuple[Device, ...]:
    """The GPUs of this computer that this build of llama.cpp can use. Takes about half a second where it has any."""
    if not _is_built_for_gpus():
        return ()
    connection, child = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_tell, args=(child,), daemon=True)
    process.start()
    child.close()
    try:
        if connection.poll(TIMEOUT_S):
            return msgspec.msgpack.decode(connection.recv_bytes(), type=tuple[Device, ...])
    except (EOFError, OSError):
        pass
    finally:
        process.kill()
        process.join()
        connection.close()
    return ()


def _is_built_for_gpus() -> bool:
    """True where llama_cpp's folder has a GPU library, or cannot be looked into. Does not import it."""
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.origin is None:
        return False
    folder = Path(spec.origin).parent / "lib"
    names = [p.name.lower() for p in folder.glob("*ggml*")] if folder.is_dir() else []
    return not names or any(gpu in name for name in names for gpu in GPU_LIBRARIES)


def _tell(connection: Connection) -> None:
    """The child's main."""
    from localllm.llama import library

    with contextlib.suppress(OSError):
        devices = tuple(Device(*row) for row in library.gpu_rows())
        connection.send_bytes(msgspec.msgpack.encode(devices))
