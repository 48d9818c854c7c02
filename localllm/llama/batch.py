"""The tokens of one step, laid out as llama_decode wants them, filled by numpy and never token by token."""

from __future__ import annotations

import ctypes

import llama_cpp
import numpy as np
import numpy.typing as npt


class Batch:
    """Room for `capacity` tokens, each on one sequence. The arrays are numpy's; the C struct points into them."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._tokens = np.zeros(capacity, dtype=np.int32)
        self._positions = np.zeros(capacity, dtype=np.int32)
        self._seq_ids = np.zeros(capacity, dtype=np.int32)
        self._wants_logits = np.zeros(capacity, dtype=np.int8)
        self._num_seq_ids = np.ones(capacity, dtype=np.int32)
        base = self._seq_ids.ctypes.data
        self._seq_id_pointers = np.arange(base, base + 4 * capacity, 4, dtype=np.uintp)
        self._struct = llama_cpp.llama_batch(
            n_tokens=0,
            token=self._tokens.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            embd=None,
            pos=self._positions.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            n_seq_id=self._num_seq_ids.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            seq_id=self._seq_id_pointers.ctypes.data_as(ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
            logits=self._wants_logits.ctypes.data_as(ctypes.POINTER(ctypes.c_int8)),
        )
        self.num_tokens = 0

    def clear(self) -> None:
        self.num_tokens = 0

    def add(
        self, seq_id: int, token_ids: npt.ArrayLike, position: int, *, num_logits: int, count: int
    ) -> int:
        """Append `count` tokens of one sequence from `position` on; the last `num_logits` of them give logits.

        Returns the batch index of the last token, under which its logits are found.
        """
        start, end = self.num_tokens, self.num_tokens + count
        self._tokens[start:end] = token_ids
        self._positions[start:end] = np.arange(position, position + count)
        self._seq_ids[start:end] = seq_id
        self._wants_logits[start:end] = 0
        self._wants_logits[end - num_logits : end] = 1
        self.num_tokens = end
        return end - 1

    @property
    def struct(self) -> llama_cpp.llama_batch:
        self._struct.n_tokens = self.num_tokens
        return self._struct
