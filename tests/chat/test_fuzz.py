"""Mutated transcripts: whatever a model writes, nothing raises, nothing is lost, and the split makes no difference."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localllm.chat.formats import by_name
from localllm.chat.parser import ChatParser, Delta, ToolCallArguments, ToolCallStart
from tests.chat.transcript import TOOLS, Transcript
from tests.chat.transcripts import TRANSCRIPTS

PAYLOAD = "漢字éß☃"  # in no marker and no key: each of these that goes in must come out, in order
MARKERS = sorted(
    {
        m
        for t in TRANSCRIPTS
        for m in (*by_name(t.format).openers, *by_name(t.format).marks, by_name(t.format).tail)
    }
    - {""}
)

Mutation = tuple[str, int, int, str]


def mutate(text: str, mutations: list[Mutation]) -> str:
    for kind, start, length, inserted in mutations:
        start %= len(text) + 1
        piece = text[start : start + length]
        text = {
            "delete": text[:start] + text[start + length :],
            "double": text[:start] + piece + text[start:],
            "insert": text[:start] + inserted + text[start:],
            "cut": text[:start],
            "swap": text[start:] + text[:start],
        }[kind]
    return text


mutations = st.lists(
    st.tuples(
        st.sampled_from(("delete", "double", "insert", "insert", "cut", "swap")),
        st.integers(0, 400),
        st.integers(1, 12),
        st.one_of(st.text(PAYLOAD + '{}[]<>|"\\:,=() \n', max_size=6), st.sampled_from(MARKERS)),
    ),
    min_size=1,
    max_size=5,
)


def run(transcript: Transcript, pieces: list[str]) -> list[Delta]:
    parser = ChatParser(by_name(transcript.format), tools=TOOLS, prompt=transcript.prompt)
    deltas = [delta for piece in pieces for delta in parser.feed(piece)]
    return [*deltas, *parser.flush()]


def written(deltas: list[Delta]) -> str:
    """Everything the deltas carry, in order."""
    return "".join(
        delta.id + delta.name if isinstance(delta, ToolCallStart) else delta.text for delta in deltas
    )


def merged(deltas: list[Delta]) -> list[str]:
    """The deltas without random ids, neighbours of one kind joined: what does not depend on the split."""
    result: list[tuple[str, str]] = []
    for delta in deltas:
        kind = type(delta).__name__
        text = delta.name if isinstance(delta, ToolCallStart) else delta.text
        if result and result[-1][0] == kind != "ToolCallStart":
            result[-1] = (kind, result[-1][1] + text)
        else:
            result.append((kind, text))
    return [f"{kind}:{text}" for kind, text in result]


def payload(text: str) -> str:
    return "".join(char for char in text if char in PAYLOAD)


def check(transcript: Transcript, changes: list[Mutation], cuts: list[int]) -> None:
    text = mutate(transcript.text, changes)
    whole = run(transcript, [text])
    places = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in pairwise(places)]
    assert merged(run(transcript, pieces)) == merged(whole), text
    assert payload(written(whole)) == payload(text), text
    written(whole).encode()


inputs = {
    "transcript": st.sampled_from(TRANSCRIPTS),
    "changes": mutations,
    "cuts": st.lists(st.integers(0, 500), max_size=4),
}


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(**inputs)
def test_a_mutated_transcript_loses_nothing(transcript, changes, cuts):
    """No exception, no lost character outside the markers, the same answer for every split."""
    check(transcript, changes, cuts)


@pytest.mark.slow
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(**inputs)
def test_ten_thousand_mutated_transcripts_lose_nothing(transcript, changes, cuts):
    """The same promise, longer."""
    check(transcript, changes, cuts)


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_text_without_markers_is_content(text):
    """Plain text passes through as it is."""
    assert written(run(Transcript("hermes", text), [text])) == text or "<" in text


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.text(max_size=8), max_size=4))
@settings(max_examples=100, deadline=None)
def test_any_json_arguments_arrive_as_they_were_written(arguments):
    """The scanner follows every JSON text."""
    text = json.dumps({"name": "now", "arguments": arguments})
    deltas = run(Transcript("hermes", ""), [f"<tool_call>{text}</tool_call>"])
    texts = [delta.text for delta in deltas if isinstance(delta, ToolCallArguments)]
    assert json.loads("".join(texts)) == arguments
