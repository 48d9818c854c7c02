"""The checks of conduct: several clients at once, clients that leave, foreign web pages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from localllm.check import rules
from localllm.check.checks import found
from localllm.check.error_checks import CHAT
from localllm.check.finding import Finding
from localllm.check.stream_lint import lint_stream
from localllm.check.stream_rules import STREAM_ERROR
from localllm.check.target import Reply, Target

NUM_LEAVERS = 4
LONG = 4096  # tokens of the answers that are left
PATIENCE = 4.0  # times the usual duration, plus
PATIENCE_S = 4.0  # so many seconds, that a request may take after others have left
INSTANT_S = 1.0
FOREIGN = "https://evil.example"
LOCAL = "http://localhost:3000"
ASKED_HEADERS = "authorization,content-type,x-stainless-arch,x-stainless-retry-count"


def check_disconnect(target: Target) -> Iterator[Finding]:
    """Several long answers are left in the middle, streamed and whole; the next question must not wait for them."""
    usual = target.chat(max_tokens=4)
    limit_s = usual.elapsed_s * PATIENCE + PATIENCE_S
    for is_streamed in (True, False):
        body = target.chat_body(
            "Write a very long story.", stream=is_streamed, max_tokens=LONG, ignore_eos=True
        )
        for _ in range(NUM_LEAVERS):
            with target.open_stream(body, until=b'"content":' if is_streamed else b""):
                time.sleep(0.0 if is_streamed else 0.3)  # a whole answer shows no sign that it has begun
        after = target.chat(max_tokens=4)
        if usual.status == 200 and (after.status != 200 or after.elapsed_s > limit_s):
            came = f"the next answer took {after.elapsed_s:.1f} s instead of {usual.elapsed_s:.1f} s"
            sent = (
                f"{NUM_LEAVERS} × POST {target.base}{CHAT} (stream: {str(is_streamed).lower()}), then hung up"
            )
            yield Finding(rules.DISCONNECT, f"{came}; {after.shown()}", sent)


def check_instant(target: Target) -> Iterator[Finding]:
    """The list of models, while an answer is being generated."""
    body = target.chat_body("Write a very long story.", stream=True, max_tokens=LONG, ignore_eos=True)
    with target.open_stream(body, until=b"data:"):
        reply = target.get("/models")
    if reply.status == 200 and reply.elapsed_s > INSTANT_S:
        yield Finding(rules.MODELS_INSTANT, f"took {reply.elapsed_s:.1f} s", reply.sent)


def check_concurrency(target: Target) -> Iterator[Finding]:
    """A chat, a title and tags at once, as Open WebUI asks."""

    def ask(is_streamed: bool) -> Reply:
        return target.chat(stream=is_streamed)

    with ThreadPoolExecutor(3) as threads:
        for reply in threads.map(ask, (True, False, False)):
            if reply.status != 200 or _has_failed(reply.body):
                yield found(rules.CONCURRENCY, reply)


def _has_failed(stream: bytes) -> bool:
    return any(finding.rule is STREAM_ERROR for finding in lint_stream(stream))


def check_host(target: Target) -> Iterator[Finding]:
    """A rebound name, on an address of this machine."""
    if target.is_local:
        reply = target.get("/models", {"Host": "evil.example"})
        if reply.status < 400 and reply.status:
            yield found(rules.HOST, reply)


def check_origins(target: Target) -> Iterator[Finding]:
    """A foreign page that posts JSON or plain text; and a local page's preflight."""
    data = target.chat_body(max_tokens=1)
    posted = target.post(CHAT, data, {"Origin": FOREIGN})
    plain = target.post(CHAT, data, {"Origin": FOREIGN, "Content-Type": "text/plain"})
    if posted.headers.get("access-control-allow-origin") in ("*", FOREIGN):
        yield found(rules.FOREIGN_ORIGIN, posted)
    elif target.is_local and plain.status == 200:
        yield found(rules.FOREIGN_ORIGIN, plain)
    yield from _check_preflight(target)


def _check_preflight(target: Target) -> Iterator[Finding]:
    headers = {
        "Origin": LOCAL,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": ASKED_HEADERS,
    }
    reply = target.request("OPTIONS", CHAT, None, headers)
    if "access-control-allow-origin" not in reply.headers:
        return
    allowed = reply.headers.get("access-control-allow-headers", "").lower().replace(" ", "").split(",")
    if reply.status not in (200, 204) or not (
        "*" in allowed or set(ASKED_HEADERS.split(",")) <= set(allowed)
    ):
        yield found(rules.PREFLIGHT, reply)
