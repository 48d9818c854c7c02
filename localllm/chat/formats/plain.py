"""A model that only writes text: no calls, no thinking."""

from __future__ import annotations

import json

from localllm.chat.formats.base import Call, Format


class Plain(Format):
    name = "plain"
    reasoning = None

    def write_calls(self, calls: list[Call]) -> str:
        """The calls of a history that another model wrote: as text, since this one has no way to."""
        return "\n".join(json.dumps({"name": n, "arguments": a}, ensure_ascii=False) for n, a in calls)
