"""Asks a GGUF every case as localllm's API would: its chat template, its engine, calls held to the tools' schemas; greedily.

Prints how it did, and how the calls are without the schemas' help.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from localllm import facts
from localllm.chat.formats import detect
from localllm.chat.template import ChatTemplate
from localllm.engine.engine import Engine, Stream
from localllm.engine.loading import LoadParams
from localllm.sampling_params import SamplingParams

from .cases import BESIDE_TOOLS, NO_CALL, Case, all_cases
from .conversation import MARKUP_TOKENS, Message, Tool

GREEDY = SamplingParams(temperature=0.0, max_tokens=160)
CALLS = "tool call, unseen tools"
CELLS = 8192  # of the KV cache, for all that run at once
BATCH = 8
BARS = {
    "facts, unseen frames": 90, "out of scope, unseen frames": 90, "copy": 95, "count": 95, "recall over turns": 95,
    CALLS: 95, "no call: none fits": 95, BESIDE_TOOLS: 90, NO_CALL: 95,
}  # fmt: skip


class Guide:
    """A loaded model that is asked with messages; a context manager."""

    def __init__(self, path: Path) -> None:
        self.engine = Engine(
            LoadParams(
                path=str(path),
                n_parallel=BATCH,
                n_ctx=CELLS,
                n_threads=2,
                log_path=str(Path(tempfile.gettempdir()) / "guide-engine.log"),
            )
        )
        started = time.monotonic()
        self.engine.start()
        self.start_s = time.monotonic() - started
        info = self.engine.info
        template = info.chat_template or ""
        self.template = ChatTemplate(template, bos_token=info.bos_token, eos_token=info.eos_token)
        self.format = detect(template)

    def __enter__(self) -> Guide:
        return self

    def __exit__(self, *_: object) -> None:
        self.engine.close()

    def submit(
        self, messages: list[Message], tools: list[Tool] | None = None, *, is_held: bool = True
    ) -> Stream:
        """is_held: a call, once begun, must match its tool's schema, as over the API."""
        prompt = self.template.render(messages, tools or None)
        grammar = self.format.grammar(tools, prompt=prompt) if tools and is_held else None
        params = msgspec.structs.replace(GREEDY, grammar=grammar)
        return self.engine.submit(prompt, params, markers=MARKUP_TOKENS)

    def answer(self, messages: list[Message], tools: list[Tool] | None = None) -> str:
        return text_of(self.submit(messages, tools))

    def answers(self, cases: Iterable[Case], *, is_held: bool = True) -> Iterator[tuple[Case, str]]:
        """Every case with what the model says, several at once."""
        waiting: list[tuple[Case, Stream]] = []
        for case in cases:
            waiting.append((case, self.submit(case.messages, case.tools, is_held=is_held)))
            if len(waiting) >= 2 * BATCH:
                first, stream = waiting.pop(0)
                yield first, text_of(stream)
        for case, stream in waiting:
            yield case, text_of(stream)


def text_of(stream: Stream) -> str:
    return "".join(delta.text for delta in stream)


def speed(guide: Guide, num_tokens: int = 512) -> float:
    """Tokens per second of one stream, prompt and first token not counted."""
    prompt = guide.template.render([{"role": "user", "content": "Count from 1 to 90"}])
    stream = guide.engine.submit(
        prompt, SamplingParams(temperature=0.0, max_tokens=num_tokens, ignore_eos=True)
    )
    counted, first = 0, 0.0
    for delta in stream:
        first = first or time.monotonic()
        counted += delta.num_tokens
    return (counted - 1) / (time.monotonic() - first)


def table(results: dict[str, list[bool]]) -> str:
    lines = ["| what | right | of | % | bar |", "|---|--:|--:|--:|--:|"]
    for category, right in results.items():
        percent = 100 * sum(right) / len(right)
        bar = f"{BARS[category]}" if category in BARS else ""
        lines.append(f"| {category} | {sum(right)} | {len(right)} | {percent:.1f} | {bar} |")
    return "\n".join(lines)


def evaluate(
    guide: Guide, cases: list[Case], num_shown: int, *, is_held: bool = True
) -> dict[str, list[bool]]:
    """How each category did; shows the first failures of each."""
    results: dict[str, list[bool]] = defaultdict(list)
    for case, answer in guide.answers(cases, is_held=is_held):
        for category, is_right in case.verdicts(answer).items():
            results[category].append(is_right)
        if not results[case.category][-1] and results[case.category].count(False) <= num_shown:
            print(
                f"✗ {case.category}: {case.messages[-1]['content']!r}\n    wanted {case.expected!r}\n    got    {answer!r}"
            )
    return results


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Evaluate the guide model.")
    parser.add_argument("--model", type=Path, default=Path("localllm") / facts.GUIDE_FILE)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--per-fact", type=int, default=2)
    parser.add_argument("--count", type=int, default=100, help="cases of each generated category")
    parser.add_argument("--show", type=int, default=3, help="failures to show of each category")
    parser.add_argument("--ask", nargs="*", help="only answer these questions")
    options = parser.parse_args(arguments)
    with Guide(options.model) as guide:
        if options.ask:
            for question in options.ask:
                print(f"> {question}\n{guide.answer([{'role': 'user', 'content': question}])}\n")
            return
        cases = all_cases(options.seed, per_fact=options.per_fact, count=options.count)
        results = evaluate(guide, cases, options.show)
        calls = [case for case in cases if case.category == CALLS]
        results[f"{CALLS}, without the schemas' help"] = evaluate(guide, calls, 0, is_held=False)[CALLS]
        print(table(results))
        size = options.model.stat().st_size / 1e6
        print(f"\n{size:.2f} MB, engine ready in {guide.start_s:.2f} s, {speed(guide):.0f} tokens/s")
