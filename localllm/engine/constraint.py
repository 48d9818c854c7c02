"""Structured output: a grammar that says which tokens may come next, and which must. llguidance does the work.

`Compiler` belongs to a model and keeps compiled grammars; a `Constraint` belongs to a sequence. Knows the tokenizer
only as llguidance's own object, which the runner makes.
"""

from __future__ import annotations

import functools
import json
import re
from typing import Protocol

import llguidance
import numpy as np
import numpy.typing as npt

from localllm.engine.grammar_marks import with_token_ids
from localllm.engine.schema_pointer import find_pointer
from localllm.errors import InvalidRequest
from localllm.sampling_params import Grammar

COMPILED_KEPT = 64
MAX_START_BYTES = 512
# As OpenAI writes it; and what follows a key is then forced, not sampled.
COMPACT = {"whitespace_flexible": False}
ANY_JSON_OBJECT = '{"type":"object"}'


class Constraint(Protocol):
    """What restricts the next token of one sequence: a grammar, a budget for thinking, or both."""

    def apply(self, logits: npt.NDArray[np.float32]) -> None:
        """Forbid, in place, every token that may not come next. logits: float32 of shape (n_vocab,)."""

    def accept(self, token_id: int, piece: bytes) -> list[int]:
        """A token was generated. Returns the tokens that must follow it, already accepted."""

    def allows(self, token_id: int) -> bool:
        """Whether the token may come next."""

    @property
    def is_complete(self) -> bool:
        """True where nothing but the end can follow."""


