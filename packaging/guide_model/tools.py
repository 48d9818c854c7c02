"""Invented tools and requests that need one of them, several, or none.

Which tool is meant shows in the words that request and tool share; arguments are copied out of the request.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from . import tool_words as w
from .conversation import Episode, Tool, assistant, calls, dumps, tool_result, user
from .words import NAMES, PLACES, THINGS, invented, number, word


@dataclass(frozen=True)
class Parameter:
    """`link` leads to the value in a request: "in", "with size", … An optional one may stay unsaid."""

    name: str
    type: str
    description: str
    link: str
    choices: tuple[str, ...] = ()
    optional: bool = False

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": self.type}
        if self.description:
            schema["description"] = self.description
        return {**schema, "enum": list(self.choices)} if self.choices else schema


@dataclass(frozen=True)
class Function:
    """An invented tool: a verb family, the thing it is about, and its parameters."""

    name: str
    description: str
    family: str
    noun: str
    parameters: tuple[Parameter, ...]

    def tool(self) -> Tool:
        properties = {p.name: p.schema() for p in self.parameters}
        schema = {
            "type": "object",
            "properties": properties,
            "required": [p.name for p in self.parameters if not p.optional],
        }
        function = {"name": self.name, "description": self.description, "parameters": schema}
        return {"type": "function", "function": function}


@dataclass(frozen=True)
class Vocabulary:
    """Which nouns and parameter names may be used: the ones for training or the held-out ones."""

    nouns: tuple[str, ...] = tuple(w.NOUNS)
    parameters: tuple[str, ...] = tuple(w.PARAMETERS)

    def noun(self, rng: random.Random) -> str:
        kind = rng.random()
        first = invented(rng) if kind < 0.3 else rng.choice(self.nouns)
        if rng.random() < 0.3:
            return f"{rng.choice(w.MODIFIERS) if rng.random() < 0.7 else invented(rng)} {first}"
        return first

    def parameter(self, rng: random.Random) -> str:
        name = invented(rng) if rng.random() < 0.2 else rng.choice(self.parameters)
        return f"{rng.choice(self.parameters)}_{name}" if rng.random() < 0.12 else name


TRAINING = Vocabulary()
HELD_OUT = Vocabulary(tuple(w.HELD_OUT_NOUNS), tuple(w.HELD_OUT_PARAMETERS))


def tool_name(rng: random.Random, verb: str, noun: str) -> str:
    words = noun.split()
    style = rng.random()
    if style < 0.6:
        return "_".join([verb, *words])
    if style < 0.75:
        return verb + "".join(word.capitalize() for word in words)
    if style < 0.87:
        return "_".join([*words, verb])
    return "-".join([verb, *words]) if style < 0.92 else "_".join(words)


def make_parameter(rng: random.Random, vocabulary: Vocabulary, *, first: bool) -> Parameter:
    name = vocabulary.parameter(rng)
    spoken = name.replace("_", " ")
    numeric = name in w.NUMERIC_PARAMETERS or rng.random() < 0.1
    kind = rng.choice(("integer", "integer", "number")) if numeric else "string"
    description = rng.choice(
        ("", "", f"The {spoken}", f"the {spoken} to use", f"{spoken.capitalize()}", f"Which {spoken}")
    )
    if first and not numeric and rng.random() < 0.7:
        return Parameter(
            name,
            kind,
            description,
            rng.choice(("in", "for", "of", "at", "from", "to", "on", "named", "called", "with")),
        )
    choices = (
        tuple(rng.sample(w.CHOICES, rng.choice((2, 3)))) if kind == "string" and rng.random() < 0.25 else ()
    )
    optional = not first and rng.random() < 0.35
    link = rng.choice((f"with {spoken}", f"and {spoken}", f"{spoken}", f"with the {spoken}", f", {spoken}"))
    return Parameter(name, kind, description, link, choices, optional)


def make_function(
    rng: random.Random, vocabulary: Vocabulary, family: str | None = None, noun: str | None = None
) -> Function:
    family = family or rng.choice(("get", "get", "get", *w.FAMILIES))
    noun = noun or vocabulary.noun(rng)
    verbs, descriptions, _ = w.FAMILIES[family]
    count = rng.choice((0, 1, 1, 1, 1, 2, 2, 3))
    parameters: dict[str, Parameter] = {}
    while len(parameters) < count:
        parameter = make_parameter(rng, vocabulary, first=not parameters)
        parameters.setdefault(parameter.name, parameter)
    verb = rng.choice(verbs)
    description = "" if rng.random() < 0.08 else rng.choice(descriptions).format(noun)
    if description and rng.random() < 0.1:
        description += ". " + " ".join(word(rng) for _ in range(rng.randrange(2, 9))).capitalize() + "."
    if rng.random() < 0.15 and parameters:
        description += f" by {next(iter(parameters)).replace('_', ' ')}"
    return Function(tool_name(rng, verb, noun), description, family, noun, tuple(parameters.values()))


def make_toolbox(rng: random.Random, vocabulary: Vocabulary = TRAINING, most: int = 5) -> list[Function]:
    """One to five tools with different names; some share a noun or a family, so that both must be read."""
    box = [make_function(rng, vocabulary)]
    for _ in range(min(most - 1, rng.choice((0, 1, 1, 2, 2, 3, 3, 4)))):
        kind = rng.random()
        other = rng.choice(box)
        families = [
            name for name in w.FAMILIES if name not in {f.family for f in box if f.noun == other.noun}
        ]
        if kind < 0.15 and families:
            box.append(make_function(rng, vocabulary, rng.choice(families), other.noun))
        else:
            box.append(make_function(rng, vocabulary, other.family if kind < 0.4 else None))
    unique: dict[tuple[str, str], Function] = {}
    for function in box:
        unique.setdefault((function.family, function.noun), function)
    by_name = {function.name: function for function in unique.values()}
    box = list(by_name.values())
    rng.shuffle(box)
    return box


def value_for(rng: random.Random, parameter: Parameter) -> Any:
    """A value of the parameter's type; strings are words, names, dates, times, codes or addresses."""
    if parameter.choices:
        return rng.choice(parameter.choices)
    if parameter.type == "integer":
        return int(number(rng))
    if parameter.type == "number":
        return rng.choice((int(number(rng)), round(rng.uniform(0, 100), 1)))
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


