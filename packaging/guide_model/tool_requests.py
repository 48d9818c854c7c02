"""Requests that need one of the tools, the same one twice, or none, and what is made of a tool's result.

Which tool is meant shows in the words that request and tool share; arguments are copied out of the request.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Any

from . import tool_words as w
from .conversation import Episode, assistant, calls, dumps, tool_result, user
from .tools import Function
from .values import value_for
from .words import number, word


@dataclass(frozen=True)
class Request:
    """What a person asks, and the call it takes."""

    text: str
    name: str
    arguments: dict[str, Any]


def make_request(rng: random.Random, function: Function, *, is_hard: bool = False) -> Request:
    if function.requests:
        return everyday_request(rng, function)
    said = [p for p in function.parameters if not p.optional or rng.random() < 0.5]
    arguments = {p.name: value_for(rng, p, is_hard=is_hard) for p in said}
    parts = [spoken(rng, p.link, arguments[p.name]) for p in said]
    about = " ".join([function.noun, *parts]).replace(" ,", ",")
    opening = rng.choice(w.family_words(function.family)[2])
    text = opening.format(about)
    if opening.startswith(("What", "How", "Which", "Can", "Do")):
        text += "?"
    elif rng.random() < 0.5:
        text += "."
    if rng.random() < 0.1:
        text = rng.choice(("Hi, ", "Please, ", "Hello! ", "OK. ", "Now ")) + text
    if rng.random() < 0.15:
        text = text.rstrip("?.")
    return Request(text, function.name, arguments)


def everyday_request(rng: random.Random, function: Function) -> Request:
    template = rng.choice(function.requests)
    if rng.random() < 0.3:
        template = template[0].lower() + template[1:]
    said = function.parameters[: template.count("{")]
    arguments = {parameter.name: value_for(rng, parameter) for parameter in said}
    values = [
        f"'{value}'" if " " in str(value) and rng.random() < 0.5 else value for value in arguments.values()
    ]
    return Request(template.format(*values), function.name, arguments)


def spoken(rng: random.Random, link: str, value: Any) -> str:
    text = str(value)
    if " " in text or rng.random() < 0.08:
        quote = rng.choice(("'", '"', "'", "")) if " " in text else rng.choice(("'", '"'))
        return f"{link} {quote}{text}{quote}"
    return f"{link} {text}"


def call_episode(
    rng: random.Random, function: Function, *, with_result: bool, is_hard: bool = False
) -> Episode:
    """Request and call; with the tool's result and the answer made of it where wanted. is_hard: its values."""
    request = make_request(rng, function, is_hard=is_hard)
    episode: Episode = [user(request.text), calls((request.name, request.arguments))]
    if with_result:
        text, said = make_result(rng, function)
        episode += [tool_result(text), assistant(said)]
    return episode


def double_call(rng: random.Random, function: Function) -> Episode:
    """One request that needs the same tool twice, with two values of its only parameter."""
    parameter = function.parameters[0]
    first, second = (value_for(rng, parameter) for _ in range(2))
    opening = rng.choice(w.family_words(function.family)[2])
    text = opening.format(f"{function.noun} {parameter.link} {first} and {second}")
    return [
        user(text),
        calls((function.name, {parameter.name: first}), (function.name, {parameter.name: second})),
    ]


def make_result(rng: random.Random, function: Function) -> tuple[str, str]:
    """What the tool gives back, and how the guide says it: of what, and every value, in the tool's own words."""
    lead = f"The {function.noun}"
    if rng.random() < 0.07:
        reason = " ".join(word(rng) for _ in range(rng.choice((1, 2, 3))))
        return written(rng, {"error": reason}), f"That failed: {reason}"
    if rng.random() < 0.4:
        text = rng.choice(
            (number(rng), word(rng), f"{number(rng)} {word(rng)}", " ".join(word(rng) for _ in range(4)))
        )
        return text, f"{lead}: {text}"
    keys = rng.sample(w.RESULT_KEYS, rng.choice((1, 1, 2, 2, 3)))
    values = {k: int(number(rng)) if rng.random() < 0.4 else word(rng) for k in keys}
    return written(rng, values), f"{lead}: " + ", ".join(f"{k} {v}" for k, v in values.items())


def written(rng: random.Random, values: dict[str, Any]) -> str:
    """JSON as Python writes it, or without spaces, as JavaScript does."""
    if rng.random() < 0.4:
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return dumps(values)
