"""Checkpoint → GGUF: llama architecture, matrices in Q8_0, the tokenizer and the chat template inside."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer

from localllm import facts

from .conversation import CONTROL_TOKENS, END_OF_TEXT, IM_END, MARKUP_TOKENS, TEMPLATE
from .model import Network, Shape, frequencies
from .tokenizer import base_ids

SLOWEST = 1e-30  # radians per position; llama.cpp knows no pair that stands still
CONTEXT_LENGTH = facts.GUIDE_CONTEXT
LAYER_NAMES = {
    "attn_norm": "attn_norm", "q": "attn_q", "k": "attn_k", "v": "attn_v", "o": "attn_output",
    "ffn_norm": "ffn_norm", "gate": "ffn_gate", "up": "ffn_up", "down": "ffn_down",
}  # fmt: skip


def gguf_name(name: str) -> str:
    """The name llama.cpp looks for."""
    if name == "norm.weight":
        return "output_norm.weight"
    _, index, part, _ = name.split(".")
    return f"blk.{index}.{LAYER_NAMES[part]}.weight"


def write_shape(writer: gguf.GGUFWriter, shape: Shape, num_tokens: int, num_parameters: int) -> None:
    writer.add_name(facts.GUIDE)
    writer.add_description("A tiny model that knows localllm")
    writer.add_license(facts.LICENSE)
    writer.add_size_label(f"{num_parameters / 1e6:.1f}M")
    writer.add_context_length(CONTEXT_LENGTH)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_key_length(shape.head_dim)
    writer.add_value_length(shape.head_dim)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.norm_eps)
    writer.add_vocab_size(num_tokens)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_sampling_temp(0.0)


def write_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    vocab = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    types = {
        **dict.fromkeys(CONTROL_TOKENS, gguf.TokenType.CONTROL),
        **dict.fromkeys(MARKUP_TOKENS, gguf.TokenType.USER_DEFINED),
    }
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list([token for token, _ in vocab])
    writer.add_token_types([types.get(token, gguf.TokenType.NORMAL) for token, _ in vocab])
    writer.add_token_merges([" ".join(merge) for merge in merges])
    writer.add_eos_token_id(tokenizer.token_to_id(IM_END))
    writer.add_bos_token_id(tokenizer.token_to_id(END_OF_TEXT))
    writer.add_pad_token_id(tokenizer.token_to_id(END_OF_TEXT))
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)


def rope_factors(shape: Shape) -> np.ndarray:
    """What llama.cpp divides its own frequencies by, [head_dim / 2] float32, to get those of the training."""
    own = shape.rope_base ** (-np.arange(0, shape.head_dim, 2) / shape.head_dim)
    return (own / np.maximum(frequencies(shape).numpy(), SLOWEST)).astype(np.float32)


def tensors(network: Network) -> Iterator[tuple[str, torch.Tensor]]:
    """Name in the GGUF and weight, as a runtime needs it: with a row for every token."""
    yield "token_embd.weight", network.embeddings()
    for name, weight in network.named_parameters():
        if name not in ("embed.weight", "space"):
            yield gguf_name(name), weight


def write_weights(writer: gguf.GGUFWriter, network: Network) -> None:
    writer.add_tensor("rope_freqs.weight", rope_factors(network.shape))
    for name, weight in tensors(network):
        array = weight.detach().to(torch.float32).numpy()
        if array.ndim == 1:
            writer.add_tensor(name, array)
            continue
        kind = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quantize(np.ascontiguousarray(array), kind), raw_dtype=kind)


def load(folder: Path) -> tuple[Network, Tokenizer, int]:
    """The network and tokenizer of a training run, and its step."""
    state = torch.load(folder / "checkpoint.pt", map_location="cpu", weights_only=True)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    network = Network(Shape(**state["shape"]), base_ids(tokenizer), fixed=())
    network.load_state_dict(state["network"])
    return network, tokenizer, state["step"]


def export(folder: Path, output: Path) -> None:
    """Write the GGUF beside its place first, so that a crash leaves no half of one."""
    network, tokenizer, step = load(folder)
    part = output.with_suffix(".tmp")
    writer = gguf.GGUFWriter(part, "llama")
    num_parameters = sum(weight.numel() for weight in network.parameters())
    write_shape(writer, network.shape, tokenizer.get_vocab_size(), num_parameters)
    write_tokenizer(writer, tokenizer)
    write_weights(writer, network)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.replace(output)
    print(
        f"{output}: {output.stat().st_size / 1e6:.2f} MB, {num_parameters / 1e6:.2f} M parameters, step {step}"
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Write the GGUF of a training run.")
    parser.add_argument("--folder", type=Path, default=Path("build/guide"))
    parser.add_argument("--output", type=Path, default=Path("localllm") / facts.GUIDE_FILE)
    options = parser.parse_args(arguments)
    export(options.folder, options.output)
