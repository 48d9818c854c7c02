"""Whatever JSON another server sends: parts come out, or an error that says who sent it."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from localllm import errors
from localllm.api.forwarding.chunks import ChatReader, has_end, has_text
from localllm.api.forwarding.logprobs import read_text_logprobs

KEYS = st.sampled_from(
    ["choices", "index", "delta", "message", "content", "text", "role", "tool_calls", "function_call", "id", "type",
     "function", "name", "arguments", "finish_reason", "usage", "prompt_tokens", "timings", "logprobs", "token",
     "logprob", "bytes", "top_logprobs", "reasoning_content", "refusal"]
)  # fmt: skip
SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 300) | st.floats() | st.text(max_size=5) | st.just("stop")
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=10,
)
CHOICES = st.fixed_dictionaries(
    {}, optional={"index": JSON, "delta": JSON, "message": JSON, "finish_reason": JSON, "logprobs": JSON}
)
CALLS = st.fixed_dictionaries({"delta": st.fixed_dictionaries({"tool_calls": st.lists(JSON, max_size=3)})})
PAYLOADS = JSON | st.fixed_dictionaries(
    {"choices": st.lists(CHOICES | CALLS, max_size=3)}, optional={"usage": JSON}
)


@settings(max_examples=80, deadline=None)
@given(st.lists(PAYLOADS, max_size=4))
def test_no_payload_breaks_the_reader(payloads):
    """Only errors of our own tree come out."""
    reader = ChatReader(2, "there")
    with contextlib.suppress(errors.LocalllmError):
        for payload in payloads:
            has_text(payload)
            has_end(payload)
            list(reader.take(payload))
        list(reader.ends(is_complete=True))
    reader.figures.usage(0)


@settings(max_examples=40, deadline=None)
@given(JSON)
def test_no_logprobs_break_the_reader(logprobs):
    """Both shapes, and neither."""
    read_text_logprobs(logprobs)
