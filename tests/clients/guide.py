"""What every client asks the embedded model: a question with several tools, and the result of the one it calls."""

from __future__ import annotations

from typing import Any

QUESTION = "Show me the weather in Bern."
RESULT = '{"temperature": 21, "condition": "sunny"}'

CITY: dict[str, Any] = {"city": {"type": "string", "description": "The city"}}
ADDRESS: dict[str, Any] = {"address": {"type": "string", "description": "The address"}}


def schema(properties: dict[str, Any]) -> dict[str, Any]:
    """Of a tool's parameters, all required."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


TOOLS: list[tuple[str, str, dict[str, Any]]] = [
    ("send_email", "Send an email", schema(ADDRESS)),
    ("get_weather", "Get the weather", schema(CITY)),
]


def is_about_the_result(answer: str | None) -> bool:
    """Whether both values of the tool's result are in the answer."""
    return answer is not None and "21" in answer and "sunny" in answer
