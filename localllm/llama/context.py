"""A llama.cpp context: the KV cells of all sequences, and the step that computes a batch."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, Final

import llama_cpp
import numpy as np
import numpy.typing as npt

from localllm.llama import library
from localllm.llama.batch import Batch
from localllm.llama.model import Model

Floats = npt.NDArray[np.float32]
POOLING: Final = {
    llama_cpp.LLAMA_POOLING_TYPE_NONE: "none",
    llama_cpp.LLAMA_POOLING_TYPE_MEAN: "mean",
    llama_cpp.LLAMA_POOLING_TYPE_CLS: "cls",
    llama_cpp.LLAMA_POOLING_TYPE_LAST: "last",
    llama_cpp.LLAMA_POOLING_TYPE_RANK: "rank",
}


class OutOfCells(library.LlamaError):
    """The batch finds no room in the KV cache; nothing was computed."""


class Stopped(library.LlamaError):
    """`on_node` said so in the middle of a batch; the cells are those from before it."""


class Context:
    """Memory and compute of one model. Not thread-safe: one thread runs it.

    n_ctx: KV cells, shared by all sequences (unified), so that a prefix is copied for free and each may use all.
    """

    def __init__(
        self,
        model: Model,
        *,
        n_ctx: int,
        n_seq_max: int,
        n_batch: int,
        n_threads: int,
        flash_attn: bool | None = None,
        cache_type_k: str = "f16",
        cache_type_v: str = "f16",
        embedding: bool = False,
        max_logits: int | None = None,
        on_node: Callable[[], bool] | None = None,
    ) -> None:
        """max_logits: rows of logits a step may ask for (their buffer), at least n_seq_max. Raises LlamaError.

        on_node: called on the thread that decodes, after every node of the graph that a CPU computes. Nothing goes on
        until it returns; True stops the batch.
        """
        params = llama_cpp.llama_context_default_params()
        params.n_ctx, params.n_seq_max = n_ctx, n_seq_max
        params.n_batch = params.n_ubatch = n_batch
        params.n_threads = params.n_threads_batch = n_threads
        params.flash_attn_type = _flash_attn_type(flash_attn)
        params.type_k, params.type_v = library.KV_TYPES[cache_type_k], library.KV_TYPES[cache_type_v]
        params.embeddings = embedding
        if embedding and model.pooling is None:
            params.pooling_type = llama_cpp.LLAMA_POOLING_TYPE_MEAN
        params.kv_unified = True
        params.n_outputs_max = min(max_logits or n_batch, n_batch)
        params.no_perf = True
        self._on_node = _abort_callback(on_node)  # kept alive as long as the context
        params.abort_callback = self._on_node
        self.pointer = llama_cpp.llama_init_from_model(model.pointer, params)
        if not self.pointer:
            raise library.LlamaError(f"llama.cpp could not make a context of {n_ctx} tokens for this model.")
        self._memory = llama_cpp.llama_get_memory(self.pointer)
        self._row = ctypes.c_float * model.n_vocab
        self._n_embd = model.n_embd
        self.n_ctx: int = llama_cpp.llama_n_ctx(self.pointer)
        self.n_batch = n_batch
        self.pooling = POOLING.get(llama_cpp.llama_pooling_type(self.pointer), "none")

    def close(self) -> None:
        llama_cpp.llama_free(self.pointer)
        self.pointer = None

    def set_threads(self, n_threads: int) -> None:
        """How many threads the next steps use."""
        llama_cpp.llama_set_n_threads(self.pointer, n_threads, n_threads)

    def decode(self, batch: Batch) -> None:
        """Compute the batch. Raises OutOfCells or Stopped (no cell has changed) or LlamaError."""
        status = llama_cpp.llama_decode(self.pointer, batch.struct)
        if status == 0:
            return
        if status == 1:
            raise OutOfCells(f"No KV cells are left for {batch.num_tokens} tokens.")
        if status == 2:
            raise Stopped(f"A batch of {batch.num_tokens} tokens was stopped.")
        raise library.LlamaError(f"llama_decode failed with status {status}.")

    def logits(self, index: int) -> Floats:
        """The logits of the batch token `index`, float32 of shape (n_vocab,): a view, valid until the next step."""
        pointer = llama_cpp.llama_get_logits_ith(self.pointer, index)
        row = self._row.from_address(ctypes.addressof(pointer.contents))
        return np.frombuffer(memoryview(row), dtype=np.float32)

    def embedding(self, seq_id: int) -> Floats:
        """The pooled embedding of a sequence, float32 of shape (n_embd,): a copy. For pooling "rank", shape (1,)."""
        pointer = llama_cpp.llama_get_embeddings_seq(self.pointer, seq_id)
        size = 1 if self.pooling == "rank" else self._n_embd
        return np.ctypeslib.as_array(ctypes.cast(pointer, ctypes.POINTER(ctypes.c_float)), (size,)).copy()

    # ── KV cells ────────────────────────────────────────────────────────────────────────────────────────────

    def copy_prefix(self, source: int, target: int, length: int) -> None:
        """Let `target`, which must be empty, share the first `length` tokens of `source`. Costs no computation."""
        self.copy_part(source, target, 0, length)

    def cut(self, seq_id: int, length: int) -> bool:
        """Keep only the first `length` tokens of a sequence. False where its memory cannot be cut there."""
        return bool(llama_cpp.llama_memory_seq_rm(self._memory, seq_id, length, -1))

    def copy_part(self, source: int, target: int, start: int, end: int) -> None:
        """Let `target`, which must be empty, share the tokens of `source` from position `start` to before `end`."""
        llama_cpp.llama_memory_seq_cp(self._memory, source, target, start, end)

    def save(self, seq_id: int) -> bytearray:
        """The KV cells of a sequence as bytes that only a context of the same settings can read."""
        state = bytearray(llama_cpp.llama_state_seq_get_size(self.pointer, seq_id))
        buffer = (ctypes.c_uint8 * len(state)).from_buffer(state)
        written = llama_cpp.llama_state_seq_get_data(self.pointer, buffer, len(state), seq_id)
        del buffer  # as long as it is there, the bytes cannot be shortened
        del state[written:]
        return state

    def restore(self, seq_id: int, state: bytes | bytearray) -> bool:
        """Put saved cells into an empty sequence. False, and the sequence empty, if they do not fit this context."""
        array = ctypes.c_uint8 * len(state)
        buffer = array.from_buffer(state) if isinstance(state, bytearray) else array.from_buffer_copy(state)
        read = llama_cpp.llama_state_seq_set_data(self.pointer, buffer, len(state), seq_id)
        if read == 0:
            self.cut(seq_id, 0)
        return bool(read)

    def append(self, seq_id: int, state: bytes | bytearray, *, through: int) -> bool:
        """Put saved cells behind those that a sequence holds. False, and nothing changed, if they do not fit.

        through: an empty sequence that has them for a moment, since llama.cpp restores whole sequences only.
        """
        if not self.restore(through, state):
            return False
        self.copy_part(through, seq_id, -1, -1)
        self.cut(through, 0)
        return True

    def clear(self) -> None:
        """Forget every sequence."""
        if self._memory:
            llama_cpp.llama_memory_clear(self._memory, False)


def _abort_callback(on_node: Callable[[], bool] | None) -> Any:
    if on_node is None:
        return llama_cpp.ggml_abort_callback()
    return llama_cpp.ggml_abort_callback(lambda _data: on_node())


def _flash_attn_type(flash_attn: bool | None) -> int:
    if flash_attn is None:
        return int(llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO)
    return int(
        llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED if flash_attn else llama_cpp.LLAMA_FLASH_ATTN_TYPE_DISABLED
    )
