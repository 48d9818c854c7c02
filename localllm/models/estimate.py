"""How many bytes a model will need, and with which context, from its GGUF header and its entry alone.

The parts are those llama.cpp allots: weights, KV cache, recurrent state, compute buffers, and the engine process
itself. tests/models/test_estimate.py holds the estimate against what engines really take. Knows no process, and not
what memory there is: memory.py fits the needs into it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from localllm.models.entry import Entry
from localllm.models.gguf import TENSOR_TYPES, Gguf

MIB = 1 << 20
PROCESS_BYTES = 52 * MIB  # Python, numpy, llama.cpp's libraries, a loaded model's own tables
VOCAB_TOKEN_BYTES = 350  # a token in llama.cpp's and our vocabulary, with its merges
DEFAULT_N_CTX = 8192  # what the engine takes for "auto"
CHECKPOINT_BYTES, NUM_CHECKPOINTS = 512 * MIB, 32  # the engine's limits for copies of recurrent states
DEFAULT_BIDIRECTIONAL_N_CTX = 2048  # an input is computed in one step, and its buffers grow with it
MIN_BIDIRECTIONAL_N_CTX = 512
CHEAP_LOGITS_BYTES = 256 * MIB
PACKED_TOKENS = 512  # short texts that are embedded together
CTX_PADDING = 256
_LAYER = re.compile(r"blk\.(\d+)\.")
_INPUTS = ("token_", "position_", "per_layer_token_embd")  # never on a GPU
_RECURRENT_KEYS = ("ssm.state_size", "ssm.inner_size", "shortconv.l_cache", "wkv.head_size")
_HYBRID_ARCHITECTURES = frozenset({"falcon-h1"})  # each layer has attention and a state
_BIDIRECTIONAL_ARCHITECTURES = frozenset({"gemma-embedding"})  # without a key that says so
_WITHOUT_CACHE = frozenset(
    {"bert", "jina-bert-v2", "jina-bert-v3", "nomic-bert", "nomic-bert-moe", "neo-bert", "eurobert", "modern-bert",
     "gemma-embedding"}
)  # fmt: skip
_DEFAULT_ATTENTION_INTERVAL = {"qwen3next": 4, "qwen35": 4, "qwen35moe": 4, "minimax-01": 8}


@dataclass(frozen=True)
class Needs:
    """Bytes by part. `layers`: of each layer, weights and cache together, which a GPU takes or leaves as one."""

    layers: tuple[int, ...]
    input: int
    output: int
    compute: int
    process: int
    n_ctx: int
    checkpoints: int = 0  # what comes with use, at most

    @property
    def total(self) -> int:
        return sum(self.layers) + self.input + self.output + self.compute + self.process + self.checkpoints

    def on_devices(self, n_gpu_layers: int) -> int:
        """Bytes on one GPU with the last `n_gpu_layers` layers there; one more than there are takes the output too."""
        if n_gpu_layers <= 0:
            return 0
        taken = sum(self.layers[-n_gpu_layers:])
        return taken + self.compute + (self.output if n_gpu_layers > len(self.layers) else 0)

    def uneven(self, num_shares: int) -> int:
        """Bytes to keep for dealing layers out to several GPUs.

        Each has a compute buffer of its own and may get a layer, or the output, more than its share.
        """
        return (num_shares - 1) * (self.compute + max(self.layers, default=0) + self.output)

    def in_ram(self, n_gpu_layers: int) -> int:
        """Bytes in main memory. The compute buffers are counted there too: the CPU has its own."""
        on_devices = self.on_devices(n_gpu_layers)
        return self.total - (on_devices - self.compute if on_devices else 0)


def needs(headers: Sequence[Gguf], entry: Entry, n_ctx: int) -> Needs:
    """What the model of these files (one, or all parts of a split one) takes with a context of `n_ctx` tokens."""
    header = headers[0]
    n_ctx = -(-n_ctx // CTX_PADDING) * CTX_PADDING
    by_layer: dict[int, int] = defaultdict(int)
    outside = {"input": 0, "output": 0}
    for tensor in (t for h in headers for t in h.tensors):
        if layer := _LAYER.match(tensor.name):
            by_layer[int(layer[1])] += tensor.size_bytes
        else:
            outside["input" if tensor.name.startswith(_INPUTS) else "output"] += tensor.size_bytes
    num_layers = max([*by_layer, -1]) + 1
    cache = _cache_bytes(header, entry, num_layers, n_ctx)
    return Needs(
        layers=tuple(by_layer[i] + cache[i] for i in range(num_layers)),
        input=outside["input"],
        output=outside["output"],
        compute=_compute_bytes(header, entry, n_ctx),
        process=PROCESS_BYTES + VOCAB_TOKEN_BYTES * _num_tokens(header),
        n_ctx=n_ctx,
        checkpoints=_checkpoint_bytes(header, entry, cache),
    )


def wanted_n_ctx(header: Gguf, entry: Entry) -> int:
    """The context the entry asks for; "auto" is the model's own, up to 8 192, before memory is looked at.

    Of encoders up to 2 048, as long as its buffer of logits (which nobody reads) does not outweigh the model.
    """
    if entry.n_ctx != "auto":
        return entry.n_ctx
    most = DEFAULT_BIDIRECTIONAL_N_CTX if is_bidirectional(header) else DEFAULT_N_CTX
    n_ctx = min(n_ctx_train(header) or most, most)
    affordable = max(header.weights_bytes, CHEAP_LOGITS_BYTES)
    while (
        is_bidirectional(header)
        and n_ctx > MIN_BIDIRECTIONAL_N_CTX
        and _logits_bytes(header, n_ctx) > affordable
    ):
        n_ctx //= 2
    return n_ctx


def n_ctx_train(header: Gguf) -> int:
    """How many tokens the model was trained to see at once; 0 where the header does not say."""
    return _number(header, "context_length")


def is_bidirectional(header: Gguf) -> bool:
    """True for encoders (BERT and its kin), which see a whole input at once."""
    return header.architecture in _BIDIRECTIONAL_ARCHITECTURES or header.get("attention.causal") is False


# ── the parts ───────────────────────────────────────────────────────────────────────────────────────────────


def _cache_bytes(header: Gguf, entry: Entry, num_layers: int, n_ctx: int) -> list[int]:
    """KV cache and recurrent state of each layer."""
    if header.architecture in _WITHOUT_CACHE:
        return [0] * num_layers
    attention, recurrent = _layer_kinds(header, num_layers)
    state = _state_bytes(header) * entry.n_parallel
    shared = _number(header, "attention.shared_kv_layers")
    with_own_kv = num_layers - shared
    return [
        (_kv_bytes_per_token(header, entry, i) * n_ctx if attention[i] and i < with_own_kv else 0)
        + (state if recurrent[i] else 0)
        for i in range(num_layers)
    ]


def _layer_kinds(header: Gguf, num_layers: int) -> tuple[list[bool], list[bool]]:
    """Which layers have a KV cache, and which a recurrent state."""
    if not any(header.get(key) for key in _RECURRENT_KEYS):
        return [True] * num_layers, [False] * num_layers
    if header.architecture in _HYBRID_ARCHITECTURES:
        return [True] * num_layers, [True] * num_layers
    interval = _number(header, "full_attention_interval") or _DEFAULT_ATTENTION_INTERVAL.get(
        header.architecture, 0
    )
    if interval:
        attention = [(i + 1) % interval == 0 for i in range(num_layers)]
    else:
        attention = [_number(header, "attention.head_count_kv", i) > 0 for i in range(num_layers)]
    return attention, [not a for a in attention]


def _kv_bytes_per_token(header: Gguf, entry: Entry, layer: int) -> int:
    n_head = _number(header, "attention.head_count", layer)
    n_head_kv = _number(header, "attention.head_count_kv", layer) or n_head
    usual_size = _number(header, "embedding_length") // max(1, n_head)
    key_size = _head_size(header, "attention.key_length", layer) or usual_size
    value_size = _head_size(header, "attention.value_length", layer) or usual_size
    if _number(header, "attention.key_length_mla"):  # one latent vector instead of keys and values
        return _typed_bytes(key_size * n_head_kv, entry.cache_type_k)
    return _typed_bytes(key_size * n_head_kv, entry.cache_type_k) + _typed_bytes(
        value_size * n_head_kv, entry.cache_type_v
    )


def _head_size(header: Gguf, key: str, layer: int) -> int:
    """Of models whose sliding layers have heads of another size (Gemma 4): the layer's own, or else the larger one."""
    usual, sliding = _number(header, key), _number(header, f"{key}_swa")
    pattern = header.get("attention.sliding_window_pattern")
    if not sliding or not isinstance(pattern, tuple) or layer >= len(pattern):
        return max(usual, sliding)
    return sliding if pattern[layer] else usual


