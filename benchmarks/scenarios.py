"""The scenarios: what is asked of a server, and the figures that come of it.

Each takes a running server and a random source that is the same for all servers of a round; each round's prompts are
new, so a cache helps only where the scenario repeats a prompt. Knows no server by name and writes nothing.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from benchmarks.client import Answer, Client, Json, MeasurementFailed, together, user, words
from benchmarks.report import Figures
from benchmarks.servers import Server

PROMPT_WORDS = 48
NUM_TOKENS = 64
COLOURS = ["red", "green", "blue", "yellow"]
SCHEMA: Json = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 40},
        "tags": {"type": "array", "items": {"enum": COLOURS}, "minItems": 8, "maxItems": 12},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "address": {
            "type": "object",
            "properties": {
                "street": {"type": "string", "maxLength": 40},
                "zip": {"type": "string", "pattern": "^[0-9]{5}$"},
            },
            "required": ["street", "zip"],
            "additionalProperties": False,
        },
    },
    "required": ["name", "tags", "age", "address"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Scenario:
    """`max_rounds` spares the machine where one run takes minutes."""

    letter: str
    title: str
    run: Callable[[Server, random.Random], Figures]
    max_rounds: int | None = None

    def fits(self, server: Server, round_number: int) -> bool:
        is_in_reach = self.max_rounds is None or round_number < self.max_rounds
        return is_in_reach and (server.letters is None or self.letter in server.letters)


def one_stream(server: Server, rng: random.Random) -> Figures:
    answers = [server.client.ask(user(words(rng, PROMPT_WORDS)), NUM_TOKENS) for _ in range(2)]
    return {"A ttft": fmean(a.ttft_s for a in answers), "A decode": fmean(a.rate for a in answers)}


def many_streams(server: Server, rng: random.Random) -> Figures:
    return {f"B x{count}": aggregate_rate(server.client, rng, count) for count in (4, 8)}


def aggregate_rate(client: Client, rng: random.Random, count: int) -> float:
    """Tokens per second of `count` streams together, their prompts included."""
    prompts = [user(words(rng, PROMPT_WORDS)) for _ in range(count)]
    answers, seconds = together([partial(client.ask, prompt, NUM_TOKENS) for prompt in prompts])
    return sum(answer.num_tokens for answer in answers) / seconds


def shared_system_prompt(server: Server, rng: random.Random) -> Figures:
    """A 900-word system prompt: first seen, then by one user after another, then by four at once."""
    system: Json = {"role": "system", "content": words(rng, 900)}
    prompts = [[system, *user(words(rng, 12))] for _ in range(8)]
    cold = server.client.ask(prompts[0], 4).ttft_s
    warm = [server.client.ask(prompt, 4).ttft_s for prompt in prompts[1:4]]
    four, _ = together([partial(server.client.ask, prompt, 4) for prompt in prompts[4:]])
    return {"C cold": cold, "C warm": fmean(warm), "C four": max(answer.ttft_s for answer in four)}


def long_prompt_beside_a_stream(server: Server, rng: random.Random) -> Figures:
    """160 tokens are being streamed when a 1,200-word prompt arrives, and then another one alone."""
    stream = server.client.start(user(words(rng, 32)), 160)
    reader = threading.Thread(target=stream.read)
    reader.start()
    while stream.num_arrived < 16 and reader.is_alive():
        time.sleep(0.01)
    newcomer = server.client.ask(user(words(rng, 1200)), 4)
    reader.join()
    if stream.answer.num_tokens < 160:
        raise MeasurementFailed(f"the running stream ended after {stream.answer.num_tokens} of 160 tokens")
    alone = server.client.ask(user(words(rng, 1200)), 4)
    return {
        "D longest gap": stream.answer.longest_gap_s,
        "D newcomer": newcomer.ttft_s,
        "D over alone": newcomer.ttft_s / alone.ttft_s,
    }


def json_schema(server: Server, rng: random.Random) -> Figures:
    """Constrained output, also against the same server's free rate of the same minute."""
    wanted = {"type": "json_schema", "json_schema": {"name": "person", "strict": True, "schema": SCHEMA}}
    free, bound = [], []
    for _ in range(2):
        prompt = user(words(rng, PROMPT_WORDS))
        free.append(server.client.ask(prompt, NUM_TOKENS).rate)
        answer = server.client.ask(prompt, 128, response_format=wanted, ignore_eos=False)
        _check_json(answer)
        bound.append(answer.rate)
    return {"E json": fmean(bound), "E over free": fmean(bound) / fmean(free)}


def hang_up(server: Server, rng: random.Random) -> Figures:
    """Four clients leave in mid-stream; how long until the next one's first token."""
    prompts = [user(words(rng, 32)) for _ in range(4)]
    together([partial(_leave, server.client, prompt) for prompt in prompts])
    return {"F after hang-up": server.client.ask(user(words(rng, 8)), 4).ttft_s}


def restart(server: Server, rng: random.Random) -> Figures:
    """The first token for a 900-word prompt that was seen before the server was restarted."""
    prompt = user(words(rng, 900))
    cold = server.client.ask(prompt, 16).ttft_s
    server.restart()
    return {"G before": cold, "G after restart": server.client.ask(prompt, 16).ttft_s}


def retained_cells(server: Server, rng: random.Random) -> Figures:
    """Decode speed of one stream with an empty KV cache, and while 12,000 cells of finished requests are kept."""
    server.restart()
    prompt = user(words(rng, PROMPT_WORDS))
    fresh = server.client.ask(prompt, NUM_TOKENS).rate
    for _ in range(6):
        server.client.ask(user(words(rng, 2000)), 4)
    kept = server.client.ask(prompt, NUM_TOKENS).rate
    return {"R empty": fresh, "R kept": kept, "R kept over empty": kept / fresh}


def _leave(client: Client, prompt: list[Json]) -> Answer:
    return client.start(prompt, 400).read(until_pieces=4)


def _check_json(answer: Answer) -> None:
    """A finished answer is JSON, an unfinished one begins so: a server that ignores the schema has no figure."""
    if answer.finish_reason == "length" and answer.text.lstrip().startswith("{"):
        return
    try:
        json.loads(answer.text)
    except ValueError as error:
        raise MeasurementFailed(f"no JSON: {answer.text[:80]!r}") from error


SCENARIOS = (
    Scenario("A", "one stream", one_stream),
    Scenario("B", "4 and 8 streams at once", many_streams),
    Scenario("C", "900-word system prompt shared by users", shared_system_prompt),
    Scenario("D", "1,200-word prompt arrives beside a stream", long_prompt_beside_a_stream),
    Scenario("E", "output bound to a JSON schema", json_schema),
    Scenario("F", "four clients hang up", hang_up),
    Scenario("G", "900-word prompt again after a restart", restart),
    Scenario("R", "12,000 retained cells", retained_cells, max_rounds=1),
)
