"""GGUF files with something wrong in them, the same for the same seed: header, metadata, tensors, counts, length.

Knows how the format is laid out, and nothing of who reads it.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

HEADER_BYTES = 24
HUGE = (0, 1 << 16, 1 << 31, (1 << 32) - 1, 1 << 40, 1 << 62, (1 << 63) + 1, (1 << 64) - 1)
NUMBERS = (0, 1, 3, 7, 255, 1 << 20, 1 << 31, (1 << 32) - 1)


@dataclass(frozen=True)
class Whole:
    """A good file, and where its parts are: its length fields, its 32-bit values by key, its tensor table."""

    data: bytes
    lengths: tuple[int, ...]
    values: dict[str, int]
    tensors_at: int
    weights_at: int


@dataclass(frozen=True)
class Mutant:
    kind: str
    number: int
    data: bytes

    @property
    def name(self) -> str:
        return f"{self.kind}-{self.number:03d}"


def mutants(data: bytes, count: int, seed: int = 0) -> Iterator[Mutant]:
    """`count` mutants of a good file, as many of each kind."""
    whole = _take_apart(data)
    kinds: list[tuple[str, Callable[[Whole, random.Random], bytes]]] = [
        ("header", _header),
        ("metadata", _metadata),
        ("value", _value),
        ("tensors", _tensors),
        ("count", _count),
        ("truncation", _truncation),
    ]
    for number in range(count):
        kind, mutate = kinds[number % len(kinds)]
        yield Mutant(kind, number, mutate(whole, random.Random(f"{seed} {number}")))


def _header(whole: Whole, rng: random.Random) -> bytes:
    return _scribbled(whole.data, rng, 0, HEADER_BYTES)


def _metadata(whole: Whole, rng: random.Random) -> bytes:
    """Keys, types, lengths and texts alike; near the beginning, where the model's shape is."""
    return _scribbled(whole.data, rng, HEADER_BYTES, min(HEADER_BYTES + 900, whole.tensors_at))


def _tensors(whole: Whole, rng: random.Random) -> bytes:
    return _scribbled(whole.data, rng, whole.tensors_at, whole.weights_at)


def _value(whole: Whole, rng: random.Random) -> bytes:
    """A number of the model's shape that cannot be right: no heads, a million layers, an odd width."""
    at = whole.values[rng.choice(sorted(whole.values))]
    return _with(whole.data, at, struct.pack("<I", rng.choice(NUMBERS)))


def _count(whole: Whole, rng: random.Random) -> bytes:
    """The number of tensors or metadata, or the length of a text or a list."""
    at = rng.choice([8, 16, *rng.sample(whole.lengths, 3)])
    return _with(whole.data, at, struct.pack("<Q", rng.choice(HUGE)))


def _truncation(whole: Whole, rng: random.Random) -> bytes:
    end = rng.choice([whole.weights_at, len(whole.data)])
    return whole.data[: rng.randrange(end)]


def _scribbled(data: bytes, rng: random.Random, start: int, end: int) -> bytes:
    """One to eight bytes in the range replaced."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 2, 8))):
        changed[rng.randrange(start, end)] = rng.randrange(256)
    return bytes(changed)


def _with(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


# ── the layout ──────────────────────────────────────────────────────────────────────────────────────────────

SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
STRING, ARRAY, UINT32 = 8, 9, 4


def _take_apart(data: bytes) -> Whole:
    num_tensors, num_metadata = struct.unpack_from("<QQ", data, 8)
    at, lengths, values = HEADER_BYTES, [], {}
    for _ in range(num_metadata):
        lengths.append(at)
        size = _u64(data, at)
        key, at = data[at + 8 : at + 8 + size].decode(), at + 8 + size
        kind, at = _u32(data, at), at + 4
        if kind == UINT32:
            values[key] = at
        at = _after(data, at, kind, lengths)
    tensors_at = at
    for _ in range(num_tensors):
        lengths.append(at)
        at += 8 + _u64(data, at)
        at += 4 + 8 * _u32(data, at) + 12
    return Whole(data, tuple(lengths), values, tensors_at, at)


def _after(data: bytes, at: int, kind: int, lengths: list[int]) -> int:
    """Where the next pair begins."""
    if kind == STRING:
        lengths.append(at)
        return at + 8 + _u64(data, at)
    if kind != ARRAY:
        return at + SIZES[kind]
    item, count = _u32(data, at), _u64(data, at + 4)
    lengths.append(at + 4)
    at += 12
    if item != STRING:
        return at + count * SIZES[item]
    for _ in range(count):
        at += 8 + _u64(data, at)
    return at


def _u32(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<I", data, at)[0])


def _u64(data: bytes, at: int) -> int:
    return int(struct.unpack_from("<Q", data, at)[0])
