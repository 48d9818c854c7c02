"""A sequence: one running completion with its tokens, and the buffer that holds them. Pure data, no clock, no C."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from localllm.engine.messages import Priority
from localllm.sampling_params import SamplingParams

if TYPE_CHECKING:
    from localllm.engine.prefix_cache import Slot

TokenIds = npt.NDArray[np.int32]


class TokenBuffer:
    """An append-only list of token ids that numpy can compare. May be shared: what was written never changes."""

    def __init__(self, token_ids: npt.ArrayLike) -> None:
        start: TokenIds = np.asarray(token_ids, dtype=np.int32)
        self._data = np.empty(len(start) + 64, dtype=np.int32)
        self._data[: len(start)] = start
        self._length = len(start)

    def __len__(self) -> int:
        return self._length

    def append(self, token_id: int) -> None:
        if self._length == len(self._data):
            self._data = np.concatenate([self._data, np.empty_like(self._data)])
        self._data[self._length] = token_id
        self._length += 1

    def view(self, start: int = 0, end: int | None = None) -> TokenIds:
        """Tokens [start, end) without copying."""
        return self._data[start : self._length if end is None else end]


def common_prefix(a: TokenIds, b: TokenIds) -> int:
    """How many tokens two lists begin with alike."""
    length = min(len(a), len(b))
    differs = a[:length] != b[:length]
    first = int(differs.argmax()) if length else 0
    return first if length and differs[first] else length


class State(enum.Enum):
    """WAITING for room (new, or paused when the cache was full), RUNNING on a slot, FINISHED for ever."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"


class Sequence:
    """One completion of a request. `tokens` holds the prompt and, after it, what was generated."""

    def __init__(
        self,
        request_id: int,
        index: int,
        prompt: npt.ArrayLike,
        params: SamplingParams,
        priority: Priority = "chat",
    ) -> None:
        self.request_id = request_id
        self.index = index
        self.params = params
        self.priority = priority
        self.tokens = TokenBuffer(prompt)
        self.num_prompt_tokens = len(self.tokens)
        self.num_cached_tokens = 0
        self.prefill_end = self.num_prompt_tokens
        self.may_draft = params.grammar is None
        self.may_be_apart = priority == "chat"
        self.checkpoint_at: int | None = None  # prefill pauses there, so that the state can be copied
        self.was_paused = False
        self.num_overtaken = 0  # later ones that started first because this one found no room
        self.state = State.WAITING
        self.slot: Slot | None = None

    @property
    def num_output_tokens(self) -> int:
        return len(self.tokens) - self.num_prompt_tokens

    @property
    def num_computed(self) -> int:
        """Tokens whose KV cells are there."""
        return self.slot.length if self.slot is not None else 0

    @property
    def num_pending(self) -> int:
        """Tokens still to be computed before the next one can be sampled."""
        return len(self.tokens) - self.num_computed

    @property
    def is_prefilling(self) -> bool:
        """True while computing what was there when it was admitted; after that it decodes."""
        return self.num_computed < self.prefill_end

    @property
    def num_unread(self) -> int:
        """Tokens of what was there when it was admitted that are still to be computed."""
        return max(0, self.prefill_end - self.num_computed)

    @property
    def is_apart(self) -> bool:
        """True while its prompt is read in a context of its own (prefills.py)."""
        return self.slot is not None and len(self.slot.reserved) > 0

    @property
    def num_promised(self) -> int:
        """Cells it was admitted for and has not taken yet."""
        num_taken = self.num_computed + (len(self.slot.reserved) if self.slot is not None else 0)
        return max(0, self.prefill_end - num_taken)

    @property
    def is_background(self) -> bool:
        return self.priority == "background"

    def __repr__(self) -> str:
        return f"<Sequence {self.request_id}.{self.index} {self.state.value} {self.num_computed}/{len(self.tokens)}>"


def by_importance(sequences: Iterable[Sequence]) -> list[Sequence]:
    """Chats before background work, otherwise in the order given."""
    return sorted(sequences, key=lambda s: s.is_background)
