"""What these tests ask an engine to generate, and what they read from its streams."""

from __future__ import annotations

from localllm.sampling_params import SamplingParams

GREEDY = SamplingParams(temperature=0, max_tokens=24)
ENDLESS = SamplingParams(temperature=0, ignore_eos=True)


def text_of(stream):
    return "".join(delta.text for delta in stream)


def finish_of(stream):
    return next(delta.finish for delta in stream if delta.finish is not None)
