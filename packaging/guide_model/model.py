"""The network: a llama-architecture transformer in plain torch, small enough to train on two CPU cores.

Knows nothing of text. Rotary embeddings are the interleaved kind, which llama.cpp calls NORM and uses for
the `llama` architecture, so that weights are exported without any permutation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

TURNING_PAIRS = 12
ATTENTION_BLOCK = 64
NEVER = -1e4  # a score so low that nothing is read there


@dataclass(frozen=True)
class Shape:
    """Sizes of the network; every row length is a multiple of 32, which Q8_0 needs."""

    vocab: int = 6144
    width: int = 160
    layers: int = 6
    heads: int = 4
    head_dim: int = 64
    hidden: int = 448
    rope_base: float = 10000.0
    norm_eps: float = 1e-5

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def frequencies(shape: Shape) -> Tensor:
    """Radians per position of each pair, [head_dim / 2]: some turn, from fast to slow, and the others stand still.

    Those that stand still compare what two tokens are, however far they are apart: finding a word again is what
    copying and choosing are made of.
    """
    turning = torch.logspace(0, -2.4, TURNING_PAIRS, dtype=torch.float32)
    return torch.cat([turning, torch.zeros(shape.head_dim // 2 - TURNING_PAIRS)])


def rope_tables(shape: Shape, length: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines, each [length, head_dim / 2]."""
    angles = torch.arange(length, dtype=torch.float32)[:, None] * frequencies(shape)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate neighbouring pairs of x [batch, heads, length, head_dim] by their position's angle."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention, [batch, heads, length, head_dim], block by block of queries, each with what comes before its end.

    Compiled and with 16-bit products this is twice as fast on a CPU as torch's own, which counts for a third of a step.
    """
    length, scale = q.shape[2], q.shape[3] ** -0.5
    mixed = []
    for start in range(0, length, ATTENTION_BLOCK):
        end = min(start + ATTENTION_BLOCK, length)
        scores = (q[:, :, start:end] @ k[:, :, :end].transpose(2, 3)).float() * scale
        is_before = torch.ones(end - start, end, dtype=torch.bool, device=q.device).tril(start)
        scores = torch.where(is_before, scores, NEVER)
        mixed.append(scores.softmax(-1) @ v[:, :, :end])
    return torch.cat(mixed, 2)


class Norm(nn.Module):
    """RMS normalisation with a learned scale."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, (x.shape[-1],), self.weight, self.eps)


class Layer(nn.Module):
    """Attention and a gated feed-forward, each behind a norm and added to the stream."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.attn_norm = Norm(shape.width, shape.norm_eps)
        inner = shape.heads * shape.head_dim
        self.q = nn.Linear(shape.width, inner, bias=False)
        self.k = nn.Linear(shape.width, inner, bias=False)
        self.v = nn.Linear(shape.width, inner, bias=False)
        self.o = nn.Linear(inner, shape.width, bias=False)
        self.ffn_norm = Norm(shape.width, shape.norm_eps)
        self.gate = nn.Linear(shape.width, shape.hidden, bias=False)
        self.up = nn.Linear(shape.width, shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = x + self.attend(self.attn_norm(x), cos, sin)
        h = self.ffn_norm(x)
        return x + self.down(functional.silu(self.gate(h)) * self.up(h))

    def attend(self, h: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, length, _ = h.shape
        inner = self.shape.heads * self.shape.head_dim
        split = (batch, length, self.shape.heads, self.shape.head_dim)
        q = rotate(self.q(h).view(split).transpose(1, 2), cos, sin)
        k = rotate(self.k(h).view(split).transpose(1, 2), cos, sin)
        v = self.v(h).view(split).transpose(1, 2)
        mixed = attention(q, k, v)
        return self.o(mixed.transpose(1, 2).reshape(batch, length, inner))


class Network(nn.Module):
    """token ids [batch, length] → hidden states [batch, length, width]; logits are a tied projection of them.

    A token with a space before it is the token without it plus one vector, the same for all: so a word is found again
    whether it stands in a sentence or in a tool's name, and the one form is learnt with the other. `bases` gives the
    id without the space for every id; ids from shape.vocab on are the forms with a space.

    The tokens in `fixed` keep the random embeddings they start with. Were they learnt, the words that tools in training
    are made of would be louder than words that the network has hardly seen, and those it could not copy.
    """

    def __init__(self, shape: Shape, bases: Sequence[int], fixed: Sequence[int]) -> None:
        super().__init__()
        self.shape = shape
        self.embed = nn.Embedding(shape.vocab, shape.width)
        self.space = nn.Parameter(torch.empty(shape.width))
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width, shape.norm_eps)
        base_of = torch.tensor(bases)
        spaced = torch.arange(len(base_of)) >= shape.vocab
        has_spaced = torch.zeros(shape.vocab).index_fill_(0, base_of[spaced], 1.0)
        self.register_buffer("base_of", base_of)
        self.register_buffer("spaced", spaced.float())
        self.register_buffer("has_spaced", has_spaced)
        learns = torch.ones(shape.vocab).index_fill_(0, torch.tensor(fixed, dtype=torch.long), 0.0)
        self.register_buffer("learns", learns)
        self.initialise()

    def initialise(self) -> None:
        """Random. Embeddings start at about the size they end with, since some of them stay as they are."""
        depth_scale = (2 * self.shape.layers) ** -0.5
        for name, weight in self.named_parameters():
            if name.startswith(("embed", "space")):
                nn.init.normal_(weight, std=0.12)
            elif weight.ndim == 2:
                nn.init.normal_(weight, std=weight.shape[1] ** -0.5 * 0.6)
                if name.endswith(("o.weight", "down.weight")):
                    weight.data.mul_(0.2 * depth_scale)

    def forward(self, ids: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        x = self.embed(self.base_of[ids]) + self.spaced[ids][..., None] * self.space
        for layer in self.layers:
            x = layer(x, cos, sin)
        return self.norm(x)

    def losses(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """hidden [n, width], target ids [n] → cross-entropy of each, over all ids, with and without a space."""
        logits = hidden @ self.embed.weight.T
        of_space = hidden @ self.space
        total = (logits + self.has_spaced * functional.softplus(of_space)[:, None]).logsumexp(-1)
        wanted = logits.gather(1, self.base_of[targets][:, None])[:, 0] + self.spaced[targets] * of_space
        return total - wanted

    def hold_fixed(self) -> None:
        """Take the fixed tokens out of the gradient."""
        if self.embed.weight.grad is not None:
            self.embed.weight.grad *= self.learns[:, None]

    def embeddings(self) -> Tensor:
        """A row for every id, [ids, width]: what a runtime looks up, and projects onto."""
        return self.embed.weight[self.base_of] + self.spaced[:, None] * self.space
