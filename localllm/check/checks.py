"""The checks of models, chat and completions: requests to a target → findings. Each is a generator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from localllm.check import rules
from localllm.check.finding import Finding, Rule
from localllm.check.reading import as_dict, as_list, first
from localllm.check.stream_lint import lint_stream
from localllm.check.target import Reply, Target

OPEN_WEBUIS_OWN = frozenset(
    {"info", "pipeline", "arena", "preset", "direct", "provider", "urlIdx", "action_ids", "filter_ids"}
)
CALL = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "get_weather", "arguments": '{"city":"Bern"}'},
}
TOLERATED: tuple[dict[str, Any], ...] = (
    {"max_completion_tokens": 16}, {"temperature": None, "top_p": None, "seed": None}, {"stop": None},
    {"stop": []}, {"tools": None, "tool_choice": None}, {"tools": []}, {"stream_options": None},
    {"response_format": {"type": "text"}},
    {"n": 1}, {"logprobs": False, "top_logprobs": None}, {"logit_bias": {}}, {"user": "u", "metadata": {"a": "b"}},
    {"store": False}, {"service_tier": "auto"}, {"reasoning_effort": "low", "verbosity": "low"},
    {"parallel_tool_calls": True}, {"modalities": ["text"]}, {"prompt_cache_key": "k"}, {"prediction": None},
    {"min_p": 0.05, "top_k": 40, "repeat_penalty": 1.1}, {"x_made_up_by_localllm_check": [1, {"a": None}]},
)  # fmt: skip
USER = {"role": "user", "content": "Hi"}
HISTORIES: dict[str, list[dict[str, Any]]] = {
    "content parts": [
        {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": {"type": "x"}}]}
    ],
    "a developer message": [{"role": "developer", "content": "Be brief."}, USER],
    "a late system message": [
        USER,
        {"role": "assistant", "content": "Hello."},
        {"role": "system", "content": "x"},
        USER,
    ],
    "the same role twice": [USER, USER],
    "a tool's result": [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ],
}


def check_models(target: Target) -> Iterator[Finding]:
    """The list, one of it, and an unknown one."""
    reply = target.get("/models")
    data = reply.json.get("data") if isinstance(reply.json, dict) else None
    is_list = reply.status == 200 and isinstance(data, list) and reply.json.get("object") == "list"
    if not is_list or not all(_is_model(row) for row in data or []):
        yield found(rules.MODELS_LIST, reply)
        return
    yield from json_type(reply)
    if any(OPEN_WEBUIS_OWN & row.keys() for row in data or []):
        yield found(rules.MODELS_KEYS, reply)
    one = target.get(f"/models/{quote(target.model, safe='/:@')}")
    if one.status != 200 or not _is_model(one.json):
        yield found(rules.MODEL_ONE, one)


def _is_model(row: Any) -> bool:
    wanted = {"id": str, "object": str, "created": int, "owned_by": str}
    return isinstance(row, dict) and all(isinstance(row.get(key), type_) for key, type_ in wanted.items())


def check_chat(target: Target) -> Iterator[Finding]:
    """One whole answer."""
    reply = target.chat()
    if reply.content_type.startswith("text/event-stream"):
        yield found(rules.STREAM_ASKED, reply)
    elif reply.status != 200 or not is_chat_completion(reply.json):
        yield found(rules.CHAT_SHAPE, reply)
    else:
        yield from json_type(reply)


def is_chat_completion(body: Any) -> bool:
    """True for the whole object, with one choice."""
    fields = as_dict(body)
    choice = first(fields.get("choices"))
    message = as_dict(choice.get("message"))
    return (
        fields.get("object") == "chat.completion"
        and isinstance(fields.get("id"), str)
        and type(fields.get("created")) is int
        and isinstance(fields.get("model"), str)
        and len(as_list(fields.get("choices"))) == 1
        and type(choice.get("index")) is int
        and choice["index"] == 0
        and isinstance(choice.get("finish_reason"), str)
        and message.get("role") == "assistant"
        and isinstance(message.get("content"), str | None)
        and _is_usage(as_dict(fields.get("usage")))
    )


def _is_usage(usage: dict[str, Any]) -> bool:
    prompt, completion, total = (usage.get(f"{name}_tokens") for name in ("prompt", "completion", "total"))
    return type(prompt) is type(completion) is type(total) is int and prompt + completion == total


def check_stream(target: Target) -> Iterator[Finding]:
    """One stream without usage and one with it, byte by byte."""
    for include_usage in (False, True):
        options = {"stream_options": {"include_usage": True}} if include_usage else {}
        reply = target.chat(stream=True, **options)
        if reply.status != 200:
            yield found(rules.STREAM_ASKED, reply)
            return
        yield from stream_headers(reply)
        yield from linted(reply, include_usage=include_usage)


def stream_headers(reply: Reply) -> Iterator[Finding]:
    if "text/event-stream" not in reply.content_type:
        rule = rules.STREAM_TYPE if b"data:" in reply.body else rules.STREAM_ASKED
        yield found(rule, reply)
    if reply.headers.get("content-encoding"):
        yield found(rules.STREAM_PLAIN, reply)


def linted(reply: Reply, *, include_usage: bool = False, kind: str = "chat") -> Iterator[Finding]:
    """Each broken rule once: the hundredth chunk says no more than the first."""
    seen: set[str] = set()
    for finding in lint_stream(reply.body, include_usage=include_usage, kind=kind):
        if finding.rule.id not in seen:
            seen.add(finding.rule.id)
            yield Finding(finding.rule, finding.came_back, reply.sent)


def check_tolerance(target: Target) -> Iterator[Finding]:
    """All tolerated parameters at once; one by one where that fails, to name the culprit."""
    together: dict[str, Any] = {}
    for fields in TOLERATED:
        together |= fields
    if target.chat(**together).status == 200:
        return
    for fields in TOLERATED:
        reply = target.chat(**fields)
        if reply.status != 200:
            yield found(rules.TOLERANCE, reply)


def check_messages(target: Target) -> Iterator[Finding]:
    """Histories as real clients send them."""
    for history in HISTORIES.values():
        reply = target.chat(messages=history)
        if reply.status != 200:
            yield found(rules.MESSAGES, reply)


def check_completions(target: Target) -> Iterator[Finding]:
    """The older API, where it is offered."""
    body = {"model": target.model, "prompt": "Once upon a time", "max_tokens": 16}
    reply = target.post("/completions", body)
    if not reply.is_offered:
        return
    fields = as_dict(reply.json)
    is_right = isinstance(first(fields.get("choices")).get("text"), str)
    if reply.status != 200 or not is_right or fields.get("object") != "text_completion":
        yield found(rules.COMPLETIONS, reply)
        return
    streamed = target.post("/completions", body | {"stream": True})
    yield from stream_headers(streamed)
    yield from linted(streamed, kind="text")


def found(rule: Rule, reply: Reply) -> Finding:
    return Finding(rule, reply.shown(), reply.sent)


def json_type(reply: Reply) -> Iterator[Finding]:
    if reply.content_type.partition(";")[0].strip() != "application/json":
        yield found(rules.JSON_TYPE, reply)
