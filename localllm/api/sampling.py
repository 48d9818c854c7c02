"""Request fields → SamplingParams, on top of the model entry's defaults.

Names are OpenAI's and llama.cpp's; every one is described in docs/api.md. Knows no endpoint: all of them sample
alike.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from localllm.api.fields import Fields
from localllm.errors import InvalidRequest
from localllm.sampling_params import Grammar, SamplingParams

# name in the request: (name in SamplingParams, lowest, highest)
NUMBERS: dict[str, tuple[str, float, float]] = {
    "temperature": ("temperature", 0.0, math.inf),
    "top_p": ("top_p", 0.0, 1.0),
    "min_p": ("min_p", 0.0, 1.0),
    "typical_p": ("typical_p", 0.0, 1.0),
    "top_n_sigma": ("top_n_sigma", -math.inf, math.inf),
    "repetition_penalty": ("repeat_penalty", 0.0, math.inf),
    "repeat_penalty": ("repeat_penalty", 0.0, math.inf),
    "presence_penalty": ("presence_penalty", -math.inf, math.inf),
    "frequency_penalty": ("frequency_penalty", -math.inf, math.inf),
    "dry_multiplier": ("dry_multiplier", 0.0, math.inf),
    "dry_base": ("dry_base", 0.0, math.inf),
    "xtc_probability": ("xtc_probability", 0.0, 1.0),
    "xtc_threshold": ("xtc_threshold", 0.0, 1.0),
    "dynatemp_range": ("dynatemp_range", 0.0, math.inf),
    "dynatemp_exponent": ("dynatemp_exponent", -math.inf, math.inf),
    "mirostat_tau": ("mirostat_tau", 0.0, math.inf),
    "mirostat_eta": ("mirostat_eta", 0.0, math.inf),
}
_INT32 = 2**31 - 1
INTEGERS: dict[str, tuple[str, int, int]] = {
    "top_k": ("top_k", -1, _INT32),
    "min_keep": ("min_keep", 0, _INT32),
    "repeat_last_n": ("repeat_last_n", -1, _INT32),
    "dry_allowed_length": ("dry_allowed_length", 0, _INT32),
    "dry_penalty_last_n": ("dry_penalty_last_n", -1, _INT32),
    "mirostat": ("mirostat", 0, 2),
}
FLAGS = {"ignore_eos": False, "cache_prompt": True}
MAX_TOKENS = ("max_completion_tokens", "max_tokens", "n_predict")  # the first that is given wins
MAX_STOPS = 256
MAX_BIASES = 10_000
STRUCTURED = (  # vLLM's, newer and older
    "structured_outputs", "guided_json", "guided_json_object", "guided_regex", "guided_choice", "guided_grammar",
)  # fmt: skip


def read_sampling(body: Fields, defaults: SamplingParams) -> SamplingParams:
    """`defaults` with everything the request says about sampling and ending, grammar and logprobs left out."""
    changes: dict[str, Any] = {}
    for name, (field, low, high) in NUMBERS.items():
        if (number := body.number(name, low, high)) is not None:
            changes[field] = number
    for name, (field, lowest, highest) in INTEGERS.items():
        if (integer := body.integer(name, lowest, highest)) is not None:
            changes[field] = integer
    for name, default in FLAGS.items():
        if name in body:
            changes[name] = body.flag(name, default)
    if "dry_sequence_breakers" in body:
        changes["dry_sequence_breakers"] = tuple(body.texts("dry_sequence_breakers"))
    changes |= _read_end(body) | _read_seed(body)
    if bias := read_logit_bias(body):
        changes["logit_bias"] = bias
    return msgspec.structs.replace(defaults, **changes)


def _read_end(body: Fields) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    given = [tokens for name in MAX_TOKENS if (tokens := body.integer(name)) is not None]
    if given:
        changes["max_tokens"] = min(given[0], _INT32) if given[0] > 0 else None
    stops = body.texts("stop")
    if len(stops) > MAX_STOPS:
        raise InvalidRequest(f"`stop` may hold {MAX_STOPS} texts at most.", param="stop")
    if stops:
        changes["stop"] = tuple(stops)
    return changes


def _read_seed(body: Fields) -> dict[str, Any]:
    """Any whole number; llama.cpp's -1 means a fresh one."""
    seed = body.integer("seed")
    if seed is None:
        return {}
    return {"seed": None if seed == -1 else seed % 2**32}


