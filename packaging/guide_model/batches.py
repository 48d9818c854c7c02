"""Conversations → rows of token ids of one length, with a weight for every token. They depend on seed, step and worker alone."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from . import corpus
from .conversation import CHOSEN, NAMED, WRITTEN, Conversation, Piece

LEARNED_SHARE = 0.55  # of all positions, how many are looked at: every answer token, and some of the others
PROMPT_WEIGHT = 0.1
NUM_COPYING_STEPS = 160
# Parts of the run: from then on names are picked; until then, short tools; from then on arguments' names weigh more.
PICKING_FROM, CHOOSING_UNTIL, ARGUMENTS_FROM = 0.18375, 0.35, 0.5

Mix = tuple[tuple[str, float], ...]  # kinds of conversation (see corpus.episodes) and how often each is taken
BEGINNING: Mix = (("copying", 0.75), ("plain", 0.25))
TALK: Mix = (("plain", 0.93), ("copying", 0.03), ("unknown", 0.04))
CHOOSING: Mix = (("short tools", 0.85), ("memory", 0.15))
PICKING: Mix = (("short tools", 0.55), ("picking", 0.33), ("memory", 0.12))
ARGUMENTS: Mix = (("tools", 0.41), ("few tools", 0.45), ("memory", 0.14))
TOOLS: Mix = (("tools", 0.58), ("short tools", 0.16), ("picking", 0.08), ("memory", 0.18))


@dataclass(frozen=True)
class Rows:
    """Rows of one length that make a batch."""

    count: int
    length: int
    mix: Mix

    @property
    def num_tokens(self) -> int:
        return self.count * self.length


@dataclass(frozen=True)
class Batch:
    """ids [rows, length]; positions whose next token is learned, indexes into the flattened ids; their weights."""

    ids: Tensor
    positions: Tensor
    weights: Tensor


def plan(step: int, num_steps: int) -> tuple[Rows, ...]:
    """What one worker does in a step. Copying comes first, so that it is found early; then talk beside long rows.

    Long rows hold what needs distance: tools with what is asked of them, and things remembered over several turns.
    """
    if step < NUM_COPYING_STEPS:
        return (Rows(16, 128, BEGINNING),)
    if step < CHOOSING_UNTIL * num_steps:
        mix = CHOOSING if step < PICKING_FROM * num_steps else PICKING
        return (Rows(11, 128, TALK), Rows(6, 256, mix))
    return (Rows(11, 128, TALK), Rows(4, 384, TOOLS if step < ARGUMENTS_FROM * num_steps else ARGUMENTS))


class BatchMaker:
    """Makes the batches of every step of a run."""

    def __init__(self, tokenizer: Tokenizer, seed: int, num_steps: int) -> None:
        self.tokenizer = tokenizer
        self.seed = seed
        self.num_steps = num_steps
        self.named = WRITTEN  # what an argument's name weighs

    def batches(self, step: int, worker: int) -> list[Batch]:
        """The batches of one worker in one step."""
        rng = random.Random(f"batch {self.seed} {step} {worker}")
        self.named = NAMED if step >= ARGUMENTS_FROM * self.num_steps else WRITTEN
        return [self.batch(rng, rows) for rows in plan(step, self.num_steps)]

    def batch(self, rng: random.Random, rows: Rows) -> Batch:
        kinds, shares = zip(*rows.mix, strict=True)
        made = [self.row(rng, rng.choices(kinds, shares)[0], rows.length) for _ in range(rows.count)]
        weights = torch.tensor([weights for _, weights in made])
        return Batch(torch.tensor([ids for ids, _ in made]), *choose_positions(rng, weights))

    def row(self, rng: random.Random, kind: str, length: int) -> tuple[list[int], list[float]]:
        """Episodes until the row is full, the last one cut off, with the weight of each token: 0 is only read."""
        conversation, more = corpus.episodes(rng, kind)
        ids, weights = self.encode(conversation.pieces())
        while len(ids) < length:
            episode_ids, episode_weights = self.encode(Conversation(more()).pieces())
            ids += episode_ids
            weights += episode_weights
        return ids[:length], weights[:length]

    def encode(self, pieces: list[Piece]) -> tuple[list[int], list[float]]:
        ids: list[int] = []
        weights: list[float] = []
        encodings = self.tokenizer.encode_batch([piece.text for piece in pieces])
        reading = True
        for piece, encoding in zip(pieces, encodings, strict=True):
            weight = self.named if piece.weight == NAMED else piece.weight
            piece_weights = [weight] * len(encoding.ids)
            if reading and piece.weight:
                piece_weights[0] = CHOSEN  # to call or to answer, and what: the first token says it
            reading = not piece.weight
            ids += encoding.ids
            weights += piece_weights
        return ids, weights


def choose_positions(rng: random.Random, weights: Tensor) -> tuple[Tensor, Tensor]:
    """A fixed number of positions: before answer tokens first, then, by chance, before other tokens."""
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    next_weights = torch.zeros_like(weights)
    next_weights[:, :-1] = weights[:, 1:]
    has_next = torch.ones_like(weights)
    has_next[:, -1] = 0
    chance = torch.rand(weights.shape, generator=generator) * 0.9
    priority = (next_weights > 0) * 2 + has_next + chance
    positions = priority.flatten().topk(int(weights.numel() * LEARNED_SHARE)).indices.sort().values
    chosen = torch.where(next_weights > 0, next_weights, PROMPT_WEIGHT) * has_next
    return positions, chosen.flatten()[positions]
