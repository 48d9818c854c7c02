"""What a model is loaded with, and what it says of itself once it is. All that the rooms above need to start one.

Pure data that crosses into the engine process and back; knows no message, no file and no llama.cpp.
"""

from __future__ import annotations

import msgspec


class LoadParams(msgspec.Struct, frozen=True):
    """How to load one model. llama.cpp's own knobs keep their names; None lets the engine choose.

    n_ctx: cells of the KV cache, shared by all sequences; 0 takes the model's training context (at most 8 192).
    n_parallel: sequences that run at once. n_gpu_layers: -1 for all that the build can offload.
    apart_from: prompts with so many tokens to read are read in a context of their own; None: more than a second's work.
    rpc: "host:port" of the workers on other computers that hold layers.
    draft_path: a smaller model of the same vocabulary that guesses tokens. threads_file: where the best
    number of threads is kept; None does not measure. disk_cache_dir: where prefixes outlive the process; None: nowhere.
    """

    path: str
    model_id: str = ""
    n_ctx: int = 0
    n_parallel: int = 8
    n_gpu_layers: int = -1
    n_threads: int | None = None
    n_batch: int = 512
    flash_attn: bool | None = None
    cache_type_k: str = "f16"
    cache_type_v: str = "f16"
    use_mmap: bool = True
    embedding: bool = False
    speculate: bool = True
    draft_path: str | None = None
    log_path: str | None = None
    threads_file: str | None = None
    disk_cache_dir: str | None = None
    disk_cache_bytes: int = 4 * 1024**3
    apart_from: int | None = None
    rpc: tuple[str, ...] = ()


class ModelInfo(msgspec.Struct, frozen=True):
    """What a loaded model says of itself. Sizes in bytes, n_ctx in tokens as allotted."""

    architecture: str
    description: str
    n_params: int
    size_bytes: int
    n_ctx: int
    n_ctx_train: int
    n_vocab: int
    n_embd: int
    n_parallel: int
    n_threads: int
    chat_template: str | None
    bos_token: str
    eos_token: str
    add_bos: bool
    has_fim: bool
    can_cut: bool
    pooling: str
    devices: tuple[str, ...]
    build: str
    fim_tokens: tuple[int, ...] = ()  # fill in the middle: prefix, suffix, middle; empty where there are none
    # what a reranker wants before the query, between query and document, and at the end
    pair_tokens: tuple[list[int], list[int], list[int]] = ([], [], [])
    rerank_template: str | None = None


def pack_load_params(params: LoadParams) -> bytes:
    return msgspec.msgpack.encode(params)


def unpack_load_params(data: bytes) -> LoadParams:
    return msgspec.msgpack.decode(data, type=LoadParams)
