"""The seam between decisions and computation: what the loop asks for, and what it gets back.

`LlamaRunner` (llama_runner.py) does it with llama.cpp; tests put a fake in its place. Imports no C library.
"""

from __future__ import annotations

from collections.abc import Sequence as Seq
from typing import Protocol

import msgspec

from localllm.engine.constraint import Constraint
from localllm.engine.messages import TokenLogprob
from localllm.engine.plan import Chunk
from localllm.engine.prefix_cache import Operation
from localllm.engine.sequence import Sequence

StateBytes = bytes | bytearray  # the saved cells of a slot


class Sampled(msgspec.Struct, frozen=True):
    """What a step gave the sequence of a chunk: one token, or more where drafts were right.

    forced: the tokens its grammar forces after that. is_complete: the grammar allows nothing more.
    logprobs: one for each of `token_ids`, or empty.
    """

    chunk: Chunk
    token_ids: list[int]
    forced: list[int]
    is_complete: bool = False
    logprobs: list[TokenLogprob] = []


class Runner(Protocol):
    """Computes plans."""

    def open(self, sequence: Sequence, constraint: Constraint | None) -> None:
        """Called once, before a sequence's first step."""

    def close(self, sequence: Sequence) -> None:
        """Called once, after its last."""

    def apply(self, operations: Seq[Operation]) -> None:
        """Copy and cut KV cells, in order."""

    def save(self, seq_id: int) -> StateBytes:
        """The cells of a slot, as they are now."""

    def restore(self, seq_id: int, state: StateBytes) -> bool:
        """Fill an empty slot with saved cells. False if they do not fit."""

    def append(self, seq_id: int, state: StateBytes) -> bool:
        """Put saved cells behind those that a slot holds. False if they do not fit."""

    def run(self, chunks: Seq[Chunk]) -> list[Sampled]:
        """Compute the chunks in one batch and sample where they want it."""
