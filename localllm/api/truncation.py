"""`truncation: "auto"`: a history that is too long loses whole turns from its beginning, and never a system message.

Pure: counts tokens by the function it is given. Knows no model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Messages = list[dict[str, Any]]


def drop_oldest(messages: Messages, num_tokens: Callable[[Messages], int], limit: int) -> Messages:
    """The messages without as many of the oldest turns as needed to stay within `limit` tokens.

    A turn is a user's message with everything up to the next one, so that no answer loses its question and no tool
    result its call. The last turn always stays, also where it is too long by itself. Costs log2(turns) countings.
    """
    if num_tokens(messages) <= limit:
        return messages
    system, turns = split_turns(messages)

    def without(num_dropped: int) -> Messages:
        """System messages inside the dropped turns stay, behind the first."""
        late = [m for turn in turns[:num_dropped] for m in turn if m["role"] == "system"]
        return [*system, *late, *(message for turn in turns[num_dropped:] for message in turn)]

    fits, too_long = len(turns) - 1, 0  # how many turns to drop
    while fits - too_long > 1:
        middle = (fits + too_long) // 2
        if num_tokens(without(middle)) <= limit:
            fits = middle
        else:
            too_long = middle
    return without(max(fits, 0))


def split_turns(messages: Messages) -> tuple[Messages, list[Messages]]:
    """The leading system messages, and the turns."""
    num_system = next((i for i, m in enumerate(messages) if m["role"] != "system"), len(messages))
    turns: list[Messages] = []
    for message in messages[num_system:]:
        if message["role"] == "user" or not turns:
            turns.append([])
        turns[-1].append(message)
    return messages[:num_system], turns
