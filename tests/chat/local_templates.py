"""Renders every chat template of a folder in six cases, and reads back the call that it writes itself.

Run it on the templates that llama-cpp-python's source carries (they are other people's, so they are not kept here):

    LOCALLLM_TEMPLATES=…/vendor/llama.cpp/models/templates python -m tests.chat.local_templates
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from localllm.chat.formats import detect
from localllm.chat.messages import normalise
from localllm.chat.parser import parse
from localllm.chat.template import ChatTemplate
from localllm.chat.tools import read_tools
from localllm.errors import InvalidRequest

TOOLS = read_tools(
    [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "description": "The weather of a city.",
                "parameters": {
                    "type": "object",
                    "properties": {"city": {"type": "string", "description": "Its name."}},
                    "required": ["city"],
                },
            },
        }
    ]
)
USER = {"role": "user", "content": "How is the weather in Zürich?"}
SYSTEM = {"role": "system", "content": "Answer in verse."}
LATE = {"role": "system", "content": "From now on in prose."}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "get_weather", "arguments": '{"city": "Zürich"}'},
        }
    ],
}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "21 degrees"}
ANSWER = {"role": "assistant", "content": "It is warm."}

# name → messages, tools, and the words that must be in the prompt
CASES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], tuple[str, ...]]] = {
    "plain": ([USER], [], ("Zürich?",)),
    "system": ([SYSTEM, USER], [], ("in verse", "Zürich?")),
    "tools": ([USER], TOOLS, ("get_weather", "Zürich?")),
    "tool result": ([SYSTEM, USER, CALL, RESULT], TOOLS, ("get_weather", "Zürich?", "21 degrees")),
    "two turns": ([USER, ANSWER, USER], [], ("Zürich?", "It is warm.")),
    "late system": ([SYSTEM, USER, ANSWER, LATE, USER], [], ("in verse", "It is warm.", "in prose")),
}


def outcome(source: str, case: str) -> str:
    """`rendered`, the reason of the template's own for which it refuses, or `WRONG: …`."""
    messages, tools, words = CASES[case]
    template = ChatTemplate(source, bos_token="<s>", eos_token="</s>")
    try:
        prompt = template.render(normalise(messages), tools, tool_syntax=detect(source))
    except InvalidRequest as error:
        return f"refused: {error}" if error.code == "template_refused" else f"WRONG: {error}"
    missing = [word for word in words if word not in prompt]
    return f"WRONG: without {missing}: {prompt!r}" if missing else "rendered"


def read_back(source: str) -> str:
    """What the format found for the template reads in a call that the template itself writes."""
    template, format_ = ChatTemplate(source, bos_token="<s>", eos_token="</s>"), detect(source)
    if not (template.capabilities.tools and template.capabilities.calls):
        return f"{format_.name}: the template itself shows no tools or no calls"
    prompt = template.render(normalise([USER]), TOOLS, tool_syntax=format_)
    written = template.render(normalise([USER, CALL, RESULT]), TOOLS, tool_syntax=format_)
    alike = next((i for i, (a, b) in enumerate(zip(prompt, written, strict=False)) if a != b), len(prompt))
    tag = written.rfind("<", 0, alike)  # where they part may be inside a tag
    begin = tag if tag >= 0 and ">" not in written[tag:alike] else alike
    answer = written[begin : written.find(str(RESULT["content"]))]
    (call, *_) = parse(format_, answer, tools=TOOLS, prompt=written[:begin]).get("tool_calls", [None])
    wanted = {"name": "get_weather", "arguments": {"city": "Zürich"}}
    is_read = call and call["function"] | {"arguments": json.loads(call["function"]["arguments"])} == wanted
    return f"{format_.name}: read" if is_read else f"WRONG: {format_.name} reads no call in {answer!r}"


def outcomes(folder: Path) -> Iterator[tuple[str, str, str]]:
    for path in sorted(folder.glob("*.jinja")):
        source = path.read_text(encoding="utf-8")
        yield from ((path.stem, case, outcome(source, case)) for case in CASES)
        yield path.stem, "call read back", read_back(source)


if __name__ == "__main__":
    for name, case, result in outcomes(Path(os.environ["LOCALLLM_TEMPLATES"])):
        sys.stdout.write(f"{name}\t{case}\t{result}\n")
