"""What one step is to do: the scheduler's decision, the runner's instruction. Pure data; knows neither of them."""

from __future__ import annotations

import msgspec

from localllm.engine.prefix_cache import Operation
from localllm.engine.sequence import Sequence


class Chunk(msgspec.Struct, frozen=True):
    """`count` tokens of a sequence from position `start` on; with `wants_logits`, the next token is sampled after.

    drafts: guesses at what comes next, computed in the same batch and kept as far as they are what is sampled.
    """

    sequence: Sequence
    start: int
    count: int
    wants_logits: bool
    drafts: tuple[int, ...] = ()


class Prefill(msgspec.Struct, frozen=True):
    """`count` prompt tokens of a sequence from position `start` on, to be read in a context of their own."""

    sequence: Sequence
    start: int
    count: int


class Plan(msgspec.Struct, frozen=True):
    """One step: what to do to the cache first, then what to compute, and what shall be read apart from now on."""

    operations: list[Operation]
    chunks: list[Chunk]
    num_decoded: int
    num_prefilled: int
    prefills: list[Prefill] = []
