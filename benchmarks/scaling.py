"""How speed goes with the number of streams and with the length of the context. Knows no server by name."""

from __future__ import annotations

import random
from functools import partial

from benchmarks.client import user, words
from benchmarks.report import Figures
from benchmarks.scenarios import NUM_TOKENS, Scenario, aggregate_rate
from benchmarks.servers import Server

STREAMS = (1, 2, 4, 8, 16, 32)


def streams(server: Server, rng: random.Random) -> Figures:
    """Tokens per second of all streams together."""
    return {
        f"{count} streams, tok/s together": aggregate_rate(server.client, rng, count) for count in STREAMS
    }


def context(count: int, server: Server, rng: random.Random) -> Figures:
    """A prompt of so many words: its first token, and the decode rate behind it."""
    answer = server.client.ask(user(words(rng, count)), NUM_TOKENS)
    return {
        f"{count:,} words, first token, s": answer.ttft_s,
        f"{count:,} words, tok/s behind it": answer.rate,
    }


SCENARIOS = (
    Scenario("S", "number of streams", streams),
    Scenario("T", "1,000 words", partial(context, 1_000)),
    Scenario("U", "4,000 words", partial(context, 4_000)),
    Scenario("V", "16,000 words", partial(context, 16_000), max_rounds=1),
)
