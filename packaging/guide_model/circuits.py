"""Where training begins: the attention heads that copying is made of, written down instead of waited for.

A network that starts at random finds out by itself, after millions of tokens, that what follows a word now is what
followed it before (Olsson et al. 2022, "In-context Learning and Induction Heads"). Its parts are known, so a few heads
start as such parts; training changes them as it likes. The other heads and all feed-forward layers start at random.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .model import TURNING_PAIRS, Layer, Network, frequencies

FAST_PAIRS = 6  # of a head that goes by position; slow ones do not tell neighbours apart
SPACE = 0.3  # of a token's own length; a word with a space is to look nearly like the one without
COMMON = 0.7  # length of what all embeddings share: heads that go by position alone read it
POSITION, MATCH = 1.6, 2.2  # how sharply heads look by position, and by content
CARRY, COPY = 0.12, 0.3  # how loudly what was seen is passed on, and written


@torch.no_grad()
def install(network: Network) -> None:
    """Change a network that was just initialised."""
    shape = network.shape
    common = torch.nn.functional.normalize(torch.randn(shape.width), dim=0)
    network.embed.weight -= torch.outer(network.embed.weight @ common, common)
    network.embed.weight += COMMON * common
    network.space -= (network.space @ common) * common
    network.space *= SPACE
    first, second, third = (network.layers[index] for index in range(3))
    seen = subspace(shape.head_dim, shape.width)
    before, two_before = (look_back(first, head, head + 1, common, seen) for head in range(2))
    # A word that comes twice has two continuations; together with the word before it, mostly one.
    this, this_and_last = (seen, before), (halves(seen, before), halves(before, two_before))
    for layer, head, (wanted, kept) in (
        (second, 0, this),
        (second, 1, this_and_last),
        (third, 0, this_and_last),
    ):
        find(layer, head, wanted, kept)
        copy(layer, head)
    for layer, head in ((second, 2), (third, 1)):
        same = subspace(shape.head_dim, shape.width)
        find(layer, head, same, same)


def rows(layer: Layer, head: int) -> slice:
    size = layer.shape.head_dim
    return slice(head * size, (head + 1) * size)


def subspace(size: int, width: int) -> Tensor:
    """[size, width]: orthonormal rows."""
    return torch.linalg.qr(torch.randn(width, size)).Q.T.contiguous()


def halves(one: Tensor, other: Tensor) -> Tensor:
    """Some rows of each, as many as a head that looks for both has room for."""
    half = len(one) // 2 - TURNING_PAIRS
    return torch.cat([one[:half], other[half : 2 * half]])


def look_back(layer: Layer, head: int, distance: int, common: Tensor, seen: Tensor) -> Tensor:
    """This head reads the token so many places before, by `seen`; gives where it keeps it, [head_dim, width]."""
    at, size, width = rows(layer, head), layer.shape.head_dim, layer.shape.width
    angles = distance * frequencies(layer.shape)[:FAST_PAIRS]
    query, key = torch.zeros(size), torch.zeros(size)
    query[0 : 2 * FAST_PAIRS : 2], query[1 : 2 * FAST_PAIRS : 2] = angles.cos(), -angles.sin()
    key[0 : 2 * FAST_PAIRS : 2] = 1.0
    layer.q.weight[at] = POSITION * torch.outer(query, common)
    layer.k.weight[at] = POSITION * torch.outer(key, common)
    kept = subspace(size, width)
    layer.v.weight[at] = seen
    layer.o.weight[:, at] = CARRY * kept.T
    return kept


def find(layer: Layer, head: int, wanted: Tensor, kept: Tensor) -> None:
    """This head looks for tokens that keep there what the present one is, however far away."""
    at, turning = rows(layer, head), 2 * TURNING_PAIRS
    for weight, reads in ((layer.q.weight, wanted), (layer.k.weight, kept)):
        weight[at][:turning] *= 0.1
        weight[at][turning:] = MATCH * reads[: layer.shape.head_dim - turning]


def copy(layer: Layer, head: int) -> None:
    """What this head reads it writes again as it is."""
    at = rows(layer, head)
    seen = subspace(layer.shape.head_dim, layer.shape.width)
    layer.v.weight[at] = seen
    layer.o.weight[:, at] = COPY * seen.T
