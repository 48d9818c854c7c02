"""How a completion is sampled and when it ends: one frozen struct that API, catalog and engine share.

Names are the ones of OpenAI's API and of llama.cpp's server. Knows no tokenizer and no C library.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

GrammarKind = Literal["json_object", "json_schema", "regex", "lark", "gbnf"]


class Grammar(msgspec.Struct, frozen=True):
    """What the output must match. With `triggers` the constraint starts only after one of them was written.

    start: a regular expression. Where the output begins with what it matches, the constraint holds from its beginning;
    otherwise it waits for a trigger.
    """

    kind: GrammarKind
    text: str = ""
    triggers: tuple[str, ...] = ()
    start: str = ""


class ThinkingMarks(msgspec.Struct, frozen=True):
    """How a model's thinking is found in what it writes, and ended.

    opener: begins it, where the answer begins; with `is_anywhere` wherever it is written. closers: any of them ends it.
    end: what is written for the model when its budget is used up; end_again: when it opens its thinking once more.
    is_open: the prompt has begun the thinking.
    """

    opener: str
    closers: tuple[str, ...]
    end: str
    end_again: str
    is_open: bool = False
    is_anywhere: bool = False


class SamplingParams(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that decides the next token and the end. Defaults are llama.cpp's.

    temperature 0 is greedy. max_tokens None: until the model ends or the context is full.
    seed None: a fresh one each time. logprobs: how many alternatives to report per token, None for none at all.
    reasoning_budget: tokens of thinking, after which it is ended; None for no limit, 0 for no thinking.
    """

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    typical_p: float = 1.0
    top_n_sigma: float = -1.0
    min_keep: int = 1
    repeat_penalty: float = 1.0
    repeat_last_n: int = 64
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 2
    dry_penalty_last_n: int = -1
    dry_sequence_breakers: tuple[str, ...] = ("\n", ":", '"', "*")
    xtc_probability: float = 0.0
    xtc_threshold: float = 0.1
    dynatemp_range: float = 0.0
    dynatemp_exponent: float = 1.0
    mirostat: int = 0
    mirostat_tau: float = 5.0
    mirostat_eta: float = 0.1
    seed: int | None = None
    logit_bias: dict[int, float] = {}
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    ignore_eos: bool = False
    logprobs: int | None = None
    cache_prompt: bool = True
    reasoning_budget: Annotated[int, msgspec.Meta(ge=0)] | None = None
    grammar: Grammar | None = None
