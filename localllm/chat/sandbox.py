"""The Jinja environment chat templates run in: as transformers sets it up, with bounds on time and size.

Jinja's sandbox keeps a template from Python's internals, but not from running for hours or filling the memory. So every
loop, call, filter, operator and container of a template goes through the checks of limits.py.
Knows nothing of chats, messages or models.
"""

from __future__ import annotations

import datetime
import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from localllm.chat import limits

UNUSED_FILTERS = ("urlize", "wordwrap", "xmlattr", "pprint")  # slow on long texts, and of no use in a prompt


def _guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose number arguments are bounded and whose text is charged."""
    num_own_args = 1 if hasattr(function, "jinja_pass_arg") else 0  # the context or environment comes first

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        limits.check_filter(name, list(args[num_own_args:]), kwargs)
        limits.spent().check_time()
        return limits.charge_size(function(*args, **kwargs))

    return checked


def tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    """JSON as transformers writes it for templates: readable characters, and no HTML escapes."""
    limits.charge(value)
    limits.check_numbers([indent * 1000] if isinstance(indent, int) else [])
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys,
        default=_as_list,
    )  # fmt: skip


def _as_list(value: Any) -> list[Any]:
    """`tools | map(attribute='function') | tojson`: what a filter yields is a list to JSON."""
    if not isinstance(value, Iterator):
        raise TypeError(f"{type(value).__name__} cannot be written as JSON")
    return [limits.charge(item) for item in value]


def strftime_now(layout: str) -> str:
    if len(layout) > 200 or re.search(r"\d{3}", layout):
        raise limits.TemplateLimit("it asks for a date that is too long")
    return datetime.datetime.now().strftime(layout)  # the user's own clock is meant


def raise_exception(message: Any) -> None:
    raise limits.TemplateRefused(str(message))


class _Generation(Extension):
    """`{% generation %}…{% endgeneration %}` marks the model's own words for training. Here it only encloses them."""

    tags = {"generation"}  # noqa: RUF012 -- as Jinja declares it

    def parse(self, parser: Parser) -> nodes.Node:
        lineno = next(parser.stream).lineno
        return nodes.Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=lineno)


class _Counted(NodeTransformer):
    """Puts the counters into a parsed template: around what loops run over, what `~` joins, what literals hold."""

    @staticmethod
    def _through(name: str, node: nodes.Expr) -> nodes.Filter:
        return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802
        self.generic_visit(node)
        node.iter = self._through("_steps", node.iter)  # type: ignore[arg-type]
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        return self._through("_join", nodes.List(node.nodes, lineno=node.lineno))

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:  # noqa: N802
        self.generic_visit(node)
        return self._through("_charge_size", node) if isinstance(node.arg, nodes.Slice) else node

    def _visit_literal(self, node: nodes.Expr) -> nodes.Expr:
        self.generic_visit(node)
        return node if getattr(node, "ctx", "load") == "store" else self._through("_charge", node)

    visit_List = visit_Dict = visit_Tuple = _visit_literal  # noqa: N815


class ChatEnvironment(ImmutableSandboxedEnvironment):
    """One per process. Templates get private copies of the chat, so the few harmless mutations are allowed."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})
    MUTATIONS: ClassVar[frozenset[str]] = frozenset(
        {"append", "pop", "insert", "remove", "update", "setdefault"}
    )
    UNBOUNDED: ClassVar[frozenset[str]] = frozenset({"translate", "expandtabs", "format_map", "maketrans"})

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols], optimized=False,
            finalize=self._finalize, cache_size=0,
        )  # fmt: skip
        for name in UNUSED_FILTERS:
            del self.filters[name]
        self.filters["tojson"] = tojson
        self.filters = {name: _guarded(name, function) for name, function in self.filters.items()}
        self.filters |= {
            "join": limits.join_filter, "_steps": limits.steps, "_join": limits.join,
            "_charge": limits.charge, "_charge_size": limits.charge_size,
        }  # fmt: skip
        self.globals.pop("lipsum")
        self.globals |= {"raise_exception": raise_exception, "strftime_now": strftime_now}
        self.concat = limits.join  # type: ignore[method-assign]

    @staticmethod
    def _finalize(value: Any) -> Any:
        return value if isinstance(value, str | int | float | None) else limits.charge(value)

    def compile_counted(self, source: str) -> Any:
        """The code object of a template, with the counters in it."""
        return self.compile(_Counted().visit(self.parse(source)))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if isinstance(obj, list | dict) and attr in self.MUTATIONS:
            return True
        if isinstance(obj, str) and attr in self.UNBOUNDED:
            return False
        return super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        function = super().wrap_str_format(value)
        if function is None:
            return None

        def checked(*args: Any, **kwargs: Any) -> str:
            limits.check_format(value.__self__)
            limits.check_numbers([*args, *kwargs.values()])
            limits.charge([*args, *kwargs.values()])
            return function(*args, **kwargs)

        return checked

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        self._check_operator(operator, left, right)
        result = super().call_binop(context, operator, left, right)
        return limits.charge(result) if isinstance(result, int) else limits.charge_size(result)

    @staticmethod
    def _check_operator(operator: str, left: Any, right: Any) -> None:
        if operator == "*":
            sizes = [len(x) if isinstance(x, str | list | tuple) else x for x in (left, right)]
            if sizes != [left, right] and all(isinstance(size, int) for size in sizes):
                limits.spent().charge(max(0, sizes[0] * sizes[1]))
        elif operator == "**":
            limits.check_numbers([left, right])
            if isinstance(right, int) and abs(right) > 64:
                raise limits.TemplateLimit("it computes with numbers too large")
        elif operator == "%" and isinstance(left, str):
            limits.check_format(left)
            limits.check_numbers(right if isinstance(right, tuple) else [right])

    def call(self, context: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        owner, name = getattr(function, "__self__", None), getattr(function, "__name__", "")
        if isinstance(owner, str):
            self._check_text_method(owner, name, args, kwargs)
        elif isinstance(owner, list | dict) or function is dict:
            limits.charge([*args, *kwargs.values()])
        return limits.charge_size(super().call(context, function, *args, **kwargs))

    @staticmethod
    def _check_text_method(text: str, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """The methods of str that can make a long text of short ones are bounded by what they would write."""
        limits.check_numbers([*args, *kwargs.values()])
        if len(text) > limits.LONG_TEXT:
            limits.spent().check_time()
        if name == "replace" and len(args) > 1:
            limits.check_amplified(text, args[0], args[1])
        elif name == "join":
            if not args or not isinstance(args[0], str | list | tuple):
                raise limits.TemplateLimit("it joins something that is no list")
            limits.spent().charge(len(text) * len(args[0]) + sum(map(len, filter(_is_text, args[0]))))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
