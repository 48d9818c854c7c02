"""How much the model may think: the fields of several APIs → variables of the template, and a budget in tokens.

OpenAI has `reasoning_effort`; llama.cpp, OpenRouter, Qwen, Anthropic and vLLM each have a name of their own for a
budget. All of them are read on every chat API. Knows no template and no format.
"""

from __future__ import annotations

from typing import Any

import msgspec

from localllm.api.fields import Fields
from localllm.sampling_params import SamplingParams

EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}
OFF = "none"
BUDGETS = ("reasoning_budget", "thinking_budget_tokens", "thinking_budget")  # the first that is given wins
SWITCH = "enable_thinking"


class Thinking(msgspec.Struct, frozen=True):
    """template_kwargs: what the template is told. budget: tokens; below 0 no limit, None: as the entry has it."""

    template_kwargs: dict[str, Any]
    budget: int | None

    def limit(self, params: SamplingParams) -> SamplingParams:
        """`params` with the budget, where the request has one."""
        if self.budget is None:
            return params
        return msgspec.structs.replace(params, reasoning_budget=self.budget if self.budget >= 0 else None)


def read_thinking(body: Fields) -> Thinking:
    """What a body says of thinking. A budget of 0 and the switch mean the same; what is said of one goes for both."""
    reasoning, thinking = _object(body, "reasoning"), _object(body, "thinking")
    given = body.object("chat_template_kwargs") or Fields({})
    kwargs: dict[str, Any] = {}
    effort = body.text("reasoning_effort") or reasoning.text("effort")
    if effort in EFFORTS:
        kwargs["reasoning_effort"] = EFFORTS[effort]
    budget = _first(
        *(body.integer(name) for name in BUDGETS),
        thinking.integer("budget_tokens"),
        reasoning.integer("max_tokens"),
        *(given.integer(name) for name in BUDGETS),
    )
    switch = _first(
        given.raw(SWITCH),
        body.flag(SWITCH) if SWITCH in body else None,
        False if effort == OFF else None,
        thinking.text("type") != "disabled" if "type" in thinking else None,
        reasoning.flag("enabled") if "enabled" in reasoning else None,
    )
    if switch is False or budget == 0:
        kwargs[SWITCH], budget = False, 0
    elif switch is not None:
        kwargs[SWITCH] = switch
    return Thinking(kwargs | dict(given.values), budget)


def _object(body: Fields, name: str) -> Fields:
    """An object's fields. Other APIs have other things under these names, which mean nothing here."""
    value = body.raw(name)
    return Fields(value, f"{body.prefix}{name}.") if isinstance(value, dict) else Fields({})


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)
