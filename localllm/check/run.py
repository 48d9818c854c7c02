"""Runs all checks against one server. Knows no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from localllm.check import checks, conduct_checks, error_checks, other_checks, rules, tool_checks
from localllm.check.finding import Finding
from localllm.check.reading import as_dict, first, shown
from localllm.check.target import Target

Check = Callable[[Target], Iterator[Finding]]

CHECKS: dict[str, Check] = {
    "models": checks.check_models,
    "chat": checks.check_chat,
    "stream": checks.check_stream,
    "tolerance": checks.check_tolerance,
    "messages": checks.check_messages,
    "tools": tool_checks.check_tools,
    "completions": checks.check_completions,
    "errors": error_checks.check_errors,
    "auth": error_checks.check_auth,
    "overflow": error_checks.check_overflow,
    "too large": error_checks.check_too_large,
    "embeddings": other_checks.check_embeddings,
    "responses": other_checks.check_responses,
    "anthropic": other_checks.check_anthropic,
    "models while busy": conduct_checks.check_instant,
    "disconnect": conduct_checks.check_disconnect,
    "concurrency": conduct_checks.check_concurrency,
    "host": conduct_checks.check_host,
    "origins": conduct_checks.check_origins,
}


class Report(msgspec.Struct, frozen=True):
    """checked: the names of the checks that ran."""

    url: str
    model: str
    checked: list[str]
    findings: list[Finding]

    @property
    def has_broken_musts(self) -> bool:
        return any(finding.rule.severity == "must" for finding in self.findings)


def run(target: Target, on_check: Callable[[str], None] = lambda _: None) -> Report:
    """All checks, one after another. `on_check` is told the name of each before it runs."""
    alive = target.get("/models")
    if alive.status == 0:
        return Report(target.url, target.model, [], [checks.found(rules.ALIVE, alive)])
    target.model = target.model or first_model(target)
    findings: list[Finding] = []
    for name, check in CHECKS.items():
        on_check(name)
        findings += _findings(name, check, target)
    return Report(target.url, target.model, list(CHECKS), findings)


def _findings(name: str, check: Check, target: Target) -> list[Finding]:
    """What one check finds. Whatever it stumbles over is a finding too, and the other checks go on."""
    findings: list[Finding] = []
    try:
        for finding in check(target):
            findings.append(finding)  # what was found before it stumbled stays
    except Exception as e:  # noqa: BLE001 -- a check that ends in a traceback helps nobody
        problem = f"the check itself could not understand the answer: {type(e).__name__}: {e}"
        findings.append(Finding(rules.UNDERSTOOD, shown(problem), f"what the check of {name} sends"))
    return findings


def first_model(target: Target) -> str:
    """The first model of the list; "default" where there is no list."""
    name = first(as_dict(target.get("/models").json).get("data")).get("id")
    return name if isinstance(name, str) else "default"
