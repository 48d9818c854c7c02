"""What one rendering of a template may spend, in time and in text, and the checks before a single operation.

A template comes with a downloaded model, so it is a stranger's program. Everything it does is charged to a
`Budget`, and what could write far more than it reads is measured first, so that nothing between two checks takes long.
Knows nothing of how the checks get into a template: that is sandbox.py.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from jinja2 import TemplateError

MAX_SOURCE_CHARS = 256_000  # the largest template in the wild has about 30 000
MAX_OUTPUT_CHARS = 16_000_000
MAX_NUMBER = 100_000  # a width, a count, an indent: no honest template asks for more
MAX_SECONDS = 1.5
MAX_PROBE_SECONDS = 0.5  # for each small sample; an honest template takes a few milliseconds
LONG_TEXT = 100_000  # from here on a single operation takes long enough to look at the clock


class TemplateRefused(TemplateError):
    """The template called raise_exception()."""


class TemplateLimit(TemplateError):
    """The template asked for more time or space than a chat template may have."""


class Budget:
    """What one rendering may spend: CPU seconds of its own thread, and characters written by all its operations."""

    def __init__(self, seconds: float = MAX_SECONDS, num_chars: int = 8 * MAX_OUTPUT_CHARS) -> None:
        self._deadline = time.thread_time() + seconds
        self._num_chars = num_chars
        self._num_steps = 0

    def step(self) -> None:
        self._num_steps += 1
        if self._num_steps % 64 == 0:
            self.check_time()

    def check_time(self) -> None:
        if time.thread_time() > self._deadline:
            raise TemplateLimit("it runs for too long")

    def charge(self, num_chars: int) -> None:
        self.step()
        if num_chars > LONG_TEXT:
            self.check_time()
        self._num_chars -= num_chars
        if num_chars > MAX_OUTPUT_CHARS or self._num_chars < 0:
            raise TemplateLimit("it writes too much text")


_budget: ContextVar[Budget | None] = ContextVar("chat_template_budget", default=None)


def spent() -> Budget:
    """The Budget of the rendering that runs here; a fresh one while a template is compiled."""
    return _budget.get() or Budget()


@contextmanager
def budget(seconds: float = MAX_SECONDS) -> Iterator[Budget]:
    """Everything the environment does inside the block is charged to one Budget."""
    token = _budget.set(current := Budget(seconds))
    try:
        yield current
    finally:
        _budget.reset(token)


def charge(value: Any) -> Any:
    """Counts a fresh value: its characters, or the nodes of its tree. Gives the value back."""
    current = spent()
    if isinstance(value, str):
        current.charge(len(value))
    elif isinstance(value, int):
        if value.bit_length() > 4096:
            raise TemplateLimit("it computes with numbers too large")
    else:
        _charge_tree(value, current)
    return value


def charge_size(value: Any) -> Any:
    """Counts a fresh text or a list of things that were there before. Gives the value back."""
    spent().charge(len(value) if isinstance(value, str | list | tuple | dict) else 1)
    return value


def _charge_tree(value: Any, current: Budget) -> None:
    pending = [value]
    while pending:
        node = pending.pop()
        current.charge(1)
        if isinstance(node, Mapping):
            pending.extend(node.values())
        elif isinstance(node, list | tuple):
            pending.extend(node)


def steps(iterable: Iterable[Any]) -> Iterator[Any]:
    """The loop's items, one step each."""
    current = spent()
    for item in iterable:
        current.step()
        yield item


def join(parts: Iterable[Any]) -> str:
    texts = [str(charge(part)) for part in parts]
    spent().charge(sum(map(len, texts)))
    return "".join(texts)


def check_numbers(args: Iterable[Any]) -> None:
    for arg in args:
        if isinstance(arg, int) and abs(arg) > MAX_NUMBER:
            raise TemplateLimit(f"it asks for the number {arg if abs(arg) < 10**20 else 'beyond 10^20'}")


def check_format(text: Any) -> None:
    if isinstance(text, str) and re.search(r"\d{5}", text):
        raise TemplateLimit("it formats with a width of more than four digits")


def check_filter(name: str, args: list[Any], kwargs: Mapping[str, Any]) -> None:
    """Refuses a filter that would write far more than it reads. `args` starts with the filtered value."""
    text = args[0] if args else ""
    if name in ("center", "indent", "batch", "slice", "round", "truncate"):
        check_numbers([*args[1:], *kwargs.values()])
    if name == "format":
        check_format(text)
        check_numbers([*args[1:], *kwargs.values()])
    elif name == "indent" and isinstance(text, str):
        width = args[1] if len(args) > 1 else kwargs.get("width", 4)
        check_amplified(text, "\n", width if isinstance(width, str) else " " * int(width))
    elif name == "replace" and len(args) > 2:
        check_amplified(text, args[1], args[2])


def check_amplified(text: Any, old: Any, new: Any) -> None:
    if isinstance(text, str) and isinstance(old, str) and isinstance(new, str):
        spent().charge(len(text) + text.count(old) * len(new))


def join_filter(value: Iterable[Any], d: str = "", attribute: str | None = None) -> str:
    """Jinja's `join`, with its length known before the text is made."""
    items = [str(item if attribute is None else _lookup(item, attribute)) for item in steps(value)]
    spent().charge(sum(map(len, items)) + len(str(d)) * len(items))
    return str(d).join(items)


def _lookup(item: Any, attribute: str) -> Any:
    return item.get(attribute, "") if isinstance(item, Mapping) else ""
