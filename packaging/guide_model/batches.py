"""Conversations → rows of token ids of one length, with a weight for every token. They depend on seed, step and worker alone."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from . import corpus
from .conversation import CHOSEN, Conversation, Piece

LEARNED_SHARE = 0.5  # of all positions, how many are looked at: every answer token, and some of the others
PROMPT_WEIGHT = 0.1
NUM_COPYING_STEPS = 200
# Parts of the run: mostly choosing from then on; looking up verbs from then on; whole tools from then on.
MOSTLY_CHOOSING_FROM, LOOKING_UP_FROM, WHOLE_FROM = 0.2, 0.3, 0.48

Mix = tuple[tuple[str, float], ...]  # kinds of conversation (see corpus.episodes) and how often each is taken
BEGINNING: Mix = (("copying", 0.75), ("plain", 0.25))
TALK: Mix = (("plain", 0.80), ("copying", 0.16), ("unknown", 0.04))
CHOOSING: Mix = (("short tools", 0.8), ("memory", 0.2))
MOSTLY_CHOOSING: Mix = (("short tools", 0.6), ("other verbs", 0.2), ("few tools", 0.1), ("memory", 0.1))
LOOKING_UP: Mix = (("other verbs", 0.55), ("values", 0.25), ("few tools", 0.1), ("memory", 0.1))
TOOLS: Mix = (("any tools", 0.42), ("values", 0.3), ("other verbs", 0.14), ("memory", 0.14))


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
    if step < MOSTLY_CHOOSING_FROM * num_steps:
        return (Rows(11, 128, TALK), Rows(6, 256, CHOOSING))
    if step < LOOKING_UP_FROM * num_steps:
        return (Rows(5, 128, TALK), Rows(9, 256, MOSTLY_CHOOSING))
    if step < WHOLE_FROM * num_steps:
        return (Rows(8, 128, TALK), Rows(8, 256, LOOKING_UP))
    return (Rows(14, 128, TALK), Rows(4, 384, TOOLS))


class BatchMaker:
    """Makes the batches of every step of a run."""

    def __init__(self, tokenizer: Tokenizer, seed: int, num_steps: int) -> None:
        self.tokenizer = tokenizer
        self.seed = seed
        self.num_steps = num_steps

    def batches(self, step: int, worker: int) -> list[Batch]:
        """The batches of one worker in one step."""
        rng = random.Random(f"batch {self.seed} {step} {worker}")
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
            piece_weights = [piece.weight] * len(encoding.ids)
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
