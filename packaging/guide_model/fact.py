"""What a fact is: an answer and the phrases that ask for it. Knows no particular fact."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from .frames import FRAMES, ask


@dataclass(frozen=True)
class Fact:
    """`phrases` by kind of frame (see frames.FRAMES); every kind used has at least one phrase."""

    id: str
    answer: str
    phrases: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def question(self, rng: random.Random, frames: dict[str, tuple[str, ...]] = FRAMES) -> str:
        """One way to ask, uniformly over the phrases."""
        kind, phrase = rng.choice([(kind, p) for kind, phrases in self.phrases.items() for p in phrases])
        return ask(rng, kind, phrase, frames)


def fact(id: str, answer: str, **phrases: str) -> Fact:  # noqa: A002 - a fact's own name
    """A fact from phrases written as one string a kind, separated by `|`."""
    return Fact(
        id, answer, {kind: tuple(p.strip() for p in text.split("|")) for kind, text in phrases.items()}
    )
