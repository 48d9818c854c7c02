"""A request's `tools` and `tool_choice`: checked, and put into one shape. Knows no syntax of any model."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from localllm.chat.schema import COMBINATORS, flat
from localllm.errors import InvalidRequest
from localllm.nearest import did_you_mean

Tool = dict[str, Any]


class ToolChoice(msgspec.Struct, frozen=True):
    """mode: none, auto or required. names: the functions that may be called."""

    mode: Literal["none", "auto", "required"]
    names: frozenset[str]


def read_tools(tools: Any) -> list[Tool]:
    """The functions among the tools; other kinds of tools are no concern of a local model and are left out.

    Raises InvalidRequest naming the field (`tools[1].function.name`) where one has the wrong type.
    """
    if tools is None:
        return []
    if not isinstance(tools, list):
        raise InvalidRequest("`tools` must be a list of functions.", param="tools")
    return [read for index, tool in enumerate(tools) if (read := _read_tool(tool, f"tools[{index}]"))]


def _read_tool(tool: Any, where: str) -> Tool | None:
    if not isinstance(tool, dict):
        raise InvalidRequest(f"`{where}` must be an object with type and function.", param=where)
    if tool.get("type", "function") != "function":
        return None
    function = tool.get("function")
    if not isinstance(function, dict):
        raise InvalidRequest(f"`{where}.function` must be an object.", param=f"{where}.function")
    name, parameters = function.get("name"), function.get("parameters")
    if not isinstance(name, str) or not name.strip():
        raise InvalidRequest(f"`{where}.function.name` must be a name.", param=f"{where}.function.name")
    if not isinstance(parameters, dict | None):
        field = f"{where}.function.parameters"
        raise InvalidRequest(f"`{field}` must be a JSON schema, that is an object.", param=field)
    # Templates write description and parameters without looking whether they are there.
    complete = {
        "name": name,
        "description": function.get("description") or "",
        "parameters": _complete(parameters),
    }
    extra = {key: value for key, value in function.items() if key not in complete}
    return {"type": "function", "function": complete | extra}


def _complete(parameters: dict[str, Any] | None) -> dict[str, Any]:
    """Parameters as templates and formats go by them: an object with its properties at the top.

    No parameters, or an empty object, declare that there are none; an object that names no properties takes any.
    """
    if not parameters:
        return {"type": "object", "properties": {}}
    known = dict(flat(parameters))
    if not any(key in known for key in ("properties", *COMBINATORS)):
        known.setdefault("additionalProperties", True)
    return {"type": "object", "properties": {}, **known}


def function_name(tool: Tool) -> str:
    return str(tool["function"]["name"])


def parameters_by_name(tools: list[Tool]) -> dict[str, dict[str, Any]]:
    """The JSON schema of each function's parameters."""
    return {function_name(tool): tool["function"].get("parameters") or {} for tool in tools}


def read_tool_choice(choice: Any, tools: list[Tool]) -> ToolChoice:
    """What a request's tool_choice means for its tools.

    Raises InvalidRequest(param="tool_choice") for a function that is not among them, and where `required` has none.
    """
    names = frozenset(map(function_name, tools))
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        return _allowed(choice.get("allowed_tools", choice), tools)
    if isinstance(choice, dict):
        return ToolChoice("required", frozenset({_named(choice, names)}))
    if choice is None or choice == "auto":
        return ToolChoice("auto", names)
    if choice == "none":
        return ToolChoice("none", frozenset())
    if choice in ("required", "any"):
        if not names:
            raise InvalidRequest("`tool_choice` is required, but there are no tools.", param="tool_choice")
        return ToolChoice("required", names)
    raise InvalidRequest(
        "`tool_choice` must be none, auto, required, or a function of the tools.", param="tool_choice"
    )


def _named(choice: dict[str, Any], names: frozenset[str]) -> str:
    function = choice.get("function", choice)
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str):
        raise InvalidRequest("`tool_choice.function.name` must be a name.", param="tool_choice")
    if name not in names:
        raise InvalidRequest(
            f"`tool_choice` names the function {name!r}, which is not in tools.{did_you_mean(name, names)}",
            param="tool_choice",
        )
    return name


def _allowed(choice: Any, tools: list[Tool]) -> ToolChoice:
    listed = choice.get("tools") if isinstance(choice, dict) else None
    if not isinstance(listed, list) or not all(isinstance(tool, dict) for tool in listed):
        raise InvalidRequest(
            "`tool_choice.allowed_tools.tools` must be a list of functions.", param="tool_choice"
        )
    names = frozenset(map(function_name, tools))
    mode: Literal["auto", "required"] = "required" if choice.get("mode") == "required" else "auto"
    return ToolChoice(mode, frozenset(_named(tool, names) for tool in listed))
