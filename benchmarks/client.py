"""Measures from outside: one streamed chat completion over HTTP, with the time of every piece of text.

Standard library only, so that the measuring costs the server's cores as little as possible. Knows no server by name.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.vocabulary import WORDS

TIMEOUT_S = 900.0
READ_BYTES = 1 << 16
LAST_CHUNK = b"\r\n0\r\n\r\n"
Json = dict[str, Any]


class MeasurementFailed(Exception):
    """The server did not do what the scenario needs, so there is no figure."""


@dataclass
class Answer:
    """What came back: `started` and `times` are perf_counter seconds, one time per chunk that carried text."""

    started: float
    times: list[float] = field(default_factory=list)
    text: str = ""
    finish_reason: str = ""
    usage: Json = field(default_factory=dict)

    @property
    def num_tokens(self) -> int:
        """As the server counts; its chunks where it does not say."""
        return int(self.usage.get("completion_tokens") or len(self.times))

    @property
    def ttft_s(self) -> float:
        return self.times[0] - self.started

    @property
    def rate(self) -> float:
        """Tokens per second between the first text and the last."""
        return (self.num_tokens - 1) / (self.times[-1] - self.times[0])

    @property
    def longest_gap_s(self) -> float:
        return max(later - earlier for earlier, later in zip(self.times, self.times[1:], strict=False))


@dataclass(frozen=True)
class Client:
    """A server's address and the model's name there."""

    host: str
    port: int
    model: str = "bench"

    def ask(self, messages: list[Json], max_tokens: int, **extra: Any) -> Answer:
        """Greedy and streamed, to the end. `MeasurementFailed` when tokens are missing."""
        answer = self.start(messages, max_tokens, **extra).read()
        is_cut = (
            answer.finish_reason == "length"
            and answer.usage.get("completion_tokens", max_tokens) < max_tokens
        )
        if is_cut or len(answer.times) < 2:
            raise MeasurementFailed(
                f"asked for {max_tokens} tokens, got {answer.num_tokens} in {len(answer.times)} pieces"
            )
        return answer

    def embed(self, texts: Sequence[str]) -> int:
        """How many vectors came. Asked for as both SDKs do: as base64."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)
        body = {"model": self.model, "input": list(texts), "encoding_format": "base64"}
        try:
            connection.request(
                "POST", "/v1/embeddings", json.dumps(body), {"Content-Type": "application/json"}
            )
            answer = json.load(connection.getresponse())
        finally:
            connection.close()
        if "data" not in answer:
            raise MeasurementFailed(f"no embeddings: {str(answer)[:300]}")
        return len(answer["data"])

    def start(self, messages: list[Json], max_tokens: int, **extra: Any) -> Stream:
        body = {
            "model": self.model,
            "messages": messages,
            "max_tokens": max_tokens,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
            "ignore_eos": True,
        }
        return Stream(self, body | extra)


class Stream:
    """A request on its way; `read` follows it, `close` hangs up."""

    def __init__(self, client: Client, body: Json) -> None:
        self._connection = http.client.HTTPConnection(client.host, client.port, timeout=TIMEOUT_S)
        self.answer = Answer(started=time.perf_counter())
        self.num_arrived = 0  # pieces of the body so far, for who waits in another thread
        self._line = b""  # the beginning of a line whose end has not arrived
        headers = {"Content-Type": "application/json"}
        self._connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        self._response = self._connection.getresponse()
        if self._response.status != 200:
            said = self._response.read(500).decode("utf-8", "replace")
            raise MeasurementFailed(f"status {self._response.status}: {said}")

    def read(self, until_pieces: int | None = None) -> Answer:
        """Follow the stream to its end, or hang up after so many pieces of text.

        Nothing is parsed before the end where it need not be: on two cores that would take from the server.
        """
        arrived: list[tuple[float, bytes]] = []
        read, is_chunked, end = self._response.fp.read1, self._response.chunked, b""
        while data := read(READ_BYTES):
            arrived.append((time.perf_counter(), data))
            self.num_arrived += 1
            if until_pieces is not None:
                self._parse(arrived)
                arrived.clear()
                if len(self.answer.times) >= until_pieces:
                    break
            end = (end + data)[-len(LAST_CHUNK) :]
            if is_chunked and end == LAST_CHUNK:
                break
        self._parse(arrived)
        self.close()
        return self.answer

    def close(self) -> None:
        self._response.close()
        self._connection.close()

    def _parse(self, arrived: Sequence[tuple[float, bytes]]) -> None:
        """Take the events out of what came from the socket.

        The sizes of chunks are lines that are no event. A frame that were cut by one would not be JSON, and say so.
        """
        for at, data in arrived:
            *lines, self._line = (self._line + data).split(b"\n")
            for line in lines:
                event = line.removeprefix(b"data:").strip()
                if line.startswith(b"data:") and event != b"[DONE]":
                    self._take(json.loads(event), at)

    def _take(self, chunk: Json, at: float) -> None:
        if "error" in chunk:
            raise MeasurementFailed(f"error event: {chunk['error']}")
        self.answer.usage = chunk.get("usage") or self.answer.usage
        for choice in chunk.get("choices") or []:
            delta = choice.get("delta") or {}
            if text := delta.get("content") or delta.get("reasoning_content"):
                self.answer.times.append(at)
                self.answer.text += text
            self.answer.finish_reason = choice.get("finish_reason") or self.answer.finish_reason


def user(text: str) -> list[Json]:
    return [{"role": "user", "content": text}]


def words(rng: random.Random, count: int) -> str:
    """Random words of one token each: no cache can help unless the same text was sent before."""
    return " ".join(rng.choice(WORDS) for _ in range(count))


def together(asks: Sequence[Callable[[], Answer]]) -> tuple[list[Answer], float]:
    """Ask all at once; the answers in order, and the seconds until the last was complete."""
    answers: dict[int, Answer] = {}
    failures: list[MeasurementFailed] = []

    def ask(number: int) -> None:
        try:
            answers[number] = asks[number]()
        except (MeasurementFailed, OSError, http.client.HTTPException) as error:
            failures.append(MeasurementFailed(str(error)))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(asks))]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return [answers[number] for number in range(len(asks))], time.perf_counter() - started
