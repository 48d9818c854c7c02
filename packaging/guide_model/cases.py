"""What the evaluation asks: frames, nouns, parameters and values that training never used, and questions by hand."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from . import corpus, heldout, out_of_scope, skills, tool_requests, toolboxes, tools
from .conversation import Episode, Message, Tool, assistant, user
from .fact import Fact
from .frames import HELD_OUT, roughen

BESIDE_TOOLS = "facts beside tools"
NO_CALL = "no call: facts beside tools"  # whatever is answered


@dataclass(frozen=True)
class Case:
    """A conversation up to the answer, and what must come: a text, an object in JSON, or calls."""

    category: str
    messages: list[Message]
    expected: Any
    tools: list[Tool] = field(default_factory=list)

    def is_right(self, answer: str) -> bool:
        """Whether this answer is the expected one; a refusal may come in either language."""
        if isinstance(self.expected, list):
            return parse_calls(answer) == self.expected
        if isinstance(self.expected, dict):
            return parse_json(answer) == self.expected
        if self.expected in REFUSALS:
            return answer.strip() in REFUSALS
        return answer.strip() == self.expected

    def verdicts(self, answer: str) -> dict[str, bool]:
        """Whether it is right, by category; where a fact is asked beside tools also whether none of them is called."""
        verdicts = {self.category: self.is_right(answer)}
        if self.category == BESIDE_TOOLS:
            verdicts[NO_CALL] = "<tool_call>" not in answer
        return verdicts


REFUSALS = (out_of_scope.REFUSAL, out_of_scope.REFUSAL_ZH)


def parse_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def parse_calls(answer: str) -> list[dict[str, Any]] | None:
    """The calls in an answer that holds nothing else; None where it is something else."""
    calls = []
    for part in filter(None, (p.strip() for p in answer.split("<tool_call>"))):
        if not part.endswith("</tool_call>"):
            return None
        calls.append(parse_json(part.removesuffix("</tool_call>")))
    return calls


def case(category: str, episode: Episode, box: list[tools.Function] | None = None) -> Case:
    """A case from an episode: its last assistant message is what must come."""
    *before, last = episode
    expected: Any = last["content"]
    if last.get("tool_calls"):
        expected = [call["function"] for call in last["tool_calls"]]
    elif category.startswith("JSON"):
        expected = json.loads(expected)
    return Case(category, before, expected, [function.tool() for function in box or []])


def facts_by_frames(rng: random.Random, per_fact: int) -> Iterator[Case]:
    for fact in corpus.FACTS:
        for _ in range(per_fact):
            question = fact.question(rng, HELD_OUT)
            yield case("facts, unseen frames", [user(roughen(rng, question)), assistant(fact.answer)])


def facts_by_hand() -> Iterator[Case]:
    answers = {fact.id: fact.answer for fact in corpus.FACTS}
    for question, fact_id in heldout.QUESTIONS:
        yield case("facts, by hand", [user(question), assistant(answers[fact_id])])


def refusals(rng: random.Random, count: int) -> Iterator[Case]:
    for _ in range(count):
        question, answer = out_of_scope.out_of_scope(rng, held_out=True)
        yield case("out of scope, unseen frames", [user(question), assistant(answer)])


def refusals_by_hand() -> Iterator[Case]:
    for question in heldout.OUT_OF_SCOPE:
        yield case("out of scope, by hand", [user(question), assistant(out_of_scope.REFUSAL)])


def small_skills(rng: random.Random, count: int) -> Iterator[Case]:
    for _ in range(count):
        yield case("copy", skills.repeat(rng, held_out=True))
        yield case("count", skills.counting(rng))
        told, asked = skills.remember(rng, held_out=True)
        between = [m for _ in range(rng.randrange(4)) for m in rng.choice(corpus.FILLERS)(rng)]
        yield case("recall over turns", [*told, *between, *asked])
        yield case("JSON from the question", skills.json_pairs(rng, held_out=True))


def tool_calls(rng: random.Random, count: int) -> Iterator[Case]:
    for _ in range(count):
        box = toolboxes.make_toolbox(rng, tools.HELD_OUT)
        episode = tool_requests.call_episode(rng, rng.choice(box), with_result=True)
        yield case("tool call, unseen tools", episode[:2], box)
        yield case("tool result in the answer", episode, box)


def calls_by_other_verbs(rng: random.Random, count: int) -> Iterator[Case]:
    for _ in range(count):
        box = toolboxes.make_toolbox(rng, tools.HELD_OUT_VERBS)
        episode = tool_requests.call_episode(rng, rng.choice(box), with_result=False)
        yield case("tool call, unseen verbs too", episode, box)


def no_calls(rng: random.Random, count: int) -> Iterator[Case]:
    for _ in range(count):
        box = toolboxes.make_toolbox(rng, tools.HELD_OUT)
        yield case("no call: none fits", corpus.no_tool_fits(rng, box, tools.HELD_OUT), box)
        fact: Fact = rng.choice(corpus.FACTS)
        yield case(BESIDE_TOOLS, [user(fact.question(rng)), assistant(fact.answer)], box)


def all_cases(seed: int, *, per_fact: int = 2, count: int = 100) -> list[Case]:
    """Every category; the same seed gives the same cases."""
    rng = random.Random(f"evaluation {seed}")
    return [
        *facts_by_frames(rng, per_fact), *facts_by_hand(), *refusals(rng, count), *refusals_by_hand(),
        *small_skills(rng, count), *tool_calls(rng, count), *no_calls(rng, count), *calls_by_other_verbs(rng, count),
    ]  # fmt: skip
