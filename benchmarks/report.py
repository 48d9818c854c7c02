"""Figures of all rounds → a Markdown table, and a chart as SVG. Knows the bars; measures nothing."""

from __future__ import annotations

import datetime
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

Figures = dict[str, float]

RESULTS_DIR = Path(__file__).parent / "results"
MACHINE = f"{platform.machine()}-{os.cpu_count()}-cores"
OURS, PEER = "localllm", "llama.cpp server"


def result_path(name: str) -> Path:
    """Where today's page of this name is kept; its folder is there afterwards."""
    RESULTS_DIR.mkdir(exist_ok=True)
    return RESULTS_DIR / f"{datetime.date.today().isoformat()}-{name}.md"


class Results:
    """Every server's figures, one value per round (NaN where a round has none), and what failed."""

    def __init__(self, servers: Sequence[str]) -> None:
        self.rounds: dict[str, dict[str, list[float]]] = {server: {} for server in servers}
        self.failures: list[str] = []

    @property
    def servers(self) -> list[str]:
        return list(self.rounds)

    @property
    def keys(self) -> list[str]:
        return list(dict.fromkeys(key for figures in self.rounds.values() for key in figures))

    def add(self, server: str, round_number: int, figures: Figures) -> None:
        for key, value in figures.items():
            values = self.rounds[server].setdefault(key, [])
            values += [math.nan] * (round_number - len(values))
            values.append(value)

    def of(self, server: str, key: str) -> list[float]:
        return self.rounds.get(server, {}).get(key, [])

    def ratios(self, key: str, ours: str = OURS, peer: str = PEER) -> list[float]:
        """Ours divided by the peer's, of the rounds in which both were measured."""
        pairs = zip(self.of(ours, key), self.of(peer, key), strict=False)
        return [mine / theirs for mine, theirs in pairs if not math.isnan(mine + theirs)]


@dataclass(frozen=True)
class Row:
    """A figure of the table. Bars hold for ours divided by the peer (`ratio`) or for our own figure (`limit`)."""

    key: str
    title: str
    unit: str
    is_higher_better: bool = False
    ratio: float | None = None
    limit: float | None = None

    @property
    def bar(self) -> str:
        sign = "≥" if self.is_higher_better else "≤"
        ratio = [] if self.ratio is None else [f"{sign} {self.ratio:.3g} ×"]
        limit = [] if self.limit is None else [f"{sign} {self.limit:g} {self.unit}"]
        return ", ".join(ratio + limit)

    def is_met(self, ours: float, ratio: float) -> bool:
        """NaN, a figure that is missing, never meets a bar."""
        pairs = [(ratio, self.ratio), (ours, self.limit)]
        sign = 1 if self.is_higher_better else -1
        return all(value * sign >= bar * sign for value, bar in pairs if bar is not None)


ROWS = (
    Row("A decode", "A one stream, decode", "tok/s", is_higher_better=True, ratio=1.0),
    Row("A ttft", "A one stream, first token", "s"),
    Row("B x4", "B 4 streams, together", "tok/s", is_higher_better=True),
    Row("B x8", "B 8 streams, together", "tok/s", is_higher_better=True, ratio=1.1),
    Row("C cold", "C 900-word system prompt, never seen", "s"),
    Row("C warm", "C the same system prompt, next user", "s"),
    Row("C four", "C four users at once, last first token", "s", ratio=1 / 20, limit=1.0),
    Row("D longest gap", "D longest gap while 1,200 words arrive", "s", limit=0.3),
    Row("D newcomer", "D those 1,200 words' first token", "s", ratio=1.3),
    Row("D over alone", "D the same over 1,200 words alone on the same server", "×"),
    Row("E json", "E JSON schema", "tok/s", is_higher_better=True),
    Row("E over free", "E JSON schema over own free rate", "×", is_higher_better=True, limit=1.2),
    Row("F after hang-up", "F first token after four hang up", "s", limit=0.3),
    Row("G before", "G 900 words, never seen", "s"),
    Row("G after restart", "G 900 words after a restart", "s", ratio=1 / 10),
    Row("R empty", "R one stream, KV cache empty", "tok/s", is_higher_better=True),
    Row("R kept", "R one stream, 12,000 cells kept", "tok/s", is_higher_better=True),
    Row("R kept over empty", "R kept over empty", "×", is_higher_better=True),
)


def table(results: Results) -> str:
    """All figures as median (from – to), the ratio of each round with the peer, and the bars."""
    lines = [
        f"| | unit | {' | '.join(results.servers)} | ratio {OURS} : {PEER} | bar | |",
        f"|---|---|{'---:|' * len(results.servers)}---:|---|---|",
    ]
    lines += [_line(row, results) for row in ROWS if row.key in results.keys]
    return "\n".join(lines) + "\n" + failures(results)


def plain_table(results: Results) -> str:
    """One row per figure, one column per server."""
    lines = [f"| | {' | '.join(results.servers)} |", f"|---|{'---:|' * len(results.servers)}"]
    for key in results.keys:
        cells = [spread(results.of(server, key)) for server in results.servers]
        lines.append(f"| {key} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n" + failures(results)


def failures(results: Results) -> str:
    return "".join(f"\nFailed: {text}\n" for text in results.failures)


def spread(values: Sequence[float]) -> str:
    """`median (from – to)`; a dash where nothing was measured."""
    known = [value for value in values if not math.isnan(value)]
    if not known:
        return "–"
    text = f"{median(known):.3g}"
    return text if len(known) == 1 else f"{text} ({min(known):.3g} – {max(known):.3g})"


def _line(row: Row, results: Results) -> str:
    cells = [spread(results.of(server, row.key)) for server in results.servers]
    ratio, ours = results.ratios(row.key), results.of(OURS, row.key)
    verdict = ""
    if row.bar and ours:
        verdict = "met" if row.is_met(_median(ours), _median(ratio)) else "**missed**"
    return f"| {row.title} | {row.unit} | {' | '.join(cells)} | {spread(ratio)} | {row.bar} | {verdict} |"


def _median(values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return median(known) if known else math.nan


def chart(results: Results) -> str:
    """An SVG: how many times better than the peer each figure is, on a logarithmic scale."""
    bars = [(row.title, _advantage(row, results)) for row in ROWS if results.ratios(row.key)]
    reach = max([2.0, *(max(times, 1 / times) for _, times in bars)])
    height = 26 * len(bars) + 50
    marks = "".join(_bar(title, times, 40 + 26 * i, reach) for i, (title, times) in enumerate(bars))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{height}" font-family="sans-serif" '
        f'font-size="13"><rect width="760" height="{height}" fill="white"/>'
        f'<text x="10" y="20" font-weight="bold">{OURS}: times better than {PEER} (logarithmic)</text>'
        f'<line x1="500" x2="500" y1="30" y2="{height - 10}" stroke="#888"/>{marks}</svg>\n'
    )


def _advantage(row: Row, results: Results) -> float:
    ratio = _median(results.ratios(row.key))
    return ratio if row.is_higher_better else 1 / ratio


def _bar(title: str, times: float, y: int, reach: float) -> str:
    length = 180 * math.log(times) / math.log(reach)
    x, colour = (500.0, "#2a7") if length >= 0 else (500 + length, "#c53")
    return (
        f'<text x="10" y="{y + 13}">{title}</text>'
        f'<rect x="{x:.1f}" y="{y}" width="{abs(length):.1f}" height="17" fill="{colour}"/>'
        f'<text x="690" y="{y + 13}">{times:.3g} ×</text>'
    )
