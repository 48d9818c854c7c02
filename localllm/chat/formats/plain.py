"""A model that only writes text: no calls, no thinking."""

from __future__ import annotations

from localllm.chat.formats.base import Format


class Plain(Format):
    name = "plain"
    reasoning = None
