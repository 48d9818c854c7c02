"""An engine that says what it is told to: scripted deltas, waits for events, fails where asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from localllm import errors
from localllm.engine import messages as m
from localllm.engine.engine import Engine, State
from localllm.engine.loading import LoadParams, ModelInfo
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.memory import Memory, Plan
from localllm.models.pool import Pool
from localllm.paths import Paths
from localllm.sampling_params import SamplingParams, ThinkingMarks

INFO = ModelInfo(
    architecture="llama", description="fake", n_params=1, size_bytes=1, n_ctx=512, n_ctx_train=512, n_vocab=1000,
    n_embd=8, n_parallel=1, n_threads=1, chat_template=None, bos_token="<s>", eos_token="</s>", add_bos=False,
    has_fim=False, can_cut=True, pooling="", devices=(), build="fake",
)  # fmt: skip

Item = str | m.Delta | threading.Event | BaseException
Script = Callable[[str | Sequence[int], SamplingParams], list[Item]]


def say(*texts: str) -> Script:
    """A script that says these texts, one delta each, and stops."""
    return lambda prompt, params: list(texts)


def finish(
    num_tokens: int,
    *,
    reason: m.FinishReason = "stop",
    cached: int = 0,
    index: int = 0,
    stop: str | None = None,
) -> m.Delta:
    end = m.Finish(reason, num_tokens, cached, queue_ms=0.5, prompt_ms=10.0, predicted_ms=20.0, stop=stop)
    return m.Delta(0, index=index, finish=end)


class FakeStream:
    """Has the interface of engine.Stream. Texts become deltas of one token; a missing end is added."""

    def __init__(self, prompt: str | Sequence[int], script: list[Item], n: int) -> None:
        self.request_id = 0
        self.num_prompt_tokens = len(prompt.split()) if isinstance(prompt, str) else len(prompt)
        self.is_finished = False
        self.was_cancelled = threading.Event()
        self._items = _completed(script, n)
        self._num_open = n

    def next(self, timeout_s: float | None = None) -> m.Delta | None:
        item = self._items[0] if self._items else threading.Event()
        if isinstance(item, threading.Event):
            if not item.wait(timeout_s):
                return None
            self._items.pop(0)
            return None
        self._items.pop(0)
        if isinstance(item, BaseException):
            raise item
        assert isinstance(item, m.Delta)
        self._num_open -= item.finish is not None
        self.is_finished = self._num_open == 0
        return item

    def __iter__(self) -> Iterator[m.Delta]:
        while not self.is_finished:
            if (delta := self.next()) is not None:
                yield delta

    def cancel(self) -> None:
        if not self.is_finished:
            self.was_cancelled.set()


def _completed(script: list[Item], n: int) -> list[Item]:
    texts = [item for item in script if isinstance(item, str)]
    items: list[Item] = [m.Delta(0, text=i, num_tokens=1) if isinstance(i, str) else i for i in script]
    if any(isinstance(i, BaseException) or (isinstance(i, m.Delta) and i.finish) for i in script):
        return items
    if n > 1:
        copies = [
            msgspec.structs.replace(i, index=k) for i in items if isinstance(i, m.Delta) for k in range(n)
        ]
        return [*copies, *(finish(len(texts), index=k) for k in range(n))]
    return [*items, finish(len(texts))]


def _check_ids(token_ids: Sequence[int]) -> None:
    if not all(0 <= token_id < INFO.n_vocab for token_id in token_ids):
        raise errors.InvalidRequest("A token is not in this model's vocabulary.", param="prompt")


class FakeEngine(Engine):
    """One fake model. `script` decides what a submit answers; `submits` and `streams` tell what was asked."""

    def __init__(self, params: LoadParams) -> None:
        super().__init__(params)
        self.script: Script = say("Hello", " there", ".")
        self.refusal: errors.LocalllmError | None = None
        self.load_error: errors.LocalllmError | None = None
        self.may_load = threading.Event()
        self.may_load.set()
        self.submits: list[m.Submit] = []
        self.streams: list[FakeStream] = []
        self.fake_info = INFO
        self._state: State = "unloaded"

    @property
    def state(self) -> State:
        return self._state

    @property
    def progress(self) -> float:
        return 1.0 if self._state == "ready" else 0.4

    @property
    def info(self) -> ModelInfo:
        return self.fake_info

    def start(self, *, wait: bool = True, poll: Callable[[], None] | None = None) -> None:
        self._state = "loading"
        self.may_load.wait()
        if self.load_error is not None:
            self._state = "dead"
            raise self.load_error
        self._state = "ready"

    def close(self, timeout_s: float = 5.0) -> None:
        self._state = "unloaded"
        self.may_load.set()

    def submit(  # type: ignore[override]
        self,
        prompt: str | Sequence[int],
        params: SamplingParams,
        *,
        n: int = 1,
        priority: m.Priority = "chat",
        add_special: bool = False,
        markers: Sequence[str] = (),
        thinking: ThinkingMarks | None = None,
        poll: Callable[[], None] | None = None,
    ) -> FakeStream:
        if self.refusal is not None:
            raise self.refusal
        ids_or_text = prompt if isinstance(prompt, str) else list(prompt)
        self.submits.append(
            m.Submit(0, ids_or_text, params, n, priority, add_special, tuple(markers), thinking)
        )
        stream = FakeStream(prompt, self.script(prompt, params), n)
        self.streams.append(stream)
        return stream

    def tokenize(self, text: str, *, add_special: bool = False, parse_special: bool = True) -> list[int]:
        return [ord(c) for c in text]

    def embed(self, prompts: Sequence[str | list[int]]) -> tuple[list[npt.NDArray[np.float32]], int]:
        for prompt in prompts:
            _check_ids([] if isinstance(prompt, str) else prompt)
        return [np.full(8, 8**-0.5, dtype=np.float32) for _ in prompts], sum(map(len, prompts))

    def pieces(self, token_ids: Sequence[int]) -> list[bytes]:
        _check_ids(token_ids)
        return [bytes([t]) if 127 < t < 256 else chr(t).encode() for t in token_ids]

    def detokenize(self, token_ids: Sequence[int]) -> str:
        _check_ids(token_ids)
        return "".join(chr(t) for t in token_ids)

    def wait_for_stream(self, number: int = 1, timeout_s: float = 10.0) -> FakeStream:
        """The stream of the number-th submit, once it was submitted."""
        deadline = time.monotonic() + timeout_s
        while len(self.streams) < number:
            assert time.monotonic() < deadline, "nothing was submitted"
            time.sleep(0.005)
        return self.streams[number - 1]


def always_fits(entry: Entry, paths: Paths, free: Memory) -> Plan:
    """Fake models take one byte each."""
    return Plan(n_ctx=8192, n_gpu_layers=-1, ram_bytes=1, device_bytes=0)


class FakeModels:
    """A pool over fake engines: `engines["a"]` is the one of model "a"."""

    def __init__(self, folder: Path, ids: Sequence[str] = ("guide", "other")) -> None:
        self.paths = Paths(data=folder, cache=folder / "cache", logs=folder / "logs")
        (folder / "model.gguf").write_bytes(b"GGUF")
        rows = "".join(
            f'[[model]]\nid = "{i}"\nsource = "model.gguf"\naliases = ["alias-{i}"]\n' for i in ids
        )
        self.paths.catalog.write_text(rows, encoding="utf-8")
        self.engines = {i: FakeEngine(LoadParams(path="model.gguf", model_id=i)) for i in ids}
        self.pool = Pool(
            Catalog(self.paths.catalog), self.paths, make_engine=self._engine, make_plan=always_fits
        )

    def _engine(self, params: LoadParams) -> FakeEngine:
        engine = self.engines[params.model_id]
        engine.params = params
        return engine
