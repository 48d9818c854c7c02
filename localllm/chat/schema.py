"""What a tool's JSON schema says about one value: may it be text, and how is text read as a value of that type.

Formats that write arguments as bare text (XML, Python calls) need it to give JSON of the right type.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from localllm.chat.json_scan import dumps

Schema = Mapping[str, Any]

_TYPE_OF = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    dict: "object",
    list: "array",
    type(None): "null",
}
_PYTHON_WORDS = {"True": "true", "False": "false", "None": "null"}
COMBINATORS = ("allOf", "anyOf", "oneOf", "not", "if", "patternProperties", "$ref", "dependentSchemas")


def resolve(schema: Any, root: Schema) -> Schema:
    """The schema a local $ref points to; the schema itself where there is none."""
    for _ in range(10):
        if not isinstance(schema, Mapping):
            return {}
        reference = schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return schema
        target: Any = root
        for step in reference[2:].split("/"):
            target = target.get(step) if isinstance(target, Mapping) else None
        schema = target
    return {}


def properties(parameters: Any) -> dict[str, Schema]:
    """The schemas of a function's parameters by name, references resolved."""
    declared = parameters.get("properties") if isinstance(parameters, Mapping) else None
    if not isinstance(declared, Mapping):
        return {}
    return {str(key): resolve(value, parameters) for key, value in declared.items()}


def types(schema: Schema) -> frozenset[str]:
    """The JSON types a value may have; empty where the schema does not say."""
    declared = schema.get("type")
    if isinstance(declared, str):
        return frozenset({declared})
    if isinstance(declared, list):
        return frozenset(kind for kind in declared if isinstance(kind, str))
    if "const" in schema:
        return frozenset({type_of(schema["const"])})
    if isinstance(schema.get("enum"), list):
        return frozenset(type_of(value) for value in schema["enum"])
    for key in ("anyOf", "oneOf"):
        options = schema.get(key)
        if isinstance(options, list) and options:
            kinds = [types(option) for option in options if isinstance(option, Mapping)]
            return frozenset().union(*kinds) if all(kinds) else frozenset()
    return frozenset()


def is_text(schema: Schema) -> bool:
    """Whether the value can only be text, so that it can be passed on before it is complete."""
    return types(schema) == {"string"}


def to_json(text: str, schema: Schema) -> str:
    """Bare text as JSON of a type the schema allows; as a JSON string where it is none."""
    allowed = types(schema)
    bare = text.strip()
    bare = _PYTHON_WORDS.get(bare, bare)
    value = loads(bare)
    if value is not NOT_JSON:
        kind = type_of(value)
        is_allowed = not allowed or kind in allowed or (kind == "integer" and "number" in allowed)
        if is_allowed:
            return bare
    return dumps(text)


NOT_JSON = object()


def loads(text: str) -> Any:
    """The value of a JSON text, or NOT_JSON."""
    try:
        value = json.loads(text, parse_constant=_refuse)
        dumps(value)  # 1e999 is read as infinity, which JSON cannot write
        return value
    except (ValueError, RecursionError):
        return NOT_JSON


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def type_of(value: Any) -> str:
    """The JSON type of a value."""
    return _TYPE_OF.get(type(value), "object")


def closed(schema: Any, *, is_root: bool = True) -> Any:
    """The schema with the doors shut that it forgot: objects that list their properties have no others.

    A constrained model otherwise invents parameters. Where schemas are combined, nothing is changed.
    """
    if not isinstance(schema, Mapping):
        return schema if isinstance(schema, bool) else {}
    result = dict(schema)
    if any(key in result for key in COMBINATORS) and not is_root:
        return result
    if isinstance(result.get("properties"), Mapping):
        result["properties"] = {
            key: closed(value, is_root=False) for key, value in result["properties"].items()
        }
        if not any(key in result for key in COMBINATORS):
            result.setdefault("additionalProperties", False)
    elif is_root and not any(key in result for key in (*COMBINATORS, "additionalProperties")):
        result["additionalProperties"] = False
    if isinstance(result.get("items"), Mapping):
        result["items"] = closed(result["items"], is_root=False)
    return (
        {"type": "object", **result} if is_root and "type" not in result and "$ref" not in result else result
    )
