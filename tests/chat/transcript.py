"""What a transcript says, and the tools that its model was offered."""

from __future__ import annotations

import msgspec

from localllm.chat.tools import read_tools

TOOLS = read_tools(
    [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "city": {"type": "string"},
                        "days": {"type": "integer"},
                        "places": {"type": "array", "items": {"type": "object"}},
                    },
                    "required": ["city"],
                },
            },
        },
        {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}},
    ]
)


class Transcript(msgspec.Struct, frozen=True):
    """A text of one format. calls: (name, arguments as JSON text). prompt: the end of the prompt before it."""

    format: str
    text: str
    content: str = ""
    reasoning: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    prompt: str = ""


ZURICH = ("get_weather", '{"city": "Zürich"}')
NOW = ("now", "{}")
