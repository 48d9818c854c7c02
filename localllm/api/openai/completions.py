"""POST /v1/completions: text in, text goes on. No template and no parser; prompts as text or token ids, one or many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from flask import Blueprint, Response

from localllm.api import fields, reply, sse
from localllm.api.chat_request import MAX_CHOICES
from localllm.api.fields import Fields
from localllm.api.forwarding.completions import ForwardedCompletion
from localllm.api.job import Job, Prompt, Services
from localllm.api.openai import wire
from localllm.api.openai.text_logprobs import TextLogprobs
from localllm.api.sampling import read_grammar, read_sampling
from localllm.errors import InvalidRequest, UnsupportedParameter
from localllm.models.model import Model
from localllm.sampling_params import SamplingParams

AnyJob = Job | ForwardedCompletion
MAX_PROMPTS = 256
MAX_LOGPROBS = 20


class CompletionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """best_of: completions that are generated for each prompt; the `n` likeliest are given back."""

    model: str
    prompts: list[str | list[int]]
    params: SamplingParams
    suffix: str = ""
    n: int = 1
    best_of: int = 1
    echo: bool = False
    stream: bool = False
    include_usage: bool = False


def blueprint(services: Services) -> Blueprint:
    routes = Blueprint("completions", __name__)

    @routes.post("/completions")
    def create() -> Response:
        body = fields.json_body()
        name = reply.model_name(body.text("model"), services)
        entry = services.pool.catalog.find(name)
        request = read_completion_request(body, name, entry.sampling)
        job: AnyJob
        if entry.is_forwarded:
            request = msgspec.structs.replace(request, echo=False, best_of=request.n)  # done where it runs
            num_choices = len(request.prompts) * request.n
            job = ForwardedCompletion(
                services, entry, name, dict(body.values), num_choices, sse.client_gone()
            )
        else:
            job = Job(services, name, lambda model: make_prompts(model, request), sse.client_gone())
        if request.stream:
            return reply.streamed(job, lambda: stream_chunks(job, request), services.config)
        return reply.whole(job, lambda: whole_body(job, request))

    return routes


def read_completion_request(body: Fields, model: str, defaults: SamplingParams) -> CompletionRequest:
    logprobs = None if body.raw("logprobs") is False else body.integer("logprobs", 0, MAX_LOGPROBS)
    logprobs = logprobs if "logprobs" in body else defaults.logprobs
    n = body.integer("n", 1, MAX_CHOICES) or 1
    best_of = max(n, body.integer("best_of", 1, MAX_CHOICES) or n)
    options = body.object("stream_options")
    is_streamed = body.flag("stream")
    if is_streamed and best_of > n:
        raise InvalidRequest(
            "`best_of` needs all completions to be finished, so it cannot be streamed.", param="best_of"
        )
    sampling = read_sampling(body, defaults)
    return CompletionRequest(
        model=model,
        prompts=read_prompts(body),
        params=msgspec.structs.replace(
            sampling, logprobs=logprobs, grammar=read_grammar(body, defaults.grammar)
        ),
        suffix=body.text("suffix") or "",
        n=n,
        best_of=best_of,
        echo=body.flag("echo"),
        stream=is_streamed,
        include_usage=options.flag("include_usage") if options is not None else False,
    )


def read_prompts(body: Fields) -> list[str | list[int]]:
    """`prompt`: a text, a list of texts, token ids, or lists of token ids."""
    value = body.raw("prompt")
    if value is None:
        raise InvalidRequest("`prompt` is missing; it is the text to go on with.", param="prompt")
    if isinstance(value, str) or _is_token_ids(value):
        return [value]
    is_list = isinstance(value, list) and 0 < len(value) <= MAX_PROMPTS
    if not is_list or not all(isinstance(item, str) or _is_token_ids(item) for item in value):
        raise InvalidRequest(
            f"`prompt` must be text, token ids, or a list of up to {MAX_PROMPTS} of either.",
            param="prompt",
            code="invalid_type",
        )
    return list(value)


def _is_token_ids(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(item) is int for item in value)


def make_prompts(model: Model, request: CompletionRequest) -> list[Prompt]:
    """Every prompt as the engine takes it."""
    params = request.params
    if request.best_of > request.n and params.logprobs is None:
        params = msgspec.structs.replace(params, logprobs=0)  # needed to rank them
    prompts = request.prompts
    if request.suffix:
        prompts = [fill_in_the_middle(model, prompt, request.suffix) for prompt in prompts]
    return [
        Prompt(prompt, params, n=request.best_of, add_special=isinstance(prompt, str), field="prompt")
        for prompt in prompts
    ]


def fill_in_the_middle(model: Model, prompt: str | list[int], suffix: str) -> list[int]:
    """The token ids that ask for what stands between the two. Raises UnsupportedParameter."""
    if not model.info.fim_tokens:
        raise UnsupportedParameter(
            f'The model "{model.id}" cannot fill in the middle: its vocabulary lacks the tokens for `suffix`. '
            "Choose a code model, or leave `suffix` out.",
            param="suffix",
        )
    before, after, middle = model.info.fim_tokens
    tokenize = model.engine.tokenize
    beginning = tokenize("", add_special=True)
    head = tokenize(prompt, parse_special=False) if isinstance(prompt, str) else prompt
    return [*beginning, before, *head, after, *tokenize(suffix, parse_special=False), middle]


def _echoes(job: AnyJob, request: CompletionRequest) -> list[str]:
    """What each choice begins with: its prompt, where that was asked for."""
    if not request.echo or isinstance(job, ForwardedCompletion):
        return [""] * len(request.prompts)
    detokenize: Callable[[Sequence[int]], str] = job.model.engine.detokenize
    return [prompt if isinstance(prompt, str) else detokenize(prompt) for prompt in request.prompts]


def stream_chunks(job: AnyJob, request: CompletionRequest) -> sse.Source:
    envelope = wire.Envelope("cmpl", "text_completion", request.model)
    extra: dict[str, Any] = {"usage": None} if request.include_usage else {}
    echoes = _echoes(job, request)
    logprobs = [TextLogprobs(len(echoes[i // request.n])) for i in range(job.num_choices)]
    for index in range(job.num_choices):
        yield envelope.wrap([_choice(index, echoes[index // request.n])], **extra)
    for delta in job.deltas():
        if delta is None or isinstance(delta, sse.Note):
            yield delta
            continue
        if delta.text or delta.logprobs:
            piece = logprobs[delta.index].body(delta.logprobs) if delta.logprobs else None
            yield envelope.wrap([_choice(delta.index, delta.text, piece)], **extra)
        if delta.finish is not None:
            is_last = len(job.finishes) == job.num_choices and not request.include_usage
            end = _choice(delta.index, "", None, _reason(delta.finish.reason))
            yield envelope.wrap([end], **extra, **(job.timings() if is_last else {}))
    if request.include_usage:
        yield envelope.wrap([], usage=wire.usage_body(job.usage()), **job.timings())


def _choice(
    index: int, text: str, logprobs: dict[str, Any] | None = None, finish_reason: str | None = None
) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": finish_reason}


def _reason(reason: str) -> str:
    return "length" if reason == "length" else "stop"


def whole_body(job: AnyJob, request: CompletionRequest) -> dict[str, Any]:
    echoes = _echoes(job, request)
    texts = [""] * job.num_choices
    logprobs = [TextLogprobs(len(echoes[i // request.best_of])) for i in range(job.num_choices)]
    for delta in job.deltas():
        if delta is None or isinstance(delta, sse.Note):
            continue
        texts[delta.index] += delta.text
        logprobs[delta.index].add(delta.logprobs or [])
    kept = [index for group in _groups(job, request) for index in best(group, logprobs, request.n)]
    choices = [
        _choice(
            place,
            echoes[index // request.best_of] + texts[index],
            logprobs[index].all() if request.params.logprobs is not None else None,
            _reason(job.finishes[index].reason),
        )
        for place, index in enumerate(kept)
    ]
    envelope = wire.Envelope("cmpl", "text_completion", request.model)
    return envelope.wrap(choices, usage=wire.usage_body(job.usage()), **job.timings())


def _groups(job: AnyJob, request: CompletionRequest) -> list[range]:
    """The choices of each prompt."""
    return [range(i, i + request.best_of) for i in range(0, job.num_choices, request.best_of)]


def best(group: range, logprobs: Sequence[TextLogprobs], n: int) -> list[int]:
    """The `n` with the highest mean log-probability per token, likeliest first; as they are where all are kept."""
    if n >= len(group):
        return list(group)
    return sorted(group, key=lambda index: -logprobs[index].mean)[:n]
