"""Invented tools, each with a verb, a thing it is about, and parameters; and those that people really offer."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

from . import everyday
from . import tool_words as w
from .conversation import Tool
from .texts import variants, words
from .words import invented, word


@dataclass(frozen=True)
class Parameter:
    """`link` leads to the value in a request: "in", "with size", … An optional one may stay unsaid."""

    name: str
    type: str
    description: str
    link: str
    choices: tuple[str, ...] = ()
    optional: bool = False
    kind: str = ""  # of an everyday tool's value

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": self.type}
        if self.description:
            schema["description"] = self.description
        return {**schema, "enum": list(self.choices)} if self.choices else schema


@dataclass(frozen=True)
class Function:
    """A tool: what it does (a family of verbs, or a verb of its own), the thing it is about, and its parameters."""

    name: str
    description: str
    family: str
    noun: str
    parameters: tuple[Parameter, ...]
    near: str = ""  # other words that show it is meant
    requests: tuple[str, ...] = ()  # an everyday tool's, with {0}, {1}, … for its parameters

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
    """Which words may be used: the ones for training or the held-out ones. own: share of tools with a verb of no family."""

    nouns: tuple[str, ...] = tuple(w.NOUNS)
    parameters: tuple[str, ...] = tuple(w.PARAMETERS)
    verbs: tuple[str, ...] = w.OWN_VERBS
    own: float = 0.2

    def family(self, rng: random.Random) -> str:
        """What a tool does: mostly one of the usual things."""
        if rng.random() < self.own:
            return rng.choice(self.verbs)
        return rng.choice(("get", "get", "get", *w.FAMILIES))

    def noun(self, rng: random.Random) -> str:
        kind = rng.random()
        first = invented(rng) if kind < 0.15 else rng.choice(self.nouns)
        if rng.random() < 0.3:
            return f"{rng.choice(w.MODIFIERS) if rng.random() < 0.7 else invented(rng)} {first}"
        return first

    def parameter(self, rng: random.Random) -> str:
        name = invented(rng) if rng.random() < 0.2 else rng.choice(self.parameters)
        return f"{rng.choice(self.parameters)}_{name}" if rng.random() < 0.12 else name


TRAINING = Vocabulary()
AS_OFTEN = len(w.NOUNS) // len(w.PARAMETERS)  # so that half of the parameters are usual ones
ANY_PARAMETER = Vocabulary(parameters=(*w.PARAMETERS * AS_OFTEN, *w.NOUNS))
HELD_OUT = Vocabulary(tuple(w.HELD_OUT_NOUNS), tuple(w.HELD_OUT_PARAMETERS), own=0)
HELD_OUT_VERBS = replace(HELD_OUT, verbs=w.HELD_OUT_VERBS, own=1)


def tool_name(verb: str, noun: str, style: float) -> str:
    """In one of the styles that are in use; `style`: 0 to 1."""
    words = noun.split()
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
    rng: random.Random,
    vocabulary: Vocabulary,
    family: str | None = None,
    noun: str | None = None,
    *,
    short: bool = False,
    verb: str = "",
    style: float = -1.0,
    count: int | None = None,
) -> Function:
    """A tool; a short one has one parameter at most and no words that tell nothing. count: of parameters."""
    family = family or vocabulary.family(rng)
    noun = noun or vocabulary.noun(rng)
    verbs, descriptions, _ = w.family_words(family)
    if count is None:
        count = rng.choice((0, 0, 1) if short else (0, 1, 1, 1, 1, 2, 2, 3))
    parameters: dict[str, Parameter] = {}
    while len(parameters) < count:
        parameter = make_parameter(rng, vocabulary, first=not parameters)
        parameter = replace(parameter, description="", choices=()) if short else parameter
        parameters.setdefault(parameter.name, parameter)
    verb = verb or rng.choice(verbs)
    style = style if style >= 0 else rng.random()
    description = "" if rng.random() < 0.08 else rng.choice(descriptions).format(noun)
    if description and not short and rng.random() < 0.1:
        description += ". " + " ".join(word(rng) for _ in range(rng.randrange(2, 9))).capitalize() + "."
    if rng.random() < 0.15 and parameters:
        description += f" by {next(iter(parameters)).replace('_', ' ')}"
    return Function(tool_name(verb, noun, style), description, family, noun, tuple(parameters.values()))


def make_everyday(rng: random.Random, *, short: bool = False) -> Function:
    """One of the tools that people really offer, in one of its wordings."""
    made = rng.choice(everyday.TOOLS)
    name, description = made.pick(rng)
    parameters = tuple(
        Parameter(
            rng.choice(words(slot.names)),
            slot.type,
            ""
            if short or not slot.descriptions or rng.random() < 0.4
            else rng.choice(variants(slot.descriptions)),
            link="",
            choices=tuple(words(slot.choices)),
            optional=index >= made.always,
            kind=slot.kind,
        )
        for index, slot in enumerate(made.slots)
    )
    requests = tuple(variants(made.requests))
    return Function(name, description, made.family, made.noun, parameters, made.near, requests)


def make_any(rng: random.Random, vocabulary: Vocabulary, *, short: bool = False) -> Function:
    """Invented, or in training sometimes an everyday one."""
    if vocabulary in (TRAINING, ANY_PARAMETER) and rng.random() < 0.15:
        return make_everyday(rng, short=short)
    return make_function(rng, vocabulary, short=short)
