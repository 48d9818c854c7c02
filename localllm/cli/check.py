"""`localllm check URL`: does this server keep what OpenAI's clients rely on? For any server, ours included."""

from __future__ import annotations

import sys
import textwrap
from typing import Any

import click

from localllm.check.finding import Finding
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
    for number, finding in enumerate(report.findings, 1):
        _print_finding(number, finding, fix_hints=fix_hints)
    _print_table(report)


def _print_finding(number: int, finding: Finding, *, fix_hints: bool) -> None:
    rule = finding.rule
    click.secho(
        f"{number}. {rule.id} ({rule.severity})", bold=True, fg="red" if rule.severity == "must" else "yellow"
    )
    lines = {"rule": rule.text, "sent": finding.sent, "came back": finding.came_back, "breaks": rule.breaks}
    if fix_hints:
        lines["fix"] = rule.fix
    for name, text in lines.items():
        if text:
            click.echo(
                textwrap.fill(text, 110, initial_indent=f"   {name + ':':<11}", subsequent_indent=" " * 14)
            )
    click.echo()


def _print_table(report: Report) -> None:
    musts = sum(finding.rule.severity == "must" for finding in report.findings)
    shoulds = len(report.findings) - musts
    click.echo(f"{report.url} · model {report.model} · {len(report.checked)} checks")
    counts: dict[str, int] = {}
    for finding in report.findings:
        counts[finding.rule.id] = counts.get(finding.rule.id, 0) + 1
    for rule_id, count in counts.items():
        click.echo(f"  {rule_id:<20} {count}")
    if report.findings:
        click.echo(f"{musts} findings that must be fixed, {shoulds} that should be.")
    else:
        click.secho("No findings.", fg="green")
