"""The fastest this machine can decode: a bare loop of `llama_decode` and argmax, without a server.

    python3 -m benchmarks.decode_loop MODEL [--threads N] [--tokens N] [--runs N]

`python3 -m benchmarks --only bare` alternates it with a stream over HTTP.
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import llama_cpp
import numpy as np

N_BATCH = 512


class DecodeLoop:
    """A loaded model with one sequence; greedy, one token a step."""

    def __init__(self, path: Path, *, num_threads: int, n_ctx: int = 4096, n_gpu_layers: int = 0) -> None:
        self._silent = llama_cpp.llama_log_callback(lambda _level, _text, _data: None)
        llama_cpp.llama_log_set(self._silent, ctypes.c_void_p(0))
        model_params = llama_cpp.llama_model_default_params()
        model_params.n_gpu_layers = n_gpu_layers
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), model_params)
        if not self._model:
            raise SystemExit(f"llama.cpp could not load {path}")
        params = llama_cpp.llama_context_default_params()
        params.n_ctx, params.n_batch = n_ctx, N_BATCH
        params.n_threads = params.n_threads_batch = num_threads
        self._context = llama_cpp.llama_init_from_model(self._model, params)
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        self._n_vocab = llama_cpp.llama_vocab_n_tokens(self._vocab)

    def __enter__(self) -> DecodeLoop:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        llama_cpp.llama_free(self._context)
        llama_cpp.llama_model_free(self._model)

    def run(self, prompt: str, num_tokens: int) -> list[float]:
        """Read the prompt from scratch and generate; the time (s) at which each token was known."""
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self._context), False)
        prompt_ids = self._tokenize(prompt)
        for start in range(0, len(prompt_ids), N_BATCH):
            self._decode(prompt_ids[start : start + N_BATCH])
        times = []
        while True:
            token_id = self._best()
            times.append(time.perf_counter())
            if len(times) == num_tokens:
                return times
            self._decode([token_id])

    def _tokenize(self, text: str) -> list[int]:
        data = text.encode()
        room = (llama_cpp.llama_token * (len(data) + 8))()
        count = llama_cpp.llama_tokenize(self._vocab, data, len(data), room, len(room), True, True)
        return list(room[:count])

    def _decode(self, token_ids: list[int]) -> None:
        array = (llama_cpp.llama_token * len(token_ids))(*token_ids)
        code = llama_cpp.llama_decode(self._context, llama_cpp.llama_batch_get_one(array, len(token_ids)))
        if code != 0:
            raise SystemExit(f"llama_decode failed with code {code}")

    def _best(self) -> int:
        logits: Any = llama_cpp.llama_get_logits_ith(self._context, -1)
        return int(np.ctypeslib.as_array(logits, (self._n_vocab,)).argmax())


def rate(times: list[float]) -> float:
    """Tokens per second between the first token and the last."""
    return (len(times) - 1) / (times[-1] - times[0])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Decode speed of a model without a server.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--gpu-layers", type=int, default=0)
    options = parser.parse_args()
    with DecodeLoop(options.model, num_threads=options.threads, n_gpu_layers=options.gpu_layers) as loop:
        rates = [rate(loop.run("the people of the world " * 10, options.tokens)) for _ in range(options.runs)]
    print(f"{statistics.median(rates):.1f} tokens/s (from {min(rates):.1f} to {max(rates):.1f})")
