"""llama.cpp's sampler chain, built from SamplingParams in the order its own server uses."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Any

import llama_cpp

from localllm.llama.context import Context
from localllm.llama.model import Model
from localllm.sampling_params import SamplingParams

Pointer = Any  # a ctypes pointer to a llama_sampler


class Sampler:
    """Draws tokens for one sequence. Must be closed: the chain is C memory."""

    def __init__(self, model: Model, params: SamplingParams, seed: int) -> None:
        self._chain = llama_cpp.llama_sampler_chain_init(llama_cpp.llama_sampler_chain_default_params())
        for sampler in _samplers(model, params, seed):
            llama_cpp.llama_sampler_chain_add(self._chain, sampler)

    def sample(self, context: Context, index: int) -> int:
        """Draw from the logits of batch token `index`, and remember the token for the penalties."""
        return int(llama_cpp.llama_sampler_sample(self._chain, context.pointer, index))

    def accept(self, token_id: int) -> None:
        """Remember a token that was not drawn here (a prompt's, or one a grammar forced)."""
        llama_cpp.llama_sampler_accept(self._chain, token_id)

    def close(self) -> None:
        if self._chain is not None:
            llama_cpp.llama_sampler_free(self._chain)
            self._chain = None


def needs_history(params: SamplingParams) -> int:
    """How many of the last tokens the penalties look at; 0 where none is on."""
    counts = [0]
    if params.repeat_penalty != 1.0 or params.presence_penalty or params.frequency_penalty:
        counts.append(params.repeat_last_n if params.repeat_last_n >= 0 else 1 << 30)
    if params.dry_multiplier:
        counts.append(params.dry_penalty_last_n if params.dry_penalty_last_n >= 0 else 1 << 30)
    return max(counts)


def _last_n(count: int, model: Model) -> int:
    """How many tokens to look back. llama.cpp allocates them all, so a request must not ask for billions."""
    return min(count, model.n_ctx_train) if count >= 0 else model.n_ctx_train


def is_greedy(params: SamplingParams) -> bool:
    """True where the likeliest token is always taken, so that no chain is needed."""
    return (
        params.temperature <= 0
        and not params.mirostat
        and not needs_history(params)
        and not params.logit_bias
    )


def _samplers(model: Model, p: SamplingParams, seed: int) -> Iterable[Pointer]:
    n_vocab = model.n_vocab
    if p.logit_bias:
        yield _logit_bias(n_vocab, p.logit_bias)
    if p.repeat_penalty != 1.0 or p.presence_penalty or p.frequency_penalty:
        yield llama_cpp.llama_sampler_init_penalties(
            n_vocab,
            _last_n(p.repeat_last_n, model),
            p.repeat_penalty,
            p.frequency_penalty,
            p.presence_penalty,
        )
    if p.dry_multiplier:
        yield _dry(model, p)
    if p.temperature <= 0 and not p.mirostat:
        yield llama_cpp.llama_sampler_init_greedy()
    elif p.mirostat == 1:
        yield llama_cpp.llama_sampler_init_temp(p.temperature)
        yield llama_cpp.llama_sampler_init_mirostat(n_vocab, seed, p.mirostat_tau, p.mirostat_eta, 100)
    elif p.mirostat == 2:
        yield llama_cpp.llama_sampler_init_temp(p.temperature)
        yield llama_cpp.llama_sampler_init_mirostat_v2(seed, p.mirostat_tau, p.mirostat_eta)
    else:
        yield from _truncation(p, seed)
        yield llama_cpp.llama_sampler_init_temp_ext(p.temperature, p.dynatemp_range, p.dynatemp_exponent)
        yield llama_cpp.llama_sampler_init_dist(seed)


def _truncation(p: SamplingParams, seed: int) -> Iterable[Pointer]:
    """The filters that throw unlikely tokens away, cheapest first."""
    if p.top_n_sigma > 0:
        yield llama_cpp.llama_sampler_init_top_n_sigma(p.top_n_sigma)
    if p.top_k > 0:
        yield llama_cpp.llama_sampler_init_top_k(p.top_k)
    if p.typical_p < 1.0:
        yield llama_cpp.llama_sampler_init_typical(p.typical_p, p.min_keep)
    if p.top_p < 1.0:
        yield llama_cpp.llama_sampler_init_top_p(p.top_p, p.min_keep)
    if p.min_p > 0.0:
        yield llama_cpp.llama_sampler_init_min_p(p.min_p, p.min_keep)
    if p.xtc_probability > 0.0:
        yield llama_cpp.llama_sampler_init_xtc(p.xtc_probability, p.xtc_threshold, p.min_keep, seed)


def _logit_bias(n_vocab: int, bias: dict[int, float]) -> Pointer:
    rows = (llama_cpp.llama_logit_bias * len(bias))(
        *(llama_cpp.llama_logit_bias(token=token, bias=value) for token, value in bias.items())
    )
    return llama_cpp.llama_sampler_init_logit_bias(n_vocab, len(bias), rows)


def _dry(model: Model, p: SamplingParams) -> Pointer:
    breakers = [b.encode() for b in p.dry_sequence_breakers]
    array = (ctypes.c_char_p * len(breakers))(*breakers)
    return llama_cpp.llama_sampler_init_dry(
        model.vocab,
        p.dry_multiplier,
        p.dry_base,
        p.dry_allowed_length,
        _last_n(p.dry_penalty_last_n, model),
        array,
        len(breakers),
    )
