"""Tiny GGUF models with random weights and real architectures, for tests that load llama.cpp.

A model is the same for the same arguments. Greedy output is readable ASCII that never ends by itself: the rows of
control tokens, markers and non-ASCII bytes are zero (ask for an end with `logit_bias` on `<|im_end|>`). Weights are
so scaled that logits spread (deviation about 6) and what was read before matters.
Knows no test and not the program: anything may use it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from tests import vocabulary
from tests.gguf_writer import Scalar, Tensor, Values, write_gguf
from tests.vocabulary import Vocabulary

HEAD_SIZE = 16
STATE_SIZE = 8
WINDOW = 32

Keys = dict[str, Scalar | list[Scalar]]


@dataclass(frozen=True)
class Shape:
    """What the tensors' sizes follow from."""

    n_layers: int
    n_embd: int
    n_vocab: int
    n_ctx: int

    @property
    def n_ff(self) -> int:
        return 2 * self.n_embd

    @property
    def n_heads(self) -> int:
        return self.n_embd // HEAD_SIZE

    @property
    def n_kv_heads(self) -> int:
        return max(1, self.n_heads // 2)


class Weights:
    """Collects tensors with random values from one seed."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self.tensors: list[Tensor] = []

    def matrix(self, name: str, rows: int, columns: int, scale: float = 1.0) -> None:
        """A projection from `columns` to `rows` values that keeps the size of what passes through, times `scale`."""
        self.add(name, self._normal(rows, columns) * np.float32(scale / np.sqrt(columns)))

    def embedding(self, name: str, rows: int, columns: int) -> None:
        self.add(name, self._normal(rows, columns))

    def norm(self, name: str, size: int, *, bias: bool = False) -> None:
        self.add(f"{name}.weight", np.ones(size, np.float32))
        if bias:
            self.add(f"{name}.bias", np.zeros(size, np.float32))

    def add(self, name: str, values: Values) -> None:
        self.tensors.append(Tensor.of(name, values.astype(np.float32)))

    def _normal(self, rows: int, columns: int) -> Values:
        return self._random.standard_normal((rows, columns), dtype=np.float32)


def write(
    path: Path,
    arch: str = "llama",
    *,
    n_layers: int = 2,
    n_embd: int = 64,
    n_vocab: int = 512,
    n_ctx: int = 8192,
    seed: int = 0,
    only_ascii: bool = True,
) -> Path:
    """Write a model of `arch` (one of `ARCHITECTURES`) to `path` and return it. `n_embd` is a multiple of 32.

    With `only_ascii=False` the model also says bytes that are no UTF-8 by themselves.
    """
    shape = Shape(n_layers, n_embd, n_vocab, n_ctx)
    vocab = _vocabulary(n_vocab)
    weights = Weights(seed)
    weights.embedding("token_embd.weight", n_vocab, n_embd)
    keys = ARCHITECTURES[arch](weights, shape)
    if arch != "bert":
        weights.add("output.weight", _output_rows(vocab, shape, seed, only_ascii))
    common: Keys = {
        "general.architecture": arch,
        "general.name": f"tiny {arch}",
        f"{arch}.block_count": n_layers,
        f"{arch}.context_length": n_ctx,
        f"{arch}.embedding_length": n_embd,
        f"{arch}.feed_forward_length": shape.n_ff,
        f"{arch}.vocab_size": n_vocab,
    }
    own = {f"{arch}.{key}": value for key, value in keys.items()}
    extra: Keys = {"tokenizer.ggml.token_type_count": 2} if arch == "bert" else {}
    return write_gguf(path, common | own | vocab.metadata() | extra, weights.tensors)


_vocabulary = cache(vocabulary.build)


def _output_rows(vocab: Vocabulary, shape: Shape, seed: int, only_ascii: bool) -> Values:
    rows = np.random.default_rng(seed + 1).standard_normal((shape.n_vocab, shape.n_embd), dtype=np.float32)
    rows[vocab.num_plain :] = 0
    if only_ascii:
        unreadable = [byte for byte in range(256) if not 0x20 <= byte < 0x7F]
        letters = vocabulary.byte_letters()
        rows[[vocab.id_of(letters[byte]) for byte in unreadable]] = 0
    return rows


def _attention(weights: Weights, shape: Shape, block: str) -> None:
    q_size, kv_size = shape.n_heads * HEAD_SIZE, shape.n_kv_heads * HEAD_SIZE
    weights.matrix(f"{block}.attn_q.weight", q_size, shape.n_embd, scale=2)
    weights.matrix(f"{block}.attn_k.weight", kv_size, shape.n_embd)
    weights.matrix(f"{block}.attn_v.weight", kv_size, shape.n_embd, scale=2)
    weights.matrix(f"{block}.attn_output.weight", shape.n_embd, q_size)


def _feed_forward(weights: Weights, shape: Shape, block: str, *, gated: bool = True) -> None:
    if gated:
        weights.matrix(f"{block}.ffn_gate.weight", shape.n_ff, shape.n_embd)
    weights.matrix(f"{block}.ffn_up.weight", shape.n_ff, shape.n_embd)
    weights.matrix(f"{block}.ffn_down.weight", shape.n_embd, shape.n_ff)


def _attention_keys(shape: Shape) -> Keys:
    return {
        "attention.head_count": shape.n_heads,
        "attention.head_count_kv": shape.n_kv_heads,
        "attention.key_length": HEAD_SIZE,
        "attention.value_length": HEAD_SIZE,
        "attention.layer_norm_rms_epsilon": 1e-6,
        "rope.dimension_count": HEAD_SIZE,
        "rope.freq_base": 10000.0,
    }


def _llama(weights: Weights, shape: Shape) -> Keys:
    """Dense, the ordinary case: any part of a sequence can be dropped."""
    for i in range(shape.n_layers):
        block = f"blk.{i}"
        weights.norm(f"{block}.attn_norm", shape.n_embd)
        _attention(weights, shape, block)
        weights.norm(f"{block}.ffn_norm", shape.n_embd)
        _feed_forward(weights, shape, block)
    weights.norm("output_norm", shape.n_embd)
    return _attention_keys(shape)


def _qwen2(weights: Weights, shape: Shape) -> Keys:
    keys = _llama(weights, shape)
    q_size, kv_size = shape.n_heads * HEAD_SIZE, shape.n_kv_heads * HEAD_SIZE
    for i in range(shape.n_layers):
        for name, size in (("attn_q", q_size), ("attn_k", kv_size), ("attn_v", kv_size)):
            weights.add(f"blk.{i}.{name}.bias", np.zeros(size))
    return keys


def _gemma3(weights: Weights, shape: Shape) -> Keys:
    """Every other layer sees only a sliding window of `WINDOW` tokens."""
    keys = _llama(weights, shape)
    for i in range(shape.n_layers):
        block = f"blk.{i}"
        weights.norm(f"{block}.attn_q_norm", HEAD_SIZE)
        weights.norm(f"{block}.attn_k_norm", HEAD_SIZE)
        weights.norm(f"{block}.post_attention_norm", shape.n_embd)
        weights.norm(f"{block}.post_ffw_norm", shape.n_embd)
    return keys | {"attention.sliding_window": WINDOW, "attention.sliding_window_pattern": 2}


def _mamba(weights: Weights, shape: Shape) -> Keys:
    """Recurrent: a sequence is one state, of which no part can be dropped."""
    n_inner, rank = 2 * shape.n_embd, shape.n_embd // 16
    for i in range(shape.n_layers):
        block = f"blk.{i}"
        weights.norm(f"{block}.attn_norm", shape.n_embd)
        weights.matrix(f"{block}.ssm_in.weight", 2 * n_inner, shape.n_embd)
        weights.matrix(f"{block}.ssm_conv1d.weight", n_inner, 4)
        weights.add(f"{block}.ssm_conv1d.bias", np.zeros(n_inner))
        weights.matrix(f"{block}.ssm_x.weight", rank + 2 * STATE_SIZE, n_inner)
        weights.matrix(f"{block}.ssm_dt.weight", n_inner, rank)
        weights.add(f"{block}.ssm_dt.bias", np.full(n_inner, -2.0))
        weights.add(f"{block}.ssm_a", -np.tile(np.arange(1, STATE_SIZE + 1) / STATE_SIZE, (n_inner, 1)))
        weights.add(f"{block}.ssm_d", np.ones(n_inner))
        weights.matrix(f"{block}.ssm_out.weight", shape.n_embd, n_inner)
    weights.norm("output_norm", shape.n_embd)
    return {
        "ssm.conv_kernel": 4,
        "ssm.inner_size": n_inner,
        "ssm.state_size": STATE_SIZE,
        "ssm.time_step_rank": rank,
        "attention.layer_norm_rms_epsilon": 1e-6,
    }


def _lfm2(weights: Weights, shape: Shape) -> Keys:
    """Hybrid: layers with a recurrent (convolution) state and layers with attention take turns."""
    kv_heads: list[Scalar] = [shape.n_kv_heads if i % 2 else 0 for i in range(shape.n_layers)]
    for i in range(shape.n_layers):
        block = f"blk.{i}"
        weights.norm(f"{block}.attn_norm", shape.n_embd)
        if kv_heads[i]:
            _attention(weights, shape, block)
            weights.norm(f"{block}.attn_q_norm", HEAD_SIZE)
            weights.norm(f"{block}.attn_k_norm", HEAD_SIZE)
        else:
            weights.matrix(f"{block}.shortconv.conv.weight", shape.n_embd, 3)
            weights.matrix(f"{block}.shortconv.in_proj.weight", 3 * shape.n_embd, shape.n_embd)
            weights.matrix(f"{block}.shortconv.out_proj.weight", shape.n_embd, shape.n_embd)
        weights.norm(f"{block}.ffn_norm", shape.n_embd)
        _feed_forward(weights, shape, block)
    weights.norm("token_embd_norm", shape.n_embd)
    return _attention_keys(shape) | {"attention.head_count_kv": kv_heads, "shortconv.l_cache": 3}


def _bert(weights: Weights, shape: Shape) -> Keys:
    """An embedding model: attention in both directions, no next token, mean pooling."""
    weights.embedding("position_embd.weight", shape.n_ctx, shape.n_embd)
    weights.embedding("token_types.weight", 2, shape.n_embd)
    weights.norm("token_embd_norm", shape.n_embd, bias=True)
    for i in range(shape.n_layers):
        block = f"blk.{i}"
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            weights.matrix(f"{block}.{name}.weight", shape.n_embd, shape.n_embd)
            weights.add(f"{block}.{name}.bias", np.zeros(shape.n_embd))
        weights.norm(f"{block}.attn_output_norm", shape.n_embd, bias=True)
        _feed_forward(weights, shape, block, gated=False)
        weights.norm(f"{block}.layer_output_norm", shape.n_embd, bias=True)
    return {
        "attention.head_count": shape.n_heads,
        "attention.layer_norm_epsilon": 1e-6,
        "attention.causal": False,
        "pooling_type": 1,
    }


ARCHITECTURES: dict[str, Callable[[Weights, Shape], Keys]] = {
    "llama": _llama,
    "qwen2": _qwen2,
    "gemma3": _gemma3,
    "mamba": _mamba,
    "lfm2": _lfm2,
    "bert": _bert,
}
