"""Bytes → payloads: any split of the bytes gives the same ones."""

from __future__ import annotations

import json

import pytest

from localllm.upstream.payloads import MAX_PAYLOAD_BYTES, Payloads, Unreadable, WholeBody
from tests.upstream.faulty import FAULTS, byte_by_byte, payloads

A, B = {"a": 1}, {"b": "ü\n"}
STREAMS = {
    "events": b'data: {"a":1}\n\ndata: {"b":"\xc3\xbc\\n"}\n\ndata: [DONE]\n\n',
    "crlf": b'data: {"a":1}\r\n\r\ndata: {"b":"\xc3\xbc\\n"}\r\n\r\n',
    "no space": b'data:{"a":1}\n\ndata:{"b":"\xc3\xbc\\n"}',
    "several lines": b'data: {"a":\ndata: 1}\n\ndata: {"b":\ndata: "\xc3\xbc\\n"}\n\n',
    "names and comments": b': hi\n\nevent: x\nid: 1\ndata: {"a":1}\n\nretry: 5\n\ndata: {"b":"\xc3\xbc\\n"}\n\n',
    "lines of JSON": b'{"a":1}\n{"b":"\xc3\xbc\\n"}\n',
    "JSON over lines": b'{\n  "a": 1\n}\n{\n  "b": "\xc3\xbc\\n"\n}\n',
    "a mark first": b'\xef\xbb\xbfdata: {"a":1}\n\ndata: {"b":"\xc3\xbc\\n"}\n\n',
}


def read(*pieces: bytes) -> list[object]:
    reader = Payloads()
    found = [payload for piece in pieces for payload in reader.feed(piece)]
    return [*found, *reader.flush()]


@pytest.mark.parametrize("data", STREAMS.values(), ids=STREAMS)
def test_every_split_gives_the_same_payloads(data):
    """In two at every place, and byte by byte."""
    assert read(data) == [A, B]
    assert read(*(bytes([byte]) for byte in data)) == [A, B]
    for place in range(len(data)):
        assert read(data[:place], data[place:]) == [A, B]


@pytest.mark.parametrize(
    "fault", [f for f in FAULTS if f is not byte_by_byte], ids=lambda fault: fault.__name__
)
def test_every_fault_can_be_split_anywhere(fault):
    """What servers really send."""
    data = b"".join(fault(payloads(3)))
    wanted = read(data)
    assert wanted
    for place in range(0, len(data), 7):
        assert read(data[:place], data[place:]) == wanted


def test_nothing_counts_after_the_end_mark():
    """Whatever comes: it is neither read nor an error."""
    reader = Payloads()
    assert reader.feed(b"data: [DONE]\n\ndata: nonsense\n\n{") == []
    assert reader.is_done
    assert reader.flush() == []


@pytest.mark.parametrize(
    "data",
    [b"<html><body>Hello</body></html>\n", b"Internal Server Error\n", b"data: nonsense\n\n", b'{"a": \n'],
)
def test_what_is_no_json_is_told(data):
    """With its beginning, for the error message."""
    with pytest.raises(Unreadable) as caught:
        read(data)
    assert data.split(b"\n")[0].removeprefix(b"data: ").decode() in caught.value.text


def test_a_payload_without_end_is_given_up():
    """A server cannot fill the memory."""
    reader = Payloads()
    for _ in range(MAX_PAYLOAD_BYTES // 2**20):
        reader.feed(b"x" * 2**20)
    with pytest.raises(Unreadable):
        reader.feed(b"x")


def test_a_whole_body_is_one_payload():
    """However it is cut; an empty one is none."""
    body = json.dumps([A, B], indent=2).encode()
    reader = WholeBody()
    assert [reader.feed(body[:9]), reader.feed(body[9:])] == [[], []]
    assert reader.flush() == [[A, B]]
    assert WholeBody().flush() == []
