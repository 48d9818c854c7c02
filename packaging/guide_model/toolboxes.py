"""Tools that are offered together. Some are there for practice: to choose by the thing, by the verb, or to fill in values."""

from __future__ import annotations

import random

from . import tool_words as w
from .tools import ANY_PARAMETER, TRAINING, Function, Vocabulary, make_any, make_function


def alike(rng: random.Random, count: int, *, one_verb: bool = True) -> list[Function]:
    """Short tools that do the same with different things, so that nothing but the thing tells which one is meant.

    Their names begin alike, or, without `one_verb`, with any verb that means the same: then it must be looked up.
    """
    family = rng.choice(w.OWN_VERBS) if rng.random() < 0.15 else rng.choice(("get", "get", *w.FAMILIES))
    verb, style = (rng.choice(w.family_words(family)[0]), rng.random()) if one_verb else ("", -1.0)
    box: dict[str, Function] = {}
    while len(box) < count:
        function = make_function(rng, TRAINING, family, short=True, verb=verb, style=style)
        box.setdefault(function.noun, function)
    return list(box.values())


def of_one_thing(rng: random.Random, count: int) -> list[Function]:
    """Short tools that do different things with the same thing, so that nothing but the verb tells which one is meant."""
    noun = TRAINING.noun(rng)
    families = rng.sample([*w.FAMILIES, *rng.sample(w.OWN_VERBS, 3)], count)
    box = [make_function(rng, TRAINING, family, noun, short=True) for family in families]
    return list({function.name: function for function in box}.values())


def with_arguments(rng: random.Random) -> list[Function]:
    """Tools that take one to three arguments, so that giving each its own value is practised more than choosing."""
    box: dict[str, Function] = {}
    for _ in range(rng.choice((1, 2, 2, 3, 3, 4))):
        function = make_function(rng, ANY_PARAMETER, count=rng.choice((1, 2, 2, 2, 3, 3)))
        box.setdefault(function.noun, function)
    return list(box.values())


def make_toolbox(
    rng: random.Random, vocabulary: Vocabulary = TRAINING, most: int = 5, *, short: bool = False
) -> list[Function]:
    """One to five tools with different names; some share a noun or a family, so that both must be read.

    Short ones are at least two: they are there to learn choosing.
    """
    if short and vocabulary is TRAINING and rng.random() < 0.6:
        return alike(rng, rng.choice((2, 2, 3, 3, 4)))
    box = [make_any(rng, vocabulary, short=short)]
    for _ in range(min(most - 1, rng.choice((1, 1, 2, 2, 3) if short else (0, 1, 1, 2, 2, 3, 3, 4)))):
        kind = rng.random()
        other = rng.choice(box)
        families = [
            name for name in w.FAMILIES if name not in {f.family for f in box if f.noun == other.noun}
        ]
        if kind < 0.15 and families:
            box.append(make_function(rng, vocabulary, rng.choice(families), other.noun, short=short))
        elif kind < 0.4:
            box.append(make_function(rng, vocabulary, other.family, short=short))
        else:
            box.append(make_any(rng, vocabulary, short=short))
    unique: dict[tuple[str, str], Function] = {}
    for function in box:
        unique.setdefault((function.family, function.noun), function)
    by_name = {function.name: function for function in unique.values()}
    box = list(by_name.values())
    rng.shuffle(box)
    return box
