"""An engine without a process: it loads when told to, fails when told to, and counts."""

from __future__ import annotations

import threading
from collections.abc import Callable

from localllm import errors
from localllm.engine.engine import Engine, State
from localllm.engine.loading import LoadParams, ModelInfo

INFO = ModelInfo(
    architecture="llama", description="fake", n_params=1, size_bytes=1, n_ctx=512, n_ctx_train=512, n_vocab=8,
    n_embd=8, n_parallel=1, n_threads=1, chat_template=None, bos_token="<s>", eos_token="</s>", add_bos=False,
    has_fim=False, can_cut=True, pooling="", devices=(), build="fake",
)  # fmt: skip


class FakeEngine(Engine):
    """Behaves as an engine does towards the pool."""

    def __init__(self, params: LoadParams) -> None:
        super().__init__(params)
        self.may_load = threading.Event()
        self.may_load.set()
        self.load_error: errors.LocalllmError | None = None
        self.fake_info = INFO
        self._state: State = "unloaded"
        self.num_closes = 0
        self.has_started = threading.Event()

    @property
    def state(self) -> State:
        return self._state

    @property
    def progress(self) -> float:
        return 1.0 if self._state == "ready" else 0.5

    @property
    def info(self) -> ModelInfo:
        if self._state != "ready":
            raise errors.NotReady("not ready")
        return self.fake_info

    def start(self, *, wait: bool = True, poll: Callable[[], None] | None = None) -> None:
        self.num_starts += 1
        self._state = "loading"
        self.has_started.set()
        assert self.may_load.wait(10), "the test never let it load"
        if self.num_closes:
            raise errors.ModelLoadFailed("ended by signal 9")
        if self.load_error is not None:
            self._state = "dead"
            raise self.load_error
        self._state = "ready"

    def close(self, timeout_s: float = 5.0) -> None:
        self.num_closes += 1
        self._state = "unloaded"
        self.may_load.set()

    def die(self) -> None:
        self._state = "dead"
