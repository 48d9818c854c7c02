"""Values for the parameters of invented tools: what people put into requests, and what calls must copy."""

from __future__ import annotations

import random
from typing import Any, Protocol

from . import everyday
from .words import (
    NAMES,
    PLACES,
    THINGS,
    accented,
    invented,
    long_word,
    number,
    repetitive_number,
    word,
)


class Parameter(Protocol):
    """What of a parameter its values depend on."""

    @property
    def type(self) -> str: ...
    @property
    def choices(self) -> tuple[str, ...]: ...
    @property
    def kind(self) -> str: ...


def value_for(rng: random.Random, parameter: Parameter, *, is_hard: bool = False) -> Any:
    """A value of the parameter's type; strings are words, names, dates, times, codes or addresses.

    is_hard: more of what is hard to copy, for practice.
    """
    if parameter.choices:
        return rng.choice(parameter.choices)
    if parameter.kind:
        return everyday_value(rng, parameter.kind)
    if parameter.type == "integer":
        return int(repetitive_number(rng) if is_hard and rng.random() < 0.4 else number(rng))
    if parameter.type == "number":
        return rng.choice((int(number(rng)), round(rng.uniform(0, 100), 1)))
    return hard_text(rng) if is_hard else usual_text(rng)


def hard_text(rng: random.Random) -> str:
    """What is copied wrongly more often than words are: values of several words and of many tokens."""
    kind = rng.random()
    if kind < 0.3:
        return odd_value(rng)
    if kind < 0.38:
        return accented(rng)
    if kind < 0.48:
        return long_word(rng)
    if kind < 0.72:
        count = rng.choice((2, 2, 3))
        return " ".join(word(rng) if rng.random() < 0.5 else invented(rng).capitalize() for _ in range(count))
    return invented(rng).capitalize() if kind < 0.85 else word(rng)


def usual_text(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.3:
        return invented(rng).capitalize()
    if kind < 0.5:
        return rng.choice((*PLACES, *NAMES))
    if kind < 0.75:
        return word(rng)
    if kind < 0.88:
        return (
            f"{word(rng)} {word(rng)}"
            if rng.random() < 0.5
            else f"{invented(rng).capitalize()} {invented(rng).capitalize()}"
        )
    return odd_value(rng)


def everyday_value(rng: random.Random, kind: str) -> Any:
    unknown = invented(rng)
    if kind == "integer":
        return int(number(rng))
    if kind == "words":
        return " ".join(word(rng) for _ in range(rng.choice((1, 1, 2, 2, 3))))
    values = {
        "place": (
            *PLACES,
            *(accented(rng) for _ in range(8)),
            unknown.capitalize(),
            f"{unknown.capitalize()} {rng.choice(PLACES)}",
        ),
        "person": (*NAMES, unknown.capitalize(), f"{unknown}@{word(rng).lower()}.com"),
        "thing": everyday.ROOMS,
        "language": everyday.LANGUAGES,
        "command": everyday.COMMANDS,
    }
    if kind in values:
        return rng.choice(values[kind])
    return {
        "time": f"{rng.randrange(24):02}:{rng.randrange(60):02}",
        "code": unknown[:4].upper(),
        "path": rng.choice(
            (f"{word(rng).lower()}.txt", f"{unknown}/{word(rng).lower()}.md", f"{unknown}.py")
        ),
    }[kind]


def odd_value(rng: random.Random) -> str:
    year, month, day = rng.randrange(1990, 2040), rng.randrange(1, 13), rng.randrange(1, 29)
    return rng.choice((
        f"{year}-{month:02}-{day:02}", f"{rng.randrange(24):02}:{rng.randrange(60):02}", f"{word(rng).lower()}@{invented(rng)}.com",
        f"{invented(rng)[:2].upper()}-{rng.randrange(1000)}", f"{word(rng).lower()}.txt", f"{rng.randrange(99)} + {rng.randrange(99)}",
        f"{rng.choice(THINGS)}-{rng.randrange(99)}", " ".join(word(rng) for _ in range(3)),
    ))  # fmt: skip