class GrammarConstraint:
    """What the grammar says at the current place of one sequence.

    With triggers it sleeps until one of them was written; the grammar then describes what follows it. With a start it
    wakes up where the text begins with that, and describes all of the text.
    """

    def __init__(
        self,
        matcher: llguidance.LLMatcher,
        tokenizer: llguidance.LLTokenizer,
        grammar: Grammar,
        *,
        is_forcing: bool = True,
    ) -> None:
        """is_forcing: give forced tokens at once, instead of one after the other by the mask."""
        self._matcher = matcher
        self._tokenizer = tokenizer
        self._is_forcing = is_forcing
        self._triggers = tuple(trigger.encode() for trigger in grammar.triggers)
        self._start = re.compile(grammar.start.encode()) if grammar.start else None
        self._written = b""
        self.is_active = not grammar.triggers and not grammar.start
        self._mask = np.empty((tokenizer.vocab_size + 31) // 32, dtype=np.int32)

    def apply(self, logits: npt.NDArray[np.float32]) -> None:
        if not self.is_active:
            return
        self._matcher.unsafe_compute_mask_ptr(self._mask.ctypes.data, self._mask.nbytes)
        allowed = np.unpackbits(self._mask.view(np.uint8), bitorder="little", count=len(logits))
        np.copyto(logits, -np.inf, where=allowed == 0)

    def accept(self, token_id: int, piece: bytes) -> list[int]:
        if not self.is_active:
            self._watch(piece)
            return []
        self._matcher.consume_token(token_id)
        forced = self._matcher.compute_ff_tokens() if self._is_forcing and not self.is_complete else []
        if forced:
            self._matcher.consume_tokens(forced)
        return forced

    def allows(self, token_id: int) -> bool:
        return not self.is_active or bool(self._matcher.validate_tokens([token_id]) == 1)

    @property
    def is_complete(self) -> bool:
        return self.is_active and self._matcher.is_stopped()

    def _watch(self, piece: bytes) -> None:
        """Wake up when a trigger has been written; what the token carries beyond it belongs to the grammar."""
        self._written = (self._written + piece)[-4096:]
        if self._start is not None and self._start.match(self._written):
            self._start = None
            self._wake(self._written)
            return
        if len(self._written) > MAX_START_BYTES:
            self._start = None
        for trigger in self._triggers:
            at = self._written.rfind(trigger)
            if at < 0:
                continue
            rest = self._written[at + len(trigger) :]
            if len(rest) < len(piece):
                self._wake(rest)
                return

    def _wake(self, text: bytes) -> None:
        """From here on the grammar holds, if it allows what was written of it."""
        tokens = self._tokenizer.tokenize_bytes(text)
        self.is_active = self._matcher.validate_tokens(tokens) == len(tokens)
        if self.is_active:
            self._matcher.consume_tokens(tokens)


class Compiler:
    """Grammars of one model, compiled once each. Thread-safe: called beside the loop."""

    def __init__(self, tokenizer: llguidance.LLTokenizer) -> None:
        self._tokenizer = tokenizer
        self._compile = functools.lru_cache(COMPILED_KEPT)(self._compile_uncached)

    def constraint(self, grammar: Grammar, *, is_forcing: bool = True) -> GrammarConstraint:
        """A fresh constraint at the beginning of the grammar. Raises InvalidRequest with llguidance's reason."""
        matcher = self._compile(grammar.kind, grammar.text).deep_copy()
        return GrammarConstraint(matcher, self._tokenizer, grammar, is_forcing=is_forcing)

    def _compile_uncached(self, kind: str, text: str) -> llguidance.LLMatcher:
        source = _grammar_source(kind, with_token_ids(text, self._tokenizer) if kind == "lark" else text)
        matcher = llguidance.LLMatcher(self._tokenizer, source, log_level=0)
        if matcher.is_error():
            raise _refusal(kind, text, matcher.get_error())
        return matcher


def _refusal(kind: str, text: str, reason: str) -> InvalidRequest:
    """What cannot be compiled, with its place in the schema."""
    if kind == "lark" and (inner := _json_in_lark(text, reason)) is not None:
        return inner
    shown = " ".join(reason.split("\n")[:4]) if reason.startswith("regex") else reason.split("\n")[0]
    if not kind.startswith("json"):
        return InvalidRequest(f"The grammar cannot be used: {shown}", param="grammar", code="invalid_grammar")
    pointer = find_pointer(json.loads(text), reason) if kind == "json_schema" else None
    place = f" at {pointer}" if pointer else ""
    return InvalidRequest(
        f"The JSON schema cannot be enforced{place}: {shown}. Leave it out, or describe it in the prompt.",
        param="response_format",
        code="invalid_json_schema",
    )


def _json_in_lark(text: str, reason: str) -> InvalidRequest | None:
    """The refusal of a JSON schema inside a grammar of the chat room: response_format's, or that of a tool."""
    found = re.match(r"at (\d+)\(\d+\): failed to compile JSON schema: (.*)", reason, re.DOTALL)
    line = text.splitlines()[int(found[1]) - 1] if found else ""
    written = re.fullmatch(r'json_\d+: %json (\{.*"x-guidance": \{[^}]*\}\})', line)
    if found is None or written is None:
        return None
    schema = json.loads(written[1])
    if schema.pop("x-guidance").get("lenient") is False:
        return _refusal("json_schema", json.dumps(schema), found[2])
    pointer = find_pointer(schema, found[2])
    place = f" at {pointer}" if pointer else ""
    return InvalidRequest(
        f"A tool's parameters cannot be enforced{place}: {found[2].splitlines()[0]}. Change that part of its schema.",
        param="tools",
        code="invalid_json_schema",
    )


def _grammar_source(kind: str, text: str) -> str:
    try:
        if kind == "regex":
            source = llguidance.LLMatcher.grammar_from_regex(text)
        elif kind in ("json_object", "json_schema"):
            schema = text if kind == "json_schema" else ANY_JSON_OBJECT
            source = llguidance.LLMatcher.grammar_from_json_schema(
                json.dumps(json.loads(schema)), None, COMPACT
            )
        else:
            lark = llguidance.gbnf_to_lark.gbnf_to_lark(text) if kind == "gbnf" else text
            source = llguidance.LLMatcher.grammar_from_lark(lark)
        return str(source)
    except Exception as error:  # noqa: BLE001 -- llguidance raises plain ones for what it cannot read
        field = "response_format" if kind.startswith("json") else "grammar"
        raise InvalidRequest(
            f"The grammar cannot be read: {error}", param=field, code="invalid_grammar"
        ) from None
