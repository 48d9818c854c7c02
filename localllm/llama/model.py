"""A GGUF model's weights and its vocabulary: load, describe, tokenize, token → bytes."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llama_cpp
import llguidance.llamacpp
import numpy as np
import numpy.typing as npt

from localllm.llama import library

TokenIds = npt.NDArray[np.int32]
PIECE_BYTES = 512
ALL_LAYERS = -1
BIDIRECTIONAL = frozenset({"gemma-embedding"})  # without saying so in the file


class Model:
    """Loaded weights. `tokenize` and `piece` may be called from any thread; nothing here changes after loading."""

    def __init__(
        self,
        path: Path,
        *,
        n_gpu_layers: int = ALL_LAYERS,
        use_mmap: bool = True,
        on_progress: Callable[[float], None] | None = None,
    ) -> None:
        """Read the file. on_progress gets 0…1. Raises LlamaError."""
        library.start()
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = n_gpu_layers
        params.load_mode = llama_cpp.LLAMA_LOAD_MODE_MMAP if use_mmap else llama_cpp.LLAMA_LOAD_MODE_NONE
        callback = _progress_callback(on_progress)  # kept alive until loading has ended
        params.progress_callback = callback
        self.pointer = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
        if not self.pointer:
            raise library.LlamaError(f"llama.cpp could not load {path}.")
        self.vocab = llama_cpp.llama_model_get_vocab(self.pointer)
        self.n_vocab: int = llama_cpp.llama_vocab_n_tokens(self.vocab)
        self._pieces: dict[tuple[int, bool], bytes] = {}
        self._eog = frozenset(t for t in range(self.n_vocab) if llama_cpp.llama_vocab_is_eog(self.vocab, t))

    def close(self) -> None:
        llama_cpp.llama_model_free(self.pointer)
        self.pointer = None

    # ── what it is ──────────────────────────────────────────────────────────────────────────────────────────

    def metadata(self, key: str) -> str | None:
        """A value of the GGUF header as text, or None."""
        size = 256
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = llama_cpp.llama_model_meta_val_str(self.pointer, key.encode(), buffer, size)
            if length < 0:
                return None
            if length < size:
                return buffer.value.decode("utf-8", errors="replace")
            size = length + 1

    @property
    def description(self) -> str:
        buffer = ctypes.create_string_buffer(256)
        llama_cpp.llama_model_desc(self.pointer, buffer, 256)
        return buffer.value.decode("utf-8", errors="replace")

    @property
    def size_bytes(self) -> int:
        return int(llama_cpp.llama_model_size(self.pointer))

    @property
    def n_params(self) -> int:
        return int(llama_cpp.llama_model_n_params(self.pointer))

    @property
    def n_ctx_train(self) -> int:
        return int(llama_cpp.llama_model_n_ctx_train(self.pointer))

    @property
    def n_embd(self) -> int:
        return int(llama_cpp.llama_model_n_embd_out(self.pointer))

    @property
    def has_window(self) -> bool:
        """True where some layers see only the last tokens (a sliding window)."""
        return bool(llama_cpp.llama_model_n_swa(self.pointer) > 0)

    def turns_alike(self, n_ctx: int) -> bool:
        """False where positions are turned otherwise in a context of `n_ctx` than in a small one (LongRoPE)."""
        architecture = self.metadata("general.architecture")
        original = self.metadata(f"{architecture}.rope.scaling.original_context_length")
        return original is None or n_ctx <= int(original)

    @property
    def cell_bytes(self) -> int:
        """What a token takes in a KV cache of 16 bit, about: heads are counted as if all layers had the first one's."""
        architecture = self.metadata("general.architecture")
        n_head = int(llama_cpp.llama_model_n_head(self.pointer)) or 1
        head_size = int(llama_cpp.llama_model_n_embd(self.pointer)) // n_head
        sizes = [
            int(self.metadata(f"{architecture}.attention.{k}_length") or head_size) for k in ("key", "value")
        ]
        n_layer, n_head_kv = (
            f(self.pointer) for f in (llama_cpp.llama_model_n_layer, llama_cpp.llama_model_n_head_kv)
        )
        return int(2 * sum(sizes) * n_layer * n_head_kv)

    @property
    def pooling(self) -> str | None:
        """How the GGUF says that its vectors are pooled (llama.cpp's number as text), or None where it says nothing."""
        return self.metadata(f"{self.metadata('general.architecture')}.pooling_type")

    @property
    def is_bidirectional(self) -> bool:
        """True where each token sees those after it too, so that a sequence is computed in one batch."""
        architecture = self.metadata("general.architecture")
        return architecture in BIDIRECTIONAL or self.metadata(f"{architecture}.attention.causal") == "false"

    @property
    def is_recurrent(self) -> bool:
        """True where the memory is a state that cannot be cut back (also hybrids)."""
        return bool(
            llama_cpp.llama_model_is_recurrent(self.pointer) or llama_cpp.llama_model_is_hybrid(self.pointer)
        )

    @property
    def chat_template(self) -> str | None:
        text = llama_cpp.llama_model_chat_template(self.pointer, None)
        return text.decode("utf-8", errors="replace") if text else None

    # ── vocabulary ──────────────────────────────────────────────────────────────────────────────────────────

    @property
    def adds_bos(self) -> bool:
        return bool(llama_cpp.llama_vocab_get_add_bos(self.vocab))

    @property
    def bos(self) -> int:
        """Id of the token a text begins with; -1 where there is none."""
        return int(llama_cpp.llama_vocab_bos(self.vocab))

    @property
    def eos(self) -> int:
        return int(llama_cpp.llama_vocab_eos(self.vocab))

    @property
    def fim_tokens(self) -> tuple[int, int, int]:
        """Ids of the fill-in-the-middle tokens (prefix, suffix, middle); -1 where missing."""
        return (
            int(llama_cpp.llama_vocab_fim_pre(self.vocab)),
            int(llama_cpp.llama_vocab_fim_suf(self.vocab)),
            int(llama_cpp.llama_vocab_fim_mid(self.vocab)),
        )

    @property
    def pair_tokens(self) -> tuple[list[int], list[int], list[int]]:
        """What a reranker wants before the query, between query and document, and at the end."""
        end = self.eos if self.eos >= 0 else int(llama_cpp.llama_vocab_sep(self.vocab))
        adds_end = bool(llama_cpp.llama_vocab_get_add_eos(self.vocab))
        adds_separator = bool(llama_cpp.llama_vocab_get_add_sep(self.vocab))
        separator = [int(llama_cpp.llama_vocab_sep(self.vocab))] if adds_separator else []
        ends = [end] if adds_end else []
        return ([self.bos] if self.adds_bos else []), ends + separator, ends

    @property
    def rerank_template(self) -> str | None:
        """A text with {query} and {document} in it, for rerankers that are chat models."""
        text = llama_cpp.llama_model_chat_template(self.pointer, b"rerank")
        return text.decode("utf-8", errors="replace") if text else None

    @property
    def eog_tokens(self) -> frozenset[int]:
        """Every token that ends a generation."""
        return self._eog

    def is_control(self, token_id: int) -> bool:
        return bool(llama_cpp.llama_vocab_is_control(self.vocab, token_id))

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> TokenIds:
        """Token ids, int32 of shape (n,). parse_special: `<|im_start|>` and its like become their tokens."""
        data = text.encode("utf-8", errors="replace")
        ids: TokenIds = np.empty(len(data) // 2 + 16, dtype=np.int32)
        while True:
            count = llama_cpp.llama_tokenize(
                self.vocab,
                data,
                len(data),
                ids.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
                len(ids),
                add_special,
                parse_special,
            )
            if count >= 0:
                return ids[:count].copy()
            if count == -(2**31):
                raise library.LlamaError("The text has more tokens than can be counted. Send a shorter one.")
            ids = np.empty(-count, dtype=np.int32)

    def grammar_tokenizer(self) -> llguidance.LLTokenizer:
        """The vocabulary as llguidance wants it. Takes about a second for a large one."""
        return llguidance.llamacpp.lltokenizer_from_vocab(self.vocab)

    def piece(self, token_id: int, *, special: bool = False) -> bytes:
        """The bytes of a token, perhaps part of a UTF-8 character. Control tokens are empty unless `special`."""
        key = (token_id, special)
        cached = self._pieces.get(key)
        if cached is None:
            cached = self._pieces[key] = self._read_piece(token_id, special)
        return cached

    def _read_piece(self, token_id: int, special: bool) -> bytes:
        size = PIECE_BYTES
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = llama_cpp.llama_token_to_piece(self.vocab, token_id, buffer, size, 0, special)
            if length >= 0:
                return buffer.raw[:length]
            size = -length


def _progress_callback(on_progress: Callable[[float], None] | None) -> Any:
    def progress(value: float, _user_data: object) -> bool:
        if on_progress is not None:
            on_progress(value)
        return True

    return llama_cpp.llama_progress_callback(progress)
