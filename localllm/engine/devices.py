"""Which GPUs there are and how much memory they have free: asked in a short child process, like all of llama.cpp.

A broken driver can end the process that asks; here that is a child, and the answer is "none".
"""

from __future__ import annotations

import contextlib
import importlib.util
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec

from localllm.engine.short_child import ask_child

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
    if not has_library(*GPU_LIBRARIES):
        return ()
    said = ask_child(_tell, timeout_s=TIMEOUT_S)
    return msgspec.msgpack.decode(said, type=tuple[Device, ...]) if said else ()


def has_library(*kinds: str) -> bool:
    """True where llama_cpp's folder has a ggml library of one of these kinds, or cannot be looked into.

    Does not import it.
    """
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.origin is None:
        return False
    folder = Path(spec.origin).parent / "lib"
    names = [p.name.lower() for p in folder.glob("*ggml*")] if folder.is_dir() else []
    return not names or any(kind in name for name in names for kind in kinds)


def _tell(connection: Connection) -> None:
    """The child's main."""
    from localllm.llama import library

    with contextlib.suppress(OSError):
        devices = tuple(Device(*row) for row in library.gpu_rows())
        connection.send_bytes(msgspec.msgpack.encode(devices))
