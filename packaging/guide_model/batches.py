"""Conversations → rows of token ids of one length, with a weight for every token. They depend on seed, step and worker alone."""

from __future__ import annotations

import random
from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor

from . import corpus
from .conversation import Conversation, Piece

LEARNED_SHARE = 0.55  # of all positions, how many are looked at: every answer token, and some of the others
PROMPT_WEIGHT = 0.1
NUM_COPYING_STEPS = 160
FEW_TOOLS_UNTIL = 0.2  # of the run: until then, two tools at most

Mix = tuple[tuple[str, float], ...]  # kinds of conversation (see corpus.episodes) and how often each is taken
BEGINNING: Mix = (("copying", 0.75), ("plain", 0.25))
TALK: Mix = (("plain", 0.93), ("copying", 0.03), ("unknown", 0.04))
FEW_TOOLS: Mix = (("few tools", 0.8), ("memory", 0.2))
TOOLS: Mix = (("tools", 0.65), ("few tools", 0.17), ("memory", 0.18))


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
    long = FEW_TOOLS if step < FEW_TOOLS_UNTIL * num_steps else TOOLS
    return (Rows(11, 128, TALK), Rows(4, 384, long))


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
        flags = torch.tensor([flags for _, flags in made])
        return Batch(torch.tensor([ids for ids, _ in made]), *choose_positions(rng, flags))

    def row(self, rng: random.Random, kind: str, length: int) -> tuple[list[int], list[int]]:
        """Episodes until the row is full, the last one cut off. Flags: 1 written by the model, 0 read."""
        conversation, more = corpus.episodes(rng, kind)
        ids, flags = self.encode(conversation.pieces())
        while len(ids) < length:
            episode_ids, episode_flags = self.encode(Conversation(more()).pieces())
            ids += episode_ids
            flags += episode_flags
        return ids[:length], flags[:length]

    def encode(self, pieces: list[Piece]) -> tuple[list[int], list[int]]:
        ids: list[int] = []
        flags: list[int] = []
        for piece, encoding in zip(
            pieces, self.tokenizer.encode_batch([p.text for p in pieces]), strict=True
        ):
            ids += encoding.ids
            flags += [int(piece.is_answer)] * len(encoding.ids)
        return ids, flags


def choose_positions(rng: random.Random, flags: Tensor) -> tuple[Tensor, Tensor]:
    """A fixed number of positions: before answer tokens first, then, by chance, before other tokens."""
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    next_flags = torch.zeros_like(flags)
    next_flags[:, :-1] = flags[:, 1:]
    has_next = torch.ones_like(flags)
    has_next[:, -1] = 0
    priority = next_flags * 2 + has_next + torch.rand(flags.shape, generator=generator) * 0.9
    positions = priority.flatten().topk(int(flags.numel() * LEARNED_SHARE)).indices.sort().values
    weights = torch.where(next_flags == 1, 1.0, PROMPT_WEIGHT) * has_next
    return positions, weights.flatten()[positions]
