"""From a submitted request to sequences that can be queued: tokenize, check, compile. Runs beside the loop.

Thread-safe: the model and its vocabulary never change. Knows no context and no schedule.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable

import msgspec
import numpy as np

from localllm.engine import messages as m
from localllm.engine.constraint import Compiler, Constraint
from localllm.engine.output import Output
from localllm.engine.sequence import Sequence
from localllm.engine.thinking import ThinkingBudget, ThinkingEnd
from localllm.errors import ContextLengthExceeded, InvalidRequest
from localllm.llama.model import Model, TokenIds
from localllm.sampling_params import ThinkingMarks


class Prepared(msgspec.Struct, frozen=True):
    """A sequence that is ready to be queued."""

    sequence: Sequence
    output: Output
    constraint: Constraint | None


class Preparer:
    """Prepares the requests of one model with `n_ctx` KV cells."""

    def __init__(self, model: Model, n_ctx: int) -> None:
        self._model = model
        self._n_ctx = n_ctx
        self._compiler_lock = threading.Lock()

    def prepare(self, command: m.Submit) -> list[Prepared]:
        """The sequences of a request. Raises InvalidRequest or ContextLengthExceeded."""
        prompt = self._prompt_ids(command)
        self._check_length(len(prompt), command.params.max_tokens)
        self._check_bias(command.params.logit_bias)
        piece = self._piece_reader(command.markers)
        prepared = []
        for index in range(command.n):
            sequence = Sequence(command.request_id, index, prompt, command.params, command.priority)
            output = Output(sequence, piece=piece, eog_tokens=self._model.eog_tokens, max_length=self._n_ctx)
            prepared.append(Prepared(sequence, output, self._constraint(command)))
        return prepared

    def _prompt_ids(self, command: m.Submit) -> TokenIds:
        if isinstance(command.prompt, str):
            ids = self._model.tokenize(command.prompt, add_special=command.add_special, parse_special=True)
        else:
            ids = np.array(self.checked_ids(command.prompt), dtype=np.int32)
        if len(ids) > 0:
            return ids
        first = self._model.bos if self._model.bos >= 0 else self._model.eos
        # Nothing cannot be continued: begin as a text begins.
        return np.array([max(first, 0)], dtype=np.int32)

    def checked_ids(self, token_ids: list[int]) -> list[int]:
        for position, token_id in enumerate(token_ids):
            if not 0 <= token_id < self._model.n_vocab:
                raise InvalidRequest(
                    f"Token {token_id} at position {position} is not in this model's vocabulary of "
                    f"{self._model.n_vocab} tokens. Send text instead (LangChain: check_embedding_ctx_length=False).",
                    param="prompt",
                )
        return token_ids

    def _check_length(self, num_prompt_tokens: int, max_tokens: int | None) -> None:
        n_ctx = self._n_ctx
        if num_prompt_tokens < n_ctx:
            return
        wanted = max_tokens or 0
        raise ContextLengthExceeded(
            f"This model's maximum context length is {n_ctx} tokens. However, you requested "
            f"{num_prompt_tokens + wanted} tokens ({num_prompt_tokens} in the messages, {wanted} in the completion). "
            "Please reduce the length of the messages or completion.",
            param="messages",
        )

    def _check_bias(self, logit_bias: dict[int, float]) -> None:
        for token_id in logit_bias:
            if not 0 <= token_id < self._model.n_vocab:
                raise InvalidRequest(
                    f"Token {token_id} is not in this model's vocabulary.", param="logit_bias"
                )

    def _piece_reader(self, markers: tuple[str, ...]) -> Callable[[int], bytes]:
        """Token → bytes, where control tokens are silent unless their text is one of the markers."""
        shown = frozenset(marker.encode() for marker in markers)
        model = self._model

        def piece(token_id: int) -> bytes:
            text = model.piece(token_id)
            if text or not shown:
                return text
            special = model.piece(token_id, special=True)
            return special if special in shown else b""

        return piece

    def _constraint(self, command: m.Submit) -> Constraint | None:
        """The grammar, and around it the budget for thinking."""
        grammar, budget = self._grammar(command), command.params.reasoning_budget
        if command.thinking is None or budget is None:
            return grammar
        tokens = self._thinking_end(command.thinking)
        piece = functools.partial(self._model.piece, special=True)
        return ThinkingBudget(command.thinking, tokens, budget, piece, grammar)

    def _thinking_end(self, marks: ThinkingMarks) -> ThinkingEnd:
        end, again, opener = (
            self._model.tokenize(text, add_special=False, parse_special=True).tolist()
            for text in (marks.end, marks.end_again, marks.opener)
        )
        return ThinkingEnd(end, again, opener[0] if len(opener) == 1 else None)

    def _grammar(self, command: m.Submit) -> Constraint | None:
        grammar = command.params.grammar
        if grammar is None:
            return None
        with self._compiler_lock:  # the tokenizer takes a second to build: once is enough
            compiler = self._compiler
        # A token that was not drawn has no log-probability, and clients lay these side by side with the text.
        return compiler.constraint(grammar, is_forcing=command.params.logprobs is None)

    @functools.cached_property
    def _compiler(self) -> Compiler:
        return Compiler(self._model.grammar_tokenizer())
