"""How often a network in training would answer exactly right: one glance at each case instead of writing it out.

A greedy answer is the expected one if, and only if, every token of it is the likeliest after those before.
"""

from __future__ import annotations

import random
from collections import defaultdict

import torch
from tokenizers import Tokenizer

from . import cases, corpus, tool_requests, toolboxes, tools
from .conversation import CHOSEN, Conversation, Message, Piece, assistant, calls
from .model import Network, rope_tables


def watched_cases(count: int) -> list[cases.Case]:
    """Some of every kind that is hard; none has a question, tool or value that training uses."""
    rng = random.Random("watch")
    facts = list(cases.facts_by_frames(rng, 1))
    made = [*rng.sample(facts, count), *cases.refusals(rng, count)]
    for _ in range(count):
        for name, box in (
            ("other verbs", toolboxes.alike(rng, 3, one_verb=False)),
            ("short tools", toolboxes.make_toolbox(rng, tools.HELD_OUT, 3, short=True)),
            ("tools", toolboxes.make_toolbox(rng, tools.HELD_OUT)),
        ):
            episode = tool_requests.call_episode(rng, rng.choice(box), with_result=False)
            made.append(cases.case(name, episode, box))
            made.append(cases.case(f"none of {name}", corpus.no_tool_fits(rng, box, tools.HELD_OUT), box))
    return made


def expected_message(case: cases.Case) -> Message:
    if isinstance(case.expected, list):
        return calls(*((call["name"], call["arguments"]) for call in case.expected))
    return assistant(str(case.expected))


@torch.no_grad()
def accuracy(network: Network, tokenizer: Tokenizer, watched: list[cases.Case]) -> dict[str, float]:
    """Category → share of whole answers that are right; "…, name" → of names of tools. Between 0 and 1."""
    right: dict[str, list[bool]] = defaultdict(list)
    for case in watched:
        conversation = Conversation([*case.messages, expected_message(case)], case.tools)
        pieces = conversation.pieces()
        encoded = [tokenizer.encode(piece.text).ids for piece in pieces]
        ids = torch.tensor([token for tokens in encoded for token in tokens])
        likeliest = predictions(network, ids)
        first = max(i for i, piece in enumerate(pieces) if not piece.weight and "assistant\n" in piece.text)
        right[case.category].append(is_right(pieces, encoded, ids, likeliest, first, least=0.5))
        if case.expected and isinstance(case.expected, list):
            named = is_right(pieces, encoded, ids, likeliest, first, least=CHOSEN)
            right[f"{case.category}, name"].append(named)
    return {category: sum(values) / len(values) for category, values in right.items()}


def predictions(network: Network, ids: torch.Tensor) -> torch.Tensor:
    """The likeliest token for each position, shape [length]; the first is no prediction."""
    device = next(network.parameters()).device
    cos, sin = (table.to(device) for table in rope_tables(network.shape, len(ids)))
    logits = network(ids[None].to(device), cos, sin)[0] @ network.embeddings().T
    return logits.argmax(-1).roll(1).cpu()


def is_right(
    pieces: list[Piece],
    encoded: list[list[int]],
    ids: torch.Tensor,
    likeliest: torch.Tensor,
    first: int,
    *,
    least: float,
) -> bool:
    """Whether all tokens after the piece `first` that weigh at least so much are the likeliest ones."""
    start = 0
    for index, (piece, tokens) in enumerate(zip(pieces, encoded, strict=True)):
        end = start + len(tokens)
        if index > first and piece.weight >= least and not torch.equal(ids[start:end], likeliest[start:end]):
            return False
        start = end
    return True
