"""`localllm check URL`: does this server keep what OpenAI's clients rely on? For any server, ours included."""

from __future__ import annotations

import sys
import textwrap
from typing import Any

import click

from localllm.check.finding import Finding
from localllm.check.reading import shown
from localllm.check.run import Report, run
from localllm.check.target import TIMEOUT_S, Target
from localllm.cli.output import json_option, print_json


@click.command()
@click.argument("url")
@click.option("--key", help="The API key, where the server needs one.")
@click.option("--model", default="", help="The model to ask; the first of the list otherwise.")
@click.option("--timeout", default=TIMEOUT_S, show_default=True, help="Seconds to wait for an answer.")
@click.option("--fix-hints", is_flag=True, help="Say what to do about each finding.")
@json_option
def command(url: str, key: str | None, model: str, timeout: float, fix_hints: bool, as_json: bool) -> None:
    """Check an OpenAI-compatible server at URL, with or without /v1, by what comes over the wire.

    Ends with status 1 where a rule is broken that must be kept.
    """
    try:
        target = Target(url, key, model, timeout)
    except ValueError as e:
        raise click.UsageError(str(e)) from e
    report = run(target, on_check=lambda name: _say_checking(name, as_json=as_json))
    if as_json:
        print_json(report_json(report))
    else:
        _print(report, fix_hints=fix_hints)
    sys.exit(1 if report.has_broken_musts else 0)


def report_json(report: Report) -> dict[str, Any]:
    return {
        "url": report.url,
        "model": report.model,
        "checked": report.checked,
        "findings": [finding_json(finding) for finding in report.findings],
    }


def finding_json(finding: Finding) -> dict[str, Any]:
    rule = finding.rule
    return {
        "rule": rule.id,
        "severity": rule.severity,
        "text": rule.text,
        "sent": finding.sent,
        "came_back": finding.came_back,
        "breaks": rule.breaks,
        "fix": rule.fix,
    }


def _say_checking(name: str, *, as_json: bool) -> None:
    if not as_json and sys.stderr.isatty():
        click.echo(f"\r\033[Kchecking {name} …", nl=False, err=True)


def _print(report: Report, *, fix_hints: bool) -> None:
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    groups = by_rule(report)
    for findings in groups.values():
        _print_findings(findings, fix_hints=fix_hints)
    click.echo(f"{report.url} · model {shown(report.model)} · {len(report.checked)} checks")
    for rule_id, findings in groups.items():
        click.echo(f"  {rule_id:<20} {findings[0].rule.severity:<7} {len(findings)}")
    musts = sum(finding.rule.severity == "must" for finding in report.findings)
    if report.findings:
        click.echo(f"{musts} findings that must be fixed, {len(report.findings) - musts} that should be.")
    else:
        click.secho("No findings.", fg="green")


def by_rule(report: Report) -> dict[str, list[Finding]]:
    """The findings, those of one rule together, what must be fixed first."""
    groups: dict[str, list[Finding]] = {}
    for finding in sorted(report.findings, key=lambda finding: finding.rule.severity != "must"):
        groups.setdefault(finding.rule.id, []).append(finding)
    return groups


def _print_findings(findings: list[Finding], *, fix_hints: bool) -> None:
    """One rule with the first finding of it; --json has all."""
    finding, rule = findings[0], findings[0].rule
    times = f", {len(findings)} times" if len(findings) > 1 else ""
    color = "red" if rule.severity == "must" else "yellow"
    click.secho(f"{rule.id} ({rule.severity}{times})", bold=True, fg=color)
    lines = {"rule": rule.text, "sent": finding.sent, "came back": finding.came_back, "breaks": rule.breaks}
    if fix_hints:
        lines["fix"] = rule.fix
    for name, text in lines.items():
        if text:
            click.echo(
                textwrap.fill(text, 110, initial_indent=f"   {name + ':':<11}", subsequent_indent=" " * 14)
            )
    click.echo()
