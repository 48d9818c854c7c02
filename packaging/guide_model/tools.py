"""Invented tools and requests that need one of them, several, or none.

Which tool is meant shows in the words that request and tool share; arguments are copied out of the request.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from typing import Any

from . import everyday
from . import tool_words as w
from .conversation import Episode, Tool, assistant, calls, dumps, tool_result, user
from .texts import variants, words
from .values import value_for
from .words import invented, number, word


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
    """An invented tool: a verb family, the thing it is about, and its parameters."""

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
    """Which nouns and parameter names may be used: the ones for training or the held-out ones."""

    nouns: tuple[str, ...] = tuple(w.NOUNS)
    parameters: tuple[str, ...] = tuple(w.PARAMETERS)

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
HELD_OUT = Vocabulary(tuple(w.HELD_OUT_NOUNS), tuple(w.HELD_OUT_PARAMETERS))


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
    family = family or rng.choice(("get", "get", "get", *w.FAMILIES))
    noun = noun or vocabulary.noun(rng)
    verbs, descriptions, _ = w.FAMILIES[family]
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
    if vocabulary is not HELD_OUT and rng.random() < 0.15:
        return make_everyday(rng, short=short)
    return make_function(rng, vocabulary, short=short)


def alike(rng: random.Random, count: int, *, one_verb: bool = True) -> list[Function]:
    """Short tools that do the same with different things, so that nothing but the thing tells which one is meant.

    Their names begin alike, or, without `one_verb`, with any verb that means the same: then it must be looked up.
    """
    family = rng.choice(("get", "get", *w.FAMILIES))
    verb, style = (rng.choice(w.FAMILIES[family][0]), rng.random()) if one_verb else ("", -1.0)
    box: dict[str, Function] = {}
    while len(box) < count:
        function = make_function(rng, TRAINING, family, short=True, verb=verb, style=style)
        box.setdefault(function.noun, function)
    return list(box.values())


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


@dataclass(frozen=True)
class Request:
    """What a person asks, and the call it takes. `about` is the request without its opening, for the answer."""

    text: str
    name: str
    arguments: dict[str, Any]
    about: str


def make_request(rng: random.Random, function: Function, *, is_hard: bool = False) -> Request:
    if function.requests:
        return everyday_request(rng, function)
    said = [p for p in function.parameters if not p.optional or rng.random() < 0.5]
    arguments = {p.name: value_for(rng, p, is_hard=is_hard) for p in said}
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


def everyday_request(rng: random.Random, function: Function) -> Request:
    template = rng.choice(function.requests)
    if rng.random() < 0.3:
        template = template[0].lower() + template[1:]
    said = function.parameters[: template.count("{")]
    arguments = {parameter.name: value_for(rng, parameter) for parameter in said}
    values = [
        f"'{value}'" if " " in str(value) and rng.random() < 0.5 else value for value in arguments.values()
    ]
    return Request(template.format(*values), function.name, arguments, function.noun)


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
