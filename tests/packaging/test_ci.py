"""The check that .ci/run makes of a recorded stream finds what it is there to find."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "check_stream.py"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\r\n"
FRAMES = b': ping\n\ndata: {"choices": [{"delta": {"content": "Hi"}}]}\n\n'
GOOD = HEAD + FRAMES + b"data: [DONE]\n\n"


@pytest.fixture
def check():
    spec = importlib.util.spec_from_file_location("check_stream", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.check


def test_a_good_stream_passes(check):
    """Header, frames, pings and the end are as the contract has them."""
    check(GOOD)


@pytest.mark.parametrize(
    "recorded",
    [
        GOOD.replace(b"200", b"500"),
        GOOD.replace(b"; charset=utf-8", b""),
        HEAD + FRAMES,
        GOOD[:-1],
        GOOD.replace(b'"Hi"', b'""'),
        GOOD.replace(b"}]}\n\n", b"}]}\n"),
    ],
    ids=["status", "content type", "no end", "no blank line", "no text", "frames that run together"],
)
def test_a_bad_stream_does_not(check, recorded):
    """Each of these would break a client."""
    with pytest.raises(AssertionError):
        check(recorded)
