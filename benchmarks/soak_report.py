"""What a soak has shown, as JSON for programs and as Markdown for people, and whether it was good. Pure figures."""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import statistics
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks.report import MACHINE, result_path

if TYPE_CHECKING:
    from benchmarks.soak import Sample, Soak

MIB = 1024 * 1024
MAX_GROWTH = 0.05


def slope(points: list[tuple[float, float]]) -> float:
    """Least squares: how much y grows when x grows by one. 0 for fewer than two points."""
    if len({x for x, _ in points}) < 2:
        return 0.0
    return statistics.linear_regression([x for x, _ in points], [y for _, y in points]).slope


def growth(soak: Soak) -> float:
    """Resident memory of the app after, over before, less one."""
    if soak.before is None or soak.after is None:
        return float("nan")
    return soak.after.app_bytes / soak.before.app_bytes - 1


def unexplained(soak: Soak) -> list[dict[str, Any]]:
    """Requests that were lost, or failed without a fault at that time."""
    return [asdict(outcome) for outcome in soak.outcomes if not soak.is_explained(outcome)]


def is_good(soak: Soak) -> bool:
    return not unexplained(soak) and not soak.health_failures and growth(soak) <= MAX_GROWTH


def figures(soak: Soak, options: argparse.Namespace, *, was_alive: bool) -> dict[str, Any]:
    """Everything that the two files say."""
    streams = [outcome for outcome in soak.outcomes if outcome.longest_silence_s]
    second_half = soak.samples[len(soak.samples) // 2 :]
    verdicts = {
        kind: dict(Counter(o.verdict for o in soak.outcomes if o.kind == kind))
        for kind in dict.fromkeys(o.kind for o in soak.outcomes)
    }
    return {
        "minutes": options.minutes,
        "warm_up": options.warm_up,
        "rate": options.rate,
        "seed": options.seed,
        "num_requests": len(soak.outcomes),
        "verdicts": dict(Counter(o.verdict for o in soak.outcomes)),
        "verdicts_by_kind": verdicts,
        "error_codes": dict(Counter(o.code for o in soak.outcomes if o.verdict == "error")),
        "unexplained": unexplained(soak),
        "faults": dict(Counter(fault.kind for fault in soak.faults[::2])),
        "app_survived": was_alive,
        "health_asked": len(soak.health_s),
        "health_failures": soak.health_failures,
        "health_slowest_s": max(soak.health_s, default=0.0),
        "longest_silence_s": max((o.longest_silence_s for o in streams), default=0.0),
        "slowest_headers_s": max((o.headers_s for o in soak.outcomes), default=0.0),
        "before": _plain(soak.before),
        "after": _plain(soak.after),
        "growth": growth(soak),
        "slope_kib_per_minute": slope([(s.at_s / 60, s.app_bytes / 1024) for s in second_half]),
        "slope_files_per_minute": slope([(s.at_s / 60, float(s.num_files)) for s in second_half]),
        "most_threads": max((s.num_threads for s in soak.samples), default=0),
        "most_files": max((s.num_files for s in soak.samples), default=0),
        "samples": [asdict(s) for s in soak.samples],
    }


def _plain(sample: Sample | None) -> dict[str, Any] | None:
    return asdict(sample) if sample is not None else None


def write(soak: Soak, options: argparse.Namespace, *, was_alive: bool) -> str:
    """Write both files into benchmarks/results; gives the Markdown."""
    found = figures(soak, options, was_alive=was_alive)
    path = result_path(f"{MACHINE}-{options.name}")
    page = markdown(found, is_good=was_alive and is_good(soak))
    path.write_text(page, "utf-8")
    path.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return page


def markdown(found: dict[str, Any], *, is_good: bool) -> str:
    """One page."""
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in found["verdicts"].items())
    faults = ", ".join(f"{count} × {kind}" for kind, count in found["faults"].items()) or "none"
    codes = ", ".join(f"{count} × {code}" for code, count in found["error_codes"].items()) or "none"
    rows = [
        ("requests", f"{found['num_requests']}: {verdicts}"),
        ("faults", faults),
        ("errors that faults explain", codes if not found["unexplained"] else f"{codes} (all errors)"),
        ("unexplained", str(len(found["unexplained"]))),
        ("the app survived", "yes" if found["app_survived"] else "NO"),
        ("/health", f"asked {found['health_asked']} times, {len(found['health_failures'])} failures, "
                    f"slowest {found['health_slowest_s']:.2f} s"),
        ("longest silence in a stream", f"{found['longest_silence_s']:.2f} s"),
        ("longest wait for a status line", f"{found['slowest_headers_s']:.2f} s"),
        ("app's resident memory, slope of the second half", f"{found['slope_kib_per_minute']:+.1f} KiB/min"),
        ("file descriptors, slope of the second half", f"{found['slope_files_per_minute']:+.3f} /min"),
        ("most threads, most file descriptors", f"{found['most_threads']}, {found['most_files']}"),
    ]  # fmt: skip
    lines = [
        f"# Soak, {datetime.date.today():%d %B %Y}: {'good' if is_good else 'NOT GOOD'}\n",
        f"`python3 -m benchmarks soak --minutes {found['minutes']:g} --warm-up {found['warm_up']:g} "
        f"--rate {found['rate']:g} --seed {found['seed']}`; "
        f"{platform.system()}, {platform.machine()}, Python {platform.python_version()}.\n",
        "| | |\n|---|---|",
        *(f"| {name} | {value} |" for name, value in rows),
        "",
        _before_and_after(found),
        "\n| kind of request | what came of it |\n|---|---|",
        *(f"| {kind} | {', '.join(f'{n} {v}' for v, n in counts.items())} |"
          for kind, counts in found["verdicts_by_kind"].items()),
    ]  # fmt: skip
    lines += [f"\nUnexplained: {row}" for row in found["unexplained"][:20]]
    return "\n".join(lines) + "\n"


def _before_and_after(found: dict[str, Any]) -> str:
    before, after = found["before"], found["after"]
    if before is None or after is None:
        return "The app did not live to be measured again."
    rows = [f"| resident memory of the app | {before['app_bytes'] / MIB:.1f} MiB | {after['app_bytes'] / MIB:.1f} MiB "
            f"({found['growth']:+.1%}) |"]  # fmt: skip
    for key, name in (
        ("num_threads", "threads"),
        ("num_files", "file descriptors"),
        ("num_connections", "sockets"),
    ):
        rows.append(f"| {name} | {before[key]} | {after[key]} |")
    return "\n".join(["| idle | before | after |", "|---|--:|--:|", *rows])
