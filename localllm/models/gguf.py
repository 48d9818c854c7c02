"""Reads the header of a GGUF file: metadata and tensor table, never the weights. For files nobody vouches for.

Every count and length is checked against the file's size before it is believed, so that a broken or hostile file
gives an error and not an exhausted memory. Large arrays (the vocabulary) are skipped, not read. Knows nothing of
what the metadata mean, and nothing of llama.cpp.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import mmap
import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path, PurePath
from typing import Any, TypeVar

from localllm import errors

AnyPath = TypeVar("AnyPath", bound=PurePath)
MAGIC = b"GGUF"
VERSIONS = (2, 3)
MAX_METADATA = 100_000
MAX_TENSORS = 1_000_000
MAX_NAME_BYTES = 65_535
MAX_DIMS = 4
MAX_ARRAY_READ = 4096  # longer arrays are vocabularies; nobody here asks for them

_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})\.gguf")
_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _ARRAY = 8, 9

# ggml type → (name, elements per block, bytes per block)
TENSOR_TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22),
    7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110),
    12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292),
    16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74), 18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50),
    20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82), 23: ("IQ4_XS", 256, 136),
    24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66),
    39: ("MXFP4", 32, 17), 40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18), 42: ("Q2_0", 64, 18),
}  # fmt: skip

# general.file_type → what people call the quantization
FILE_TYPES = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S",
    12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K",
    19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL",
    26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16", 36: "TQ1_0",
    37: "TQ2_0", 38: "MXFP4", 39: "NVFP4", 40: "Q1_0", 41: "Q2_0",
}  # fmt: skip


@dataclass(frozen=True)
class Tensor:
    """One row of the tensor table. `dims` as ggml has them, fastest first; `offset` within the data section."""

    name: str
    dims: tuple[int, ...]
    type_id: int
    offset: int

    @property
    def num_elements(self) -> int:
        return prod(self.dims)

    @property
    def size_bytes(self) -> int:
        _, per_block, block_bytes = TENSOR_TYPES[self.type_id]
        return self.num_elements // per_block * block_bytes


@dataclass(frozen=True)
class Gguf:
    """The header of one file. Array values longer than 4 096 are given by their length only (`array_lengths`)."""

    path: Path
    version: int
    metadata: dict[str, Any]
    array_lengths: dict[str, int]
    tensors: tuple[Tensor, ...]
    data_offset: int
    file_bytes: int

    @property
    def architecture(self) -> str:
        return str(self.metadata.get("general.architecture", "unknown"))

    @property
    def weights_bytes(self) -> int:
        return sum(t.size_bytes for t in self.tensors)

    @property
    def quant(self) -> str:
        """The quantization as people write it: "Q4_K_M"; else the type most bytes have."""
        if (file_type := self.metadata.get("general.file_type")) in FILE_TYPES:
            return FILE_TYPES[file_type]
        by_type: dict[int, int] = {}
        for tensor in self.tensors:
            by_type[tensor.type_id] = by_type.get(tensor.type_id, 0) + tensor.size_bytes
        return TENSOR_TYPES[max(by_type, key=lambda t: by_type[t])][0] if by_type else "unknown"

    def get(self, key: str, default: Any = None) -> Any:
        """A value of this architecture: `get("context_length")` is `llama.context_length`."""
        return self.metadata.get(f"{self.architecture}.{key}", default)


def read_gguf(path: Path) -> Gguf:
    """Read and check the header. Raises ModelLoadFailed that says what is wrong with the file."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size < 24:
                raise _broken(path, "it is too short")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _Header(path, data, size).read()
    except OSError as e:
        raise errors.ModelLoadFailed(f"{path} cannot be read: {e.strerror or e}.") from e


def read_parts(path: Path) -> list[Gguf]:
    """The headers of a model: of one file, or of all parts of a split one. Kept while the files stay the same."""
    headers = []
    for part in shard_paths(path):
        try:
            stat = part.stat()
        except OSError as e:
            raise errors.ModelLoadFailed(f"{part} cannot be read: {e.strerror or e}.") from e
        headers.append(_read_once(part, stat.st_mtime_ns, stat.st_size))
    return headers


def shard_paths(path: AnyPath) -> list[AnyPath]:
    """All files of a model: `…-00001-of-00003.gguf` stands for three."""
    found = _SHARD.fullmatch(path.name)
    if found is None:
        return [path]
    return [path.with_name(f"{found[1]}-{i:05d}-of-{found[3]}.gguf") for i in range(1, int(found[3]) + 1)]


@lru_cache(maxsize=64)
def _read_once(path: Path, mtime_ns: int, size: int) -> Gguf:
    return read_gguf(path)


def check_complete(header: Gguf) -> None:
    """Raises ModelLoadFailed where the file ends before its last tensor does: a download that was cut off."""
    end = max((t.offset + t.size_bytes for t in header.tensors), default=0) + header.data_offset
    if end > header.file_bytes:
        raise _broken(
            header.path, f"it ends {end - header.file_bytes} bytes too early; download or copy it again"
        )


