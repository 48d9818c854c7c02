"""Writes GGUF files (version 3), whole or as bytes that a test can damage.

Knows the container only: not which keys or tensors an architecture wants (tests/tiny_models.py, benchmarks/).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

MAGIC = b"GGUF"
VERSION = 3
ALIGNMENT = 32

UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64 = 4, 5, 6, 7, 8, 9, 10
TENSOR_TYPES = {np.dtype(np.float32): 0, np.dtype(np.float16): 1}

Scalar = bool | int | float | str
Metadata = Mapping[str, "Scalar | Sequence[Scalar]"]
Values = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Tensor:
    """A named array in numpy's order (rows, columns); `make` is called when it is written: models may be large."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    make: Callable[[], Values]

    @staticmethod
    def of(name: str, values: Values) -> Tensor:
        return Tensor(name, values.shape, values.dtype, lambda: values)

    @property
    def num_bytes(self) -> int:
        return int(np.prod(self.shape)) * self.dtype.itemsize


def write_gguf(path: Path, metadata: Metadata, tensors: Sequence[Tensor]) -> Path:
    """Write the file, one tensor in memory at a time; no part of it is seen under `path` before it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(header(metadata, tensors))
        for tensor in tensors:
            _write_tensor(file, tensor)
    return part.replace(path)


def header(metadata: Metadata, tensors: Sequence[Tensor]) -> bytes:
    """All that stands before the tensors' data, padded to the alignment."""
    start = MAGIC + struct.pack("<IQQ", VERSION, len(tensors), len(metadata))
    keys = b"".join(string(key) + typed_value(value) for key, value in metadata.items())
    return padded(start + keys + tensor_infos(tensors))


def tensor_infos(tensors: Sequence[Tensor]) -> bytes:
    """Name, dimensions (the fastest first, unlike numpy), type and offset of each tensor."""
    infos, offset = [], 0
    for tensor in tensors:
        dimensions = tensor.shape[::-1]
        infos.append(string(tensor.name) + struct.pack(f"<I{len(dimensions)}Q", len(dimensions), *dimensions))
        infos.append(struct.pack("<IQ", TENSOR_TYPES[tensor.dtype], offset))
        offset += -(-tensor.num_bytes // ALIGNMENT) * ALIGNMENT
    return b"".join(infos)


def string(text: str) -> bytes:
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def typed_value(value: Scalar | Sequence[Scalar]) -> bytes:
    """The value's type and bytes. An integer is UINT32 (INT32 below zero, UINT64 when large), in an array INT32."""
    if isinstance(value, (bool, int, float, str)):
        kind = _kind_of(value)
        return struct.pack("<I", kind) + _raw(kind, value)
    kind = _kind_of(value[0])
    kind = INT32 if kind in (UINT32, UINT64) else kind
    return struct.pack("<IIQ", ARRAY, kind, len(value)) + b"".join(_raw(kind, item) for item in value)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)


def _kind_of(value: Scalar) -> int:
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, int):
        return INT32 if value < 0 else UINT32 if value < 2**32 else UINT64
    return FLOAT32 if isinstance(value, float) else STRING


def _raw(kind: int, value: Scalar) -> bytes:
    if isinstance(value, str):
        return string(value)
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?", UINT64: "<Q"}[kind], value)


def _write_tensor(file: BinaryIO, tensor: Tensor) -> None:
    values = tensor.make()
    assert values.shape == tensor.shape, f"{tensor.name}: made {values.shape}, announced {tensor.shape}"
    assert values.dtype == tensor.dtype, f"{tensor.name}: made {values.dtype}, announced {tensor.dtype}"
    file.write(np.ascontiguousarray(values).data)
    file.write(bytes(-tensor.num_bytes % ALIGNMENT))
