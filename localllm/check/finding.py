"""A finding: one rule that one answer broke."""

from __future__ import annotations

from typing import Literal

import msgspec

Severity = Literal["must", "should"]


class Rule(msgspec.Struct, frozen=True):
    """One promise on the wire. breaks: the clients that stumble where it is not kept. fix: what to do about it."""

    id: str
    text: str
    breaks: str
    fix: str
    severity: Severity = "must"


class Finding(msgspec.Struct, frozen=True):
    """What was sent, what came back, and which rule it breaks."""

    rule: Rule
    came_back: str
    sent: str = ""