def _broken(path: Path, what: str) -> errors.ModelLoadFailed:
    return errors.ModelLoadFailed(f"{path} is no GGUF file that can be used: {what}.")


class _Header:
    """A position in the file, and what was found so far."""

    def __init__(self, path: Path, data: mmap.mmap, size: int) -> None:
        self._path = path
        self._data = data
        self._size = size
        self._at = 0
        self._lengths: dict[str, int] = {}

    def read(self) -> Gguf:
        if self._data[:4] != MAGIC:
            raise self._error("its first four bytes are not GGUF")
        self._at = 4
        version = self._scalar("<I")
        if version not in VERSIONS:
            reason = (
                "it is big-endian" if version in (v << 24 for v in VERSIONS) else f"its version is {version}"
            )
            raise self._error(f"{reason}, and only little-endian files of version 2 and 3 are read")
        num_tensors, num_metadata = self._count(MAX_TENSORS, "tensors"), self._count(MAX_METADATA, "metadata")
        metadata = dict(self._pair() for _ in range(num_metadata))
        tensors = tuple(self._tensor() for _ in range(num_tensors))
        alignment = metadata.get("general.alignment", 32)
        if not isinstance(alignment, int) or alignment < 1 or alignment & (alignment - 1):
            raise self._error(f"its alignment is {alignment!r}")
        data_offset = (self._at + alignment - 1) // alignment * alignment
        return Gguf(self._path, version, metadata, self._lengths, tensors, data_offset, self._size)

    def _pair(self) -> tuple[str, Any]:
        key = self._string(MAX_NAME_BYTES)
        return key, self._value(self._scalar("<I"), key)

    def _value(self, type_id: int, key: str) -> Any:
        if type_id == _STRING:
            return self._string(self._size)
        if type_id == _ARRAY:
            return self._array(key)
        if type_id not in _SCALARS:
            raise self._error(f"{key} has the unknown type {type_id}")
        return self._scalar(_SCALARS[type_id])

    def _array(self, key: str) -> tuple[Any, ...] | None:
        item = self._scalar("<I")
        length = self._count(self._size, key)
        self._lengths[key] = length
        if item == _STRING:
            if length <= MAX_ARRAY_READ:
                return tuple(self._string(self._size) for _ in range(length))
            self._skip_strings(length)
            return None
        if item not in _SCALARS:
            raise self._error(f"{key} is an array of the type {item}")
        code = _SCALARS[item]
        start = self._advance(length * struct.calcsize(code))
        if length > MAX_ARRAY_READ:
            return None
        return struct.unpack_from(f"<{length}{code[1]}", self._data, start)

    def _skip_strings(self, length: int) -> None:
        data, at, unpack = self._data, self._at, struct.Struct("<Q").unpack_from
        try:
            for _ in range(length):
                at += unpack(data, at)[0] + 8
        except (struct.error, OverflowError):
            raise self._error("a text in it is longer than the file") from None
        self._at = at
        self._advance(0)

    def _tensor(self) -> Tensor:
        name = self._string(MAX_NAME_BYTES)
        num_dims = self._scalar("<I")
        if num_dims > MAX_DIMS:
            raise self._error(f"the tensor {name[:80]!r} has {num_dims} dimensions")
        dims = tuple(self._scalar("<Q") for _ in range(num_dims))
        type_id, offset = self._scalar("<I"), self._scalar("<Q")
        if type_id not in TENSOR_TYPES:
            raise self._error(
                f"the tensor {name[:80]!r} has the type {type_id}, which this version does not know"
            )
        if any(d < 1 for d in dims) or prod(dims) > 1 << 48 or offset > self._size:
            raise self._error(f"the tensor {name[:80]!r} cannot be as large as it says, {dims}")
        return Tensor(name, dims, type_id, offset)

    def _count(self, limit: int, what: str) -> int:
        count: int = self._scalar("<Q")
        if count > limit:
            raise self._error(f"it claims {count} entries of {what}")
        return count

    def _scalar(self, code: str) -> Any:
        start = self._advance(struct.calcsize(code))
        return struct.unpack_from(code, self._data, start)[0]

    def _string(self, limit: int) -> str:
        length = self._scalar("<Q")
        if length > limit:
            raise self._error(f"a text in it has {length} bytes")
        start = self._advance(length)
        return self._data[start : start + length].decode("utf-8", errors="replace")

    def _advance(self, num_bytes: int) -> int:
        """Step over `num_bytes`, which must lie inside the file; the position before."""
        start, end = self._at, self._at + num_bytes
        if end > self._size:
            raise self._error("it ends inside its header")
        self._at = end
        return start

    def _error(self, what: str) -> errors.ModelLoadFailed:
        return _broken(self._path, what)
