"""Namespaces of tools: Codex sends the functions of each MCP server as a group. A model sees plain functions.

`crm` with `list_orders` becomes `crm__list_orders`; a call of it goes back with the two apart. Knows no request.
"""

from __future__ import annotations

from typing import Any

from localllm.api.fields import Fields

SEPARATOR = "__"
Names = dict[str, tuple[str, str]]  # the name that the model sees → namespace, name


def joined(namespace: str | None, name: str) -> str:
    """The name that the model sees."""
    if not namespace:
        return name
    return namespace + name if namespace.endswith(SEPARATOR) else f"{namespace}{SEPARATOR}{name}"


def flattened(tools: list[Any]) -> tuple[list[Any], Names]:
    """The tools with the functions of every namespace among them, and where those came from."""
    flat: list[Any] = []
    names: Names = {}
    for index, tool in enumerate(tools):
        if not isinstance(tool, dict) or tool.get("type") != "namespace":
            flat.append(tool)
            continue
        group = Fields(tool, f"tools[{index}].")
        namespace = group.text("name") or ""
        for function in group.items("tools"):
            name = function.get("name") if isinstance(function, dict) else None
            if isinstance(name, str) and function.get("type", "function") == "function":
                seen = joined(namespace, name)
                names[seen] = (namespace, name)
                flat.append({**function, "name": seen})
    return flat, names


def chosen(tool_choice: Any) -> Any:
    """A tool_choice that names a function of a namespace, by the name that the model sees."""
    if not isinstance(tool_choice, dict):
        return tool_choice
    namespace, name = tool_choice.get("namespace"), tool_choice.get("name")
    if isinstance(namespace, str) and isinstance(name, str):
        return {"type": "function", "name": joined(namespace, name)}
    listed = tool_choice.get("tools")
    return (
        {**tool_choice, "tools": [chosen(tool) for tool in listed]}
        if isinstance(listed, list)
        else tool_choice
    )


def call_names(seen: str, names: Names) -> dict[str, str]:
    """The `name` of a call's item, and its `namespace` where it has one."""
    if seen not in names:
        return {"name": seen}
    namespace, name = names[seen]
    return {"namespace": namespace, "name": name}
