"""Compare localllm with other servers on this machine: `python3 -m benchmarks` (see benchmarks/README.md)."""

from __future__ import annotations

import argparse
import datetime
import http.client
import platform
import random
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from benchmarks import embeddings, forwarding, make_model, models_while_busy, report, rpc, scaling, soak
from benchmarks.client import MeasurementFailed, user, words
from benchmarks.decode_loop import DecodeLoop, rate
from benchmarks.report import MACHINE, Results
from benchmarks.scenarios import NUM_TOKENS, PROMPT_WORDS, SCENARIOS, Scenario
from benchmarks.servers import SERVERS, Ours, Server, Settings, install

BARE_LOOP = "bare llama_decode loop"


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are stopped too
    others = {
        "soak": soak.main,
        "embeddings": embeddings.main,
        "models-while-busy": models_while_busy.main,
        "forwarding": forwarding.main,
        "rpc": rpc.main,
    }
    if sys.argv[1:2] and sys.argv[1] in others:
        others[sys.argv[1]](sys.argv[2:])
        return
    options = _options()
    path = options.model or make_model.make(options.size, options.quantization)
    num_slots, n_ctx = (32, 32768) if options.what == "scaling" else (8, 16384)
    settings = Settings(str(path.absolute()), options.threads, n_ctx, num_slots, options.gpu_layers)
    with tempfile.TemporaryDirectory(prefix="localllm-bench-") as home, ExitStack() as stack:
        kinds = [kind for kind in _kinds(options) if _is_there(kind)]
        servers = [stack.enter_context(_running(kind(settings, Path(home)))) for kind in kinds]
        heading = _heading(settings, options, servers)
        measure = {"scenarios": _scenarios, "scaling": _scaling, "bare": _bare}[options.what]
        for text, picture in measure(servers, options):
            _write(heading + text, picture, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m benchmarks", description=__doc__)
    parser.add_argument("what", nargs="?", default="scenarios", choices=("scenarios", "scaling", "bare"))
    parser.add_argument("--only", help="letters of the scenarios to run; of scaling: S, T, U, V")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--servers", nargs="+", default=list(SERVERS), choices=SERVERS)
    parser.add_argument("--size", default="0.5b", choices=make_model.SHAPES)
    parser.add_argument("--quantization", default="q4_k_m", choices=make_model.QUANTIZATIONS)
    parser.add_argument("--model", type=Path, help="a GGUF file instead of a generated one")
    parser.add_argument("--threads", type=int, default=psutil.cpu_count(logical=False) or 2)
    parser.add_argument("--gpu-layers", type=int, default=0, help="-1: all")
    parser.add_argument("--name", default=MACHINE, help="of the result files")
    return parser.parse_args()


def _kinds(options: argparse.Namespace) -> list[type[Server]]:
    """The servers that have a part in what is measured."""
    if options.what == "bare":
        return [Ours]
    letters = {scenario.letter for scenario in _chosen(options)}
    chosen = [SERVERS[name] for name in options.servers]
    return [kind for kind in chosen if kind.letters is None or letters & set(kind.letters)]


def _is_there(kind: type[Server]) -> bool:
    try:
        install(kind)
    except MeasurementFailed as error:
        _say(f"left out: {error}")
        return False
    return True


@contextmanager
def _running(server: Server) -> Iterator[Server]:
    _say(f"starting {server.name} …")
    try:
        try:
            server.start()
        except MeasurementFailed as error:
            raise SystemExit(f"{server.name} does not answer, so nothing was measured: {error}") from error
        yield server
    finally:
        server.stop()


Pages = Iterator[tuple[str, str]]
"""(Markdown, SVG or nothing), again after every scenario: what was measured is on the disk before the next begins."""


def _scenarios(servers: list[Server], options: argparse.Namespace) -> Pages:
    for results in _rounds(servers, _chosen(options), options.rounds):
        yield report.table(results), report.chart(results)


def _chosen(options: argparse.Namespace) -> list[Scenario]:
    scenarios = scaling.SCENARIOS if options.what == "scaling" else SCENARIOS
    return [s for s in scenarios if options.only is None or s.letter in options.only.upper()]


def _scaling(servers: list[Server], options: argparse.Namespace) -> Pages:
    for results in _rounds(servers, _chosen(options), options.rounds):
        yield report.plain_table(results), ""


def _rounds(servers: list[Server], scenarios: Sequence[Scenario], num_rounds: int) -> Iterator[Results]:
    """One scenario on each server right after the other, so that both see the same machine; odd rounds backwards."""
    results = Results([server.name for server in servers])
    for number in range(num_rounds):
        for scenario in scenarios:
            for server in servers[:: -1 if number % 2 else 1]:
                if scenario.fits(server, number):
                    _measure(server, scenario, number, results)
            yield results


def _measure(server: Server, scenario: Scenario, number: int, results: Results) -> None:
    """Add the figures of one run; a run that fails is told in the report and stops nothing."""
    _say(f"round {number + 1}, {scenario.letter} {scenario.title}: {server.name}")
    try:
        figures = scenario.run(server, random.Random(f"{scenario.letter} {number}"))
    except (MeasurementFailed, OSError, http.client.HTTPException) as error:
        results.failures.append(f"{server.name}, {scenario.title}, round {number + 1}: {error}")
        _say(f"    failed: {error}")
        return
    results.add(server.name, number, figures)
    _say("    " + "   ".join(f"{key} {value:.3g}" for key, value in figures.items()))


def _bare(servers: list[Server], options: argparse.Namespace) -> Pages:
    """One stream over HTTP and the bare loop in turn."""
    server = servers[0]
    results = Results([server.name, BARE_LOOP])
    path = Path(server.settings.model)
    with DecodeLoop(path, num_threads=options.threads, n_gpu_layers=options.gpu_layers) as loop:
        for number in range(options.rounds):
            for name, speed in _decode_rates(server, loop, number):
                results.add(name, number, {"decode, tok/s": speed})
                _say(f"round {number + 1}, {name}: {speed:.1f} tok/s")
    ratio = report.spread(results.ratios("decode, tok/s", peer=BARE_LOOP))
    yield f"{report.plain_table(results)}\nratio {ratio}; bar ≥ 0.97\n", ""


def _decode_rates(server: Server, loop: DecodeLoop, number: int) -> Iterator[tuple[str, float]]:
    """The same text, first over HTTP in even rounds and first in the bare loop in odd ones."""
    text = words(random.Random(number), PROMPT_WORDS)
    prompt = f"<|im_start|>user\n{text}<|im_end|>\n<|im_start|>assistant\n"
    for name in (server.name, BARE_LOOP)[:: -1 if number % 2 else 1]:
        is_bare = name == BARE_LOOP
        yield (
            name,
            rate(loop.run(prompt, NUM_TOKENS)) if is_bare else server.client.ask(user(text), NUM_TOKENS).rate,
        )


def _heading(settings: Settings, options: argparse.Namespace, servers: list[Server]) -> str:
    """What was measured, on what: nothing in it names the machine."""
    lines = [
        f"# {options.what.capitalize()}, {datetime.date.today():%d %B %Y}\n",
        f"Model {Path(settings.model).name}, {settings.num_threads} threads, {settings.num_slots} slots, context "
        f"{settings.n_ctx}, GPU layers {settings.n_gpu_layers}; {options.rounds} rounds, median (from – to).",
        f"{platform.system()}, {platform.machine()}, Python {platform.python_version()}; load average before "
        f"{psutil.getloadavg()[0]:.1f}.\n",
        *(f"- {server.name}: {server.about()}" for server in servers),
    ]
    return "\n".join(lines) + "\n\n"


def _write(page: str, picture: str, options: argparse.Namespace) -> None:
    suffix = "" if options.what == "scenarios" else f"-{options.what}"
    path = report.result_path(f"{options.name}{suffix}")
    if picture:
        path.with_suffix(".svg").write_text(picture, "utf-8")
        page += f"\n![How many times better than the peer]({path.stem}.svg)\n"
    path.write_text(page, "utf-8")
    _say(f"written: {path}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