def read_logit_bias(body: Fields) -> dict[int, float]:
    """{token id: bias}; llama.cpp's list of pairs too, in which `false` forbids the token."""
    value = body.raw("logit_bias")
    if value is None or value is False:
        return {}
    pairs = list(value.items()) if isinstance(value, dict) else value
    if not isinstance(pairs, list):
        raise body.wrong("logit_bias", "an object of token ids and numbers")
    if len(pairs) > MAX_BIASES:
        raise InvalidRequest(f"`logit_bias` may hold {MAX_BIASES} tokens at most.", param="logit_bias")
    return dict(_read_bias(pair) for pair in pairs)


def _read_bias(pair: Any) -> tuple[int, float]:
    wrong = InvalidRequest(
        "`logit_bias` must map token ids to numbers.", param="logit_bias", code="invalid_type"
    )
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise wrong
    token, bias = pair
    if isinstance(token, str) and token.strip().isdecimal() and len(token) < 12:
        token = int(token)
    if bias is False:
        bias = -math.inf
    if isinstance(token, bool) or not isinstance(token, int) or isinstance(bias, bool):
        raise wrong
    if not isinstance(bias, int | float) or not 0 <= token <= _INT32:
        raise wrong
    return token, max(-1e9, min(1e9, float(bias)))


def read_grammar(body: Fields, default: Grammar | None = None) -> Grammar | None:
    """What the output must match: `response_format`, llama.cpp's `json_schema` and `grammar`, or vLLM's fields.

    default: the entry's, where the request says nothing; `response_format: {"type": "text"}` says that there is none.
    """
    given = body.object("response_format")
    if given is not None and (grammar := _read_response_format(given)) is not None:
        return grammar
    if (schema := body.raw("json_schema")) is not None:
        return json_schema(schema, "json_schema")
    if text := body.text("grammar"):
        return Grammar("gbnf", text)
    structured = body.object("structured_outputs")
    grammar = structured_output(structured, "") if structured is not None else None
    grammar = grammar or structured_output(body, "guided_")
    return grammar if grammar is not None or given is not None else default


def structured_output(given: Fields, prefix: str) -> Grammar | None:
    """vLLM's ways to say what the output must match."""
    if (schema := given.raw(f"{prefix}json")) is not None:
        return json_schema(_loaded(schema), f"{given.prefix}{prefix}json")
    if given.flag(f"{prefix}json_object"):
        return Grammar("json_object")
    if pattern := given.text(f"{prefix}regex"):
        return Grammar("regex", pattern)
    if choices := given.texts(f"{prefix}choice"):
        return Grammar(
            "lark", f"start: {' | '.join(msgspec.json.encode(text).decode() for text in choices)}\n"
        )
    if text := given.text(f"{prefix}grammar"):
        return Grammar("gbnf" if "::=" in text else "lark", text)
    return None


def _loaded(schema: Any) -> Any:
    """A schema that came as text, as vLLM takes it too."""
    try:
        return msgspec.json.decode(schema) if isinstance(schema, str) else schema
    except msgspec.DecodeError:
        return schema


def _read_response_format(given: Fields) -> Grammar | None:
    kind = given.choice("type", ("text", "json_object", "json_schema"))
    if kind == "json_object":
        schema = given.raw("schema")  # as llama.cpp and Together have it
        return json_schema(schema, "response_format.schema") if schema else Grammar("json_object")
    if kind != "json_schema":
        return None
    inner = given.object("json_schema")
    if inner is None:
        raise InvalidRequest(
            '`response_format.json_schema` is missing; it holds {"name": …, "schema": {…}}.',
            param="response_format.json_schema",
        )
    schema = inner.raw("schema")
    return json_schema({} if schema is None else schema, "response_format.json_schema.schema")


def json_schema(schema: Any, param: str) -> Grammar:
    if not isinstance(schema, dict | bool):
        raise InvalidRequest(
            f"`{param}` must be a JSON schema, which is an object.", param=param, code="invalid_type"
        )
    return Grammar("json_schema", msgspec.json.encode(schema).decode())


def read_logprobs(body: Fields, default: int | None = None) -> int | None:
    """Chat: how many alternatives a token is reported with; None for no log-probabilities.

    default: the entry's, where the request does not say whether it wants any.
    """
    alternatives = body.integer("top_logprobs", 0, 20)
    if "logprobs" not in body and default is not None:
        return default if alternatives is None else alternatives
    if body.flag("logprobs"):
        return alternatives or 0
    if alternatives:
        raise InvalidRequest(
            "`top_logprobs` needs `logprobs: true`.", param="top_logprobs", code="invalid_value"
        )
    return None
