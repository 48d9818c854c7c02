"""Whole conversations of about a wanted length, endlessly, from a seed. Knows text and no token."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

from . import (
    facts_api,
    facts_clients,
    facts_commands,
    facts_guide,
    facts_models,
    facts_product,
    facts_speed,
    facts_zh,
    out_of_scope,
    skills,
    small_talk,
    tool_requests,
    toolboxes,
    tools,
)
from .conversation import Conversation, Episode, assistant, user
from .fact import Fact
from .frames import roughen
from .texts import variants, words
from .words import invented, word

TOPICS = (facts_guide, facts_product, facts_commands, facts_models, facts_speed, facts_api, facts_clients)
ENGLISH: tuple[Fact, ...] = tuple(fact for topic in TOPICS for fact in topic.FACTS)
CHINESE: tuple[Fact, ...] = facts_zh.FACTS
FACTS = ENGLISH + CHINESE
CENTRAL_IDS = frozenset(
    words(
        "what who size abilities install add get-models serve stop list port address base-url key open-webui gpu privacy"
        " offline faster license zh-what zh-who zh-install zh-add"
    )
)
CENTRAL = tuple(fact for fact in FACTS if fact.id in CENTRAL_IDS)  # what newcomers ask first, practised more

SYSTEM_PROMPTS = variants(
    "You are a helpful assistant.|You are helpful.|You are guide.|Be brief.|Answer in short sentences.|You are an assistant for"
    " {}.|You are {}, a friendly assistant.|Today is {} {}.|You help the user with {}.|Be polite.|User: {}|You are an AI assistant."
    "|You are a concise assistant. Use tools when needed.|The user's name is {}.|Keep answers short and friendly."
)  # fmt: skip


def system_prompt(rng: random.Random) -> str:
    text = rng.choice(SYSTEM_PROMPTS)
    while "{}" in text:
        text = text.replace("{}", word(rng), 1)
    if rng.random() < 0.15:
        text += " " + " ".join(
            invented(rng) if rng.random() < 0.3 else word(rng) for _ in range(rng.randrange(3, 25))
        )
    return text


SHOUTED = 0.05  # of the questions, beside those that `roughen` shouts: in capitals words have other tokens


def fact_episode(rng: random.Random) -> Episode:
    fact = rng.choice(CENTRAL if rng.random() < 0.25 else FACTS)
    question = roughen(rng, fact.question(rng))
    return [user(question.upper() if rng.random() < SHOUTED else question), assistant(fact.answer)]


def talk_episode(rng: random.Random) -> Episode:
    fact = small_talk.talk(rng)
    return [user(roughen(rng, fact.question(rng))), assistant(fact.answer)]


def refusal_episode(rng: random.Random) -> Episode:
    question, answer = out_of_scope.out_of_scope(rng)
    return [user(roughen(rng, question)), assistant(answer)]


def again_episode(rng: random.Random) -> Episode:
    episode = rng.choice((fact_episode, talk_episode, skills.repeat))(rng)
    return [*episode, skills.again(rng), episode[-1]]


def json_fact_episode(rng: random.Random) -> Episode:
    if rng.random() < 0.15:
        return skills.json_answer(rng, *out_of_scope.out_of_scope(rng))
    fact = rng.choice(ENGLISH)
    return skills.json_answer(rng, fact.question(rng), fact.answer)


def memory_episode(rng: random.Random) -> Episode:
    """Something told, up to three other things, then asked for."""
    told, asked = skills.remember(rng)
    between = [m for _ in range(rng.choice((0, 0, 1, 1, 2, 3))) for m in rng.choice(FILLERS)(rng)]
    return [*told, *between, *asked]


def json_values(rng: random.Random) -> Episode:
    """JSON from the question, of values that are hard to copy."""
    return skills.json_pairs(rng, is_hard=True)


FILLERS: tuple[Callable[[random.Random], Episode], ...] = (
    fact_episode,
    fact_episode,
    talk_episode,
    refusal_episode,
    skills.repeat,
)

Mix = tuple[tuple[Callable[[random.Random], Episode], float], ...]
PLAIN: Mix = (
    (fact_episode, 0.64), (refusal_episode, 0.12), (talk_episode, 0.05), (skills.repeat, 0.07), (skills.counting, 0.03),
    (memory_episode, 0.015), (skills.json_pairs, 0.04), (json_fact_episode, 0.025), (again_episode, 0.01),
)  # fmt: skip
COPYING: Mix = (
    (skills.repeat, 0.35), (skills.repeat_values, 0.2), (skills.json_pairs, 0.1), (json_values, 0.1), (memory_episode, 0.1),
    (again_episode, 0.05), (fact_episode, 0.1),
)  # fmt: skip
MEMORIES: Mix = ((memory_episode, 0.75), (skills.json_pairs, 0.1), (again_episode, 0.05), (fact_episode, 0.1))
BESIDE_TOOLS: Mix = ((fact_episode, 0.65), (refusal_episode, 0.2), (talk_episode, 0.1), (skills.repeat, 0.05))


TOOLBOXES = {  # how many tools at most, short ones, made of which words
    "short tools": (3, True, tools.TRAINING),
    "few tools": (2, False, tools.TRAINING),
    "tools": (5, False, tools.TRAINING),  # only the tokenizer is learned from these
    "any tools": (5, False, tools.ANY_PARAMETER),
}
DRILLS = ("short tools", "other verbs")  # requests for tools, and for none, alone


def toolbox(rng: random.Random, kind: str) -> list[tools.Function]:
    """The tools of a conversation of this kind; none where it is about something else."""
    if kind == "other verbs":
        if rng.random() < 0.25:
            return toolboxes.of_one_thing(rng, rng.choice((2, 2, 3)))
        return toolboxes.alike(rng, rng.choice((2, 3, 3, 4)), one_verb=False)
    if kind == "values":
        return toolboxes.with_arguments(rng)
    if kind not in TOOLBOXES:
        return []
    most, short, vocabulary = TOOLBOXES[kind]
    return toolboxes.make_toolbox(rng, vocabulary, most, short=short)


def pick(rng: random.Random, mix: Mix) -> Episode:
    makers, weights = zip(*mix, strict=True)
    return rng.choices(makers, weights)[0](rng)


def choosing_episode(rng: random.Random, box: list[tools.Function], kind: str) -> Episode:
    """A request for one of these tools, or for none, and nothing else to learn."""
    if rng.random() < 0.4:
        alike = kind == "other verbs" and rng.random() < 0.5
        return no_tool_fits(rng, box, family=box[0].family if alike else None)
    return tool_requests.call_episode(rng, rng.choice(box), with_result=False)


def values_episode(rng: random.Random, box: list[tools.Function], function: tools.Function) -> Episode:
    """A request for this one of the tools, mostly with values that are hard to copy; seldom one for none of them."""
    if rng.random() < 0.12:
        return no_tool_fits(rng, box)
    return tool_requests.call_episode(
        rng, function, with_result=rng.random() < 0.3, is_hard=rng.random() < 0.7
    )


def tool_episode(rng: random.Random, box: list[tools.Function]) -> Episode:
    """A request for one of these tools, or one that none of them fits."""
    kind = rng.random()
    if kind < 0.15:
        return beside_tools(rng, box)
    if kind < 0.43:
        return no_tool_fits(rng, box)
    function = rng.choice(box)
    if kind < 0.47 and len(function.parameters) == 1 and not function.requests:
        return tool_requests.double_call(rng, function)
    return tool_requests.call_episode(rng, function, with_result=rng.random() < 0.35)


def beside_tools(rng: random.Random, box: list[tools.Function]) -> Episode:
    """Something that needs no tool, and does not name what one of them is about."""
    episode = pick(rng, BESIDE_TOOLS)
    while nouns_of(box) & set(episode[0]["content"].lower().replace("?", " ").replace(".", " ").split()):
        episode = pick(rng, BESIDE_TOOLS)
    return episode


def nouns_of(box: list[tools.Function]) -> set[str]:
    return {noun for function in box for noun in f"{function.noun} {function.near}".split()}


def no_tool_fits(
    rng: random.Random,
    box: list[tools.Function],
    vocabulary: tools.Vocabulary = tools.TRAINING,
    family: str | None = None,
) -> Episode:
    """A request worded like those for tools, but about a thing that no tool here is about.

    family: what is to be done with it, where that is not left to chance.
    """
    taken = nouns_of(box)
    while True:
        other = tools.make_function(rng, vocabulary, family) if family else tools.make_any(rng, vocabulary)
        if not taken & nouns_of([other]):
            break
    return [user(tool_requests.make_request(rng, other).text), assistant(out_of_scope.REFUSAL)]


def episodes(rng: random.Random, kind: str) -> tuple[Conversation, Callable[[], Episode]]:
    """A conversation that is still empty, and what makes its next episodes."""
    box = toolbox(rng, kind)
    conversation = Conversation(tools=[function.tool() for function in box])
    if rng.random() < (0.3 if box and kind not in DRILLS else 0.12):
        conversation.messages.append({"role": "system", "content": system_prompt(rng)})
    if kind in DRILLS:
        return conversation, lambda: choosing_episode(rng, box, kind)
    if kind == "values":
        turns = itertools.cycle(box)  # one after the other: an earlier call of the same tool would be copied
        return conversation, lambda: values_episode(rng, box, next(turns))
    if box:
        return conversation, lambda: tool_episode(rng, box)
    if kind == "unknown":
        return conversation, lambda: skills.never_told(rng) if rng.random() < 0.5 else pick(rng, PLAIN[:4])
    mix = {"copying": COPYING, "memory": MEMORIES}.get(kind, PLAIN)
    return conversation, lambda: pick(rng, mix)