def _checkpoint_bytes(header: Gguf, entry: Entry, cache: Sequence[int]) -> int:
    """What the engine's copies of states (engine/checkpoints.py) may take at most, with the one that is being made."""
    _, recurrent = _layer_kinds(header, len(cache))
    if entry.is_embedding or not any(recurrent):
        return 0
    of_other_rows = sum(recurrent) * _state_bytes(header) * (entry.n_parallel - 1)
    state = sum(cache) - of_other_rows
    return min(CHECKPOINT_BYTES, NUM_CHECKPOINTS * state) + state


def _state_bytes(header: Gguf) -> int:
    """The recurrent state of one layer and one sequence: convolution and state, both float32."""
    n_embd = _number(header, "embedding_length")
    if head_size := _number(header, "wkv.head_size"):
        return 4 * n_embd * (head_size + (_number(header, "token_shift_count") or 2))
    if kernel := _number(header, "shortconv.l_cache"):
        return 4 * n_embd * (kernel - 1)
    inner, state = _number(header, "ssm.inner_size"), _number(header, "ssm.state_size")
    kernel, groups = _number(header, "ssm.conv_kernel"), _number(header, "ssm.group_count")
    return 4 * ((kernel - 1) * (inner + 2 * groups * state) + state * inner)


def _compute_bytes(header: Gguf, entry: Entry, n_ctx: int) -> int:
    """Activations of one step: the widest point of a layer, attention masks, or the logits.

    A step has `n_batch` tokens; of an encoder as many as the longest input, of other embedding models 512.
    """
    n_embd, n_ff = _number(header, "embedding_length"), _number(header, "feed_forward_length", most=True)
    rows = min(PACKED_TOKENS if entry.is_embedding else entry.n_batch, n_ctx)
    if is_bidirectional(header):
        rows = n_ctx
    widths = [
        3 * n_embd + 3 * n_ff,
        4 * n_embd + 2 * _number(header, "attention.head_count") * _number(header, "attention.key_length"),
    ]
    if experts := _number(header, "expert_used_count"):
        widths.append(3 * n_embd + experts * (3 * _number(header, "expert_feed_forward_length") + n_embd))
    if inner := _number(header, "ssm.inner_size"):
        widths.append(7 * inner)
    num_outputs = rows if entry.is_embedding else 2 * entry.n_parallel
    logits = _logits_bytes(header, num_outputs)  # embedding models allot them too, for every token
    masks = 0
    if is_bidirectional(header):
        masks = 2 * rows * rows
    elif _number(header, "attention.head_count", most=True):
        masks = 2 * n_ctx * rows * (2 if _number(header, "attention.sliding_window") else 1)
    return max(masks + 4 * rows * max(widths), 0 if entry.is_embedding else logits) + logits


def _logits_bytes(header: Gguf, num_outputs: int) -> int:
    return 4 * num_outputs * _num_tokens(header)


def _typed_bytes(num_elements: int, cache_type: str) -> int:
    _, per_block, block_bytes = next(t for t in TENSOR_TYPES.values() if t[0] == cache_type.upper())
    return num_elements // per_block * block_bytes


def _num_tokens(header: Gguf) -> int:
    return header.array_lengths.get("tokenizer.ggml.tokens") or _number(header, "vocab_size")


def _number(header: Gguf, key: str, layer: int = 0, *, most: bool = False) -> int:
    """An integer of the architecture, of one layer where they differ; 0 where it is missing or no number."""
    value = header.get(key, 0)
    if isinstance(value, tuple):
        numbers = [v for v in value if isinstance(v, int)]
        value = max(numbers, default=0) if most else (numbers[layer] if layer < len(numbers) else 0)
    return int(value) if isinstance(value, (int, float)) else 0
