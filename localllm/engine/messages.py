"""The closed set of messages between the app process and an engine process, and their bytes.

Frozen msgspec structs as MessagePack over a `multiprocessing` connection: the same on every system and in a
frozen app, and nothing in them can run code (which pickle could). Knows no process and no thread.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from localllm.engine.loading import ModelInfo
from localllm.sampling_params import SamplingParams, ThinkingMarks

BEAT_S = 1.0
FinishReason = Literal["stop", "length", "cancelled"]
Priority = Literal["chat", "background"]


class Message(msgspec.Struct, frozen=True, tag=True, omit_defaults=True):
    """Anything that crosses between the two processes."""


# ── app → engine ────────────────────────────────────────────────────────────────────────────────────────────


class Submit(Message, frozen=True):
    """Run a prompt. `n` completions share it. `markers`: control tokens whose text must be shown (`<tool_call>`, …).

    thinking: what the params' reasoning_budget needs to know; without it there is none.
    """

    request_id: int
    prompt: str | list[int]
    params: SamplingParams
    n: int = 1
    priority: Priority = "chat"
    add_special: bool = False
    markers: tuple[str, ...] = ()
    thinking: ThinkingMarks | None = None


class Cancel(Message, frozen=True):
    """Stop a request at the next step and free its slots. Unknown ids are ignored: it may just have finished."""

    request_id: int


class Tokenize(Message, frozen=True):
    call_id: int
    text: str
    add_special: bool = False
    parse_special: bool = True


class Detokenize(Message, frozen=True):
    call_id: int
    token_ids: list[int]


class Embed(Message, frozen=True):
    """Embed prompts: one vector each, pooled and normalised as the model says."""

    call_id: int
    prompts: list[str | list[int]]


class GetStats(Message, frozen=True):
    call_id: int


class GetPrefixReport(Message, frozen=True):
    call_id: int


class Shutdown(Message, frozen=True):
    """Free everything and exit."""


# ── engine → app ────────────────────────────────────────────────────────────────────────────────────────────


class Loading(Message, frozen=True):
    """Weights are being read; `progress` runs from 0 to 1."""

    progress: float


class Ready(Message, frozen=True):
    info: ModelInfo


class Beat(Message, frozen=True):
    """Sent every BEAT_S, whatever the engine computes: silence means that its process was stopped."""


class LoadFailed(Message, frozen=True):
    """The engine exits after this. `kind` names the class of localllm.errors to raise."""

    message: str
    kind: str = ""
    code: str | None = None


class WorkerGone(Message, frozen=True):
    """A worker that held layers of the model is gone. The engine exits after this."""

    address: str


class Accepted(Message, frozen=True):
    """The prompt fits and its grammar compiles: from here on the answer is a stream."""

    request_id: int
    num_prompt_tokens: int


class Refused(Message, frozen=True):
    """The request cannot run. `kind` names the class of localllm.errors to raise."""

    request_id: int
    kind: str
    message: str
    param: str | None = None
    code: str | None = None


class TokenLogprob(msgspec.Struct, frozen=True):
    """One token with its log-probability and its likeliest alternatives (token text, logprob, piece bytes)."""

    token_id: int
    token: str
    piece: bytes
    logprob: float
    top: list[tuple[str, float, bytes]] = []


class Finish(msgspec.Struct, frozen=True):
    """How one completion ended, with exact counts and durations in milliseconds.

    num_cached_tokens: prompt tokens taken from the prefix cache. stop: the stop string that ended it.
    """

    reason: FinishReason
    num_completion_tokens: int
    num_cached_tokens: int
    queue_ms: float
    prompt_ms: float
    predicted_ms: float
    stop: str | None = None


class Delta(msgspec.Struct, frozen=True, omit_defaults=True):
    """New text of one completion. The last one of each `index` carries `finish`.

    prefilled: (done, total) prompt tokens, sent while the prompt is being computed, with no text.
    """

    request_id: int
    index: int = 0
    text: str = ""
    num_tokens: int = 0
    logprobs: list[TokenLogprob] | None = None
    finish: Finish | None = None
    prefilled: tuple[int, int] | None = None


class Step(Message, frozen=True):
    """All that one step produced."""

    deltas: list[Delta]


class Tokens(Message, frozen=True):
    call_id: int
    token_ids: list[int]


class Text(Message, frozen=True):
    """`pieces`: the bytes of each token; a piece may be part of a character."""

    call_id: int
    text: str
    pieces: list[bytes] = []


class Embeddings(Message, frozen=True):
    """`vectors`: float32, little endian, one bytes object per prompt. `num_tokens` over all prompts."""

    call_id: int
    vectors: list[bytes]
    num_tokens: int


class EngineStats(msgspec.Struct, frozen=True):
    """Counts since the model was loaded, and what is going on now."""

    num_running: int
    num_waiting: int
    num_prompt_tokens: int
    num_cached_tokens: int
    num_restored_tokens: int
    num_apart_tokens: int
    num_completion_tokens: int
    num_requests: int
    num_steps: int
    kv_cells_used: int
    kv_cells: int


class Stats(Message, frozen=True):
    call_id: int
    stats: EngineStats


class PrefixReport(msgspec.Struct, frozen=True):
    """What one admitted completion found in the prefix cache, and why not more.

    parts_at: how many tokens the nearest kept prefix and the prompt have in common; the texts around that place.
    """

    request_id: int
    index: int
    num_prompt_tokens: int
    num_cached_tokens: int
    reason: str
    parts_at: int
    prompt_there: str
    kept_there: str


class PrefixReports(Message, frozen=True):
    call_id: int
    reports: list[PrefixReport]


class CallFailed(Message, frozen=True):
    """A call (tokenize, embed, …) could not be done."""

    call_id: int
    message: str
    param: str | None = None


Call = Tokenize | Detokenize | GetStats | GetPrefixReport
Command = Submit | Cancel | Embed | Call | Shutdown
Reply = Tokens | Text | Embeddings | Stats | PrefixReports | CallFailed
Event = Beat | Loading | Ready | LoadFailed | WorkerGone | Accepted | Refused | Step | Reply

_encoder = msgspec.msgpack.Encoder()
_command_decoder: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)
_event_decoder: msgspec.msgpack.Decoder[Event] = msgspec.msgpack.Decoder(Event)


def pack(message: Message) -> bytes:
    return _encoder.encode(message)


def unpack_command(data: bytes) -> Command:
    return _command_decoder.decode(data)


def unpack_event(data: bytes) -> Event:
    return _event_decoder.decode(data)
