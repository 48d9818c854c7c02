"""Random-weight models with the shapes of Qwen2.5 0.5B and 1.5B, quantized by llama.cpp: real work, no download.

    python3 -m benchmarks.make_model [0.5b|1.5b] [q4_k_m|q8_0]

Files lie in benchmarks/models/ and are made once. What such a model says means nothing, and it does not end by itself:
measurements send `ignore_eos`.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np

from tests import vocabulary
from tests.gguf_writer import Scalar, Tensor, Values, write_gguf

MODELS_DIR = Path(__file__).parent / "models"
QUANTIZATIONS = {"q4_k_m": llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_K_M, "q8_0": llama_cpp.LLAMA_FTYPE_MOSTLY_Q8_0}
HEAD_SIZE = 64
CONTEXT = 32768


@dataclass(frozen=True)
class Shape:
    n_layers: int
    n_embd: int
    n_ff: int
    n_heads: int
    n_kv_heads: int
    n_vocab: int
    head_size: int = HEAD_SIZE


SHAPES = {
    "0.5b": Shape(24, 896, 4864, 14, 2, 151936),
    "1.5b": Shape(28, 1536, 8960, 12, 2, 151936, head_size=128),
    "tiny": Shape(2, 256, 512, 4, 2, 4096),
}


def model_path(size: str = "0.5b", quantization: str = "q4_k_m") -> Path:
    return MODELS_DIR / f"random-{size}-{quantization}.gguf"


def make(size: str = "0.5b", quantization: str = "q4_k_m") -> Path:
    """The model's file, made now if it is not there yet; says what it does on stderr."""
    path = model_path(size, quantization)
    if path.exists():
        return path
    source = MODELS_DIR / f"random-{size}-f16.gguf"
    if not source.exists():
        _write_source(source, size)
    _quantize(source, path, QUANTIZATIONS[quantization])
    return path


def _write_source(path: Path, size: str) -> None:
    shape, started = SHAPES[size], time.monotonic()
    _say(f"making random weights in the shape of a {size} model …")
    vocab = vocabulary.build(shape.n_vocab)
    keys: dict[str, Scalar | list[Scalar]] = {
        "general.architecture": "qwen2",
        "general.name": f"random {size}",
        "qwen2.block_count": shape.n_layers,
        "qwen2.context_length": CONTEXT,
        "qwen2.embedding_length": shape.n_embd,
        "qwen2.feed_forward_length": shape.n_ff,
        "qwen2.attention.head_count": shape.n_heads,
        "qwen2.attention.head_count_kv": shape.n_kv_heads,
        "qwen2.attention.layer_norm_rms_epsilon": 1e-6,
        "qwen2.rope.freq_base": 1000000.0,
    }
    tensors = [_shown(tensor, i) for i, tensor in enumerate(_tensors(shape, vocab.num_plain))]
    write_gguf(path, keys | vocab.metadata(pre="qwen2"), tensors)
    _say(
        f"\r{len(tensors)} tensors, {path.stat().st_size / 1e9:.2f} GB in {time.monotonic() - started:.0f} s\n"
    )


def _tensors(shape: Shape, num_plain: int) -> Iterator[Tensor]:
    """All weights. Embeddings are tied and small, so what comes out is made by the layers and not by the last token."""
    q_size, kv_size = shape.n_heads * shape.head_size, shape.n_kv_heads * shape.head_size
    yield _random("token_embd.weight", (shape.n_vocab, shape.n_embd), 0.1, quiet_from=num_plain)
    for i in range(shape.n_layers):
        block = f"blk.{i}"
        for name, rows, columns, gain in (
            ("attn_q", q_size, shape.n_embd, 2.0),
            ("attn_k", kv_size, shape.n_embd, 2.0),
            ("attn_v", kv_size, shape.n_embd, 1.0),
            ("attn_output", shape.n_embd, q_size, 4.0),
            ("ffn_gate", shape.n_ff, shape.n_embd, 1.0),
            ("ffn_up", shape.n_ff, shape.n_embd, 1.0),
            ("ffn_down", shape.n_embd, shape.n_ff, 2.0),
        ):
            yield _random(f"{block}.{name}.weight", (rows, columns), gain / columns**0.5)
        for name, size in (("attn_q", q_size), ("attn_k", kv_size), ("attn_v", kv_size)):
            yield Tensor.of(f"{block}.{name}.bias", np.zeros(size, np.float32))
        for name in ("attn_norm", "ffn_norm"):
            yield Tensor.of(f"{block}.{name}.weight", np.ones(shape.n_embd, np.float32))
    yield Tensor.of("output_norm.weight", np.ones(shape.n_embd, np.float32))


def _random(name: str, shape: tuple[int, int], scale: float, quiet_from: int | None = None) -> Tensor:
    """Normal values of one seed per name; rows from `quiet_from` on are so small that they never win."""

    def make_values() -> Values:
        random = np.random.default_rng(list(name.encode()))
        values = random.standard_normal(shape, dtype=np.float32) * np.float32(scale)
        if quiet_from is not None:
            values[quiet_from:] *= np.float32(0.01)
        return values.astype(np.float16)

    return Tensor(name, shape, np.dtype(np.float16), make_values)


def _shown(tensor: Tensor, number: int) -> Tensor:
    def make_values() -> Values:
        _say(f"\r  tensor {number + 1}: {tensor.name:<40}")
        return tensor.make()

    return Tensor(tensor.name, tensor.shape, tensor.dtype, make_values)


def _quantize(source: Path, path: Path, file_type: int) -> None:
    _say(f"quantizing to {path.name} …\n")
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = file_type
    part = path.with_name(path.name + ".part")
    started = time.monotonic()
    callback = llama_cpp.llama_log_callback(_show_progress)
    llama_cpp.llama_log_set(callback, ctypes.c_void_p(0))
    code = llama_cpp.llama_model_quantize(str(source).encode(), str(part).encode(), ctypes.byref(params))
    llama_cpp.llama_log_set(llama_cpp.llama_log_callback(0), ctypes.c_void_p(0))
    if code != 0:
        raise SystemExit(f"llama.cpp could not quantize {source} (code {code}); is the disk full?")
    part.replace(path)
    _say(f"\r{path.name}: {path.stat().st_size / 1e6:.0f} MB in {time.monotonic() - started:.0f} s{'':<50}\n")


def _show_progress(_level: int, text: bytes, _user_data: Any) -> None:
    line = text.decode("utf-8", "replace").strip()
    if line.startswith("["):
        _say(f"\r  {line[:70]:<70}")


def _say(text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    words = [word.lower() for word in sys.argv[1:]]
    sizes = [word for word in words if word in SHAPES] or ["0.5b"]
    quantizations = [word for word in words if word in QUANTIZATIONS] or list(QUANTIZATIONS)
    if unknown := set(words) - set(SHAPES) - set(QUANTIZATIONS):
        raise SystemExit(
            f"unknown: {', '.join(sorted(unknown))}; sizes {list(SHAPES)}, kinds {list(QUANTIZATIONS)}"
        )
    for size in sizes:
        for quantization in quantizations:
            print(make(size, quantization))
        (MODELS_DIR / f"random-{size}-f16.gguf").unlink(missing_ok=True)