def odd_value(rng: random.Random) -> str:
    year, month, day = rng.randrange(1990, 2040), rng.randrange(1, 13), rng.randrange(1, 29)
    return rng.choice((
        f"{year}-{month:02}-{day:02}", f"{rng.randrange(24):02}:{rng.randrange(60):02}", f"{word(rng).lower()}@{invented(rng)}.com",
        f"{invented(rng)[:2].upper()}-{rng.randrange(1000)}", f"{word(rng).lower()}.txt", f"{rng.randrange(99)} + {rng.randrange(99)}",
        f"{rng.choice(THINGS)}-{rng.randrange(99)}", " ".join(word(rng) for _ in range(3)),
    ))  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What a person asks, and the call it takes. `about` is the request without its opening, for the answer."""

    text: str
    name: str
    arguments: dict[str, Any]
    about: str


def make_request(rng: random.Random, function: Function) -> Request:
    said = [p for p in function.parameters if not p.optional or rng.random() < 0.5]
    arguments = {p.name: value_for(rng, p) for p in said}
    parts = [spoken(rng, p.link, arguments[p.name]) for p in said]
    about = " ".join([function.noun, *parts]).replace(" ,", ",")
    opening = rng.choice(w.FAMILIES[function.family][2])
    text = opening.format(about)
    if opening.startswith(("What", "How", "Which", "Can", "Do")):
        text += "?"
    elif rng.random() < 0.5:
        text += "."
    if rng.random() < 0.1:
        text = rng.choice(("Hi, ", "Please, ", "Hello! ", "OK. ", "Now ")) + text
    if rng.random() < 0.15:
        text = text.rstrip("?.")
    return Request(text, function.name, arguments, about)


def spoken(rng: random.Random, link: str, value: Any) -> str:
    text = str(value)
    if " " in text or rng.random() < 0.08:
        quote = rng.choice(("'", '"', "'", "")) if " " in text else rng.choice(("'", '"'))
        return f"{link} {quote}{text}{quote}"
    return f"{link} {text}"


def call_episode(rng: random.Random, function: Function, *, with_result: bool) -> Episode:
    """Request and call; with the tool's result and the answer made of it where wanted."""
    request = make_request(rng, function)
    episode: Episode = [user(request.text), calls((request.name, request.arguments))]
    if with_result:
        text, said = make_result(rng, function, request)
        episode += [tool_result(text), assistant(said)]
    return episode


def double_call(rng: random.Random, function: Function) -> Episode:
    """One request that needs the same tool twice, with two values of its only parameter."""
    parameter = function.parameters[0]
    first, second = (value_for(rng, parameter) for _ in range(2))
    opening = rng.choice(w.FAMILIES[function.family][2])
    text = opening.format(f"{function.noun} {parameter.link} {first} and {second}")
    return [
        user(text),
        calls((function.name, {parameter.name: first}), (function.name, {parameter.name: second})),
    ]


def make_result(rng: random.Random, function: Function, request: Request) -> tuple[str, str]:
    """What the tool gives back, and how the guide says it."""
    lead = f"The {request.about}" if function.family == "get" else "Done"
    if rng.random() < 0.07:
        reason = " ".join(word(rng) for _ in range(rng.choice((1, 2, 3))))
        return dumps({"error": reason}), f"That failed: {reason}"
    if rng.random() < 0.4:
        text = rng.choice(
            (number(rng), word(rng), f"{number(rng)} {word(rng)}", " ".join(word(rng) for _ in range(4)))
        )
        return text, f"{lead}: {text}"
    keys = rng.sample(w.RESULT_KEYS, rng.choice((1, 1, 2, 2, 3)))
    values = {k: int(number(rng)) if rng.random() < 0.4 else word(rng) for k in keys}
    return dumps(values), f"{lead}: " + ", ".join(f"{k} {v}" for k, v in values.items())
