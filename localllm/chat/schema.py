"""What a tool's JSON schema says about one value: may it be text, and how is text read as a value of that type.

Formats that write arguments as bare text (XML, Python calls) need it to give JSON of the right type.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
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
KINDS = frozenset({"string", "number", "boolean", "null", "object", "array"})
_PYTHON_WORDS = {"True": "true", "False": "false", "None": "null"}
COMBINATORS = ("allOf", "anyOf", "oneOf", "not", "if", "patternProperties", "$ref", "dependentSchemas")


_MAX_STEPS = 10
_ROOT = "localllm_root"  # the place of a whole schema inside a part of it that stands alone


def resolve(schema: Any, root: Schema) -> Schema:
    """The schema a local $ref or an allOf of one stands for, with the options of a union resolved too."""
    found = _follow(schema, root)
    unions = {key: found[key] for key in ("anyOf", "oneOf") if isinstance(found.get(key), list)}
    return {**found, **{key: [_follow(option, root) for option in unions[key]] for key in unions}}


def _follow(schema: Any, root: Schema) -> Schema:
    around: dict[str, Any] = {}  # what stands beside an allOf
    for _ in range(_MAX_STEPS):
        if not isinstance(schema, Mapping):
            return around
        reference, parts = schema.get("$ref"), schema.get("allOf")
        if isinstance(reference, str) and reference.startswith("#"):
            schema = _target(reference, root)
        elif isinstance(parts, list) and len(parts) == 1:
            around = {**{key: value for key, value in schema.items() if key != "allOf"}, **around}
            schema = parts[0]
        else:
            return {**schema, **around}
    return around


def _target(reference: str, root: Any) -> Any:
    """What a JSON pointer leads to; None where it leads nowhere."""
    for step in reference.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(root, list):
            root = root[int(name)] if name.isdecimal() and int(name) < len(root) else None
        else:
            root = root.get(name) if isinstance(root, Mapping) else None
    return root


def flat(parameters: Schema) -> Schema:
    """A function's parameters with their properties at the top, where the root is a $ref or an allOf of one."""
    if not isinstance(parameters.get("$ref"), str) and "allOf" not in parameters:
        return parameters
    found = _follow(parameters, parameters)
    return {**{key: value for key, value in parameters.items() if key not in ("$ref", "allOf")}, **found}


def properties(parameters: Any, root: Schema | None = None) -> dict[str, Schema]:
    """The schemas of a function's parameters by name, references resolved.

    root: where references point, if `parameters` is an object inside the function's parameters.
    """
    declared = parameters.get("properties") if isinstance(parameters, Mapping) else None
    if not isinstance(declared, Mapping):
        return {}
    return {str(key): resolve(value, parameters if root is None else root) for key, value in declared.items()}


def further(parameters: Any, root: Schema | None = None) -> Schema | None:
    """The schema of parameters beyond the declared ones; None where there may be none."""
    if not isinstance(parameters, Mapping):
        return None
    if parameters.get("patternProperties"):
        return {}
    is_open = "properties" not in parameters or any(key in parameters for key in COMBINATORS)
    extra = parameters.get("additionalProperties", is_open)
    if extra is False:
        return None
    return resolve(extra, parameters if root is None else root)


def standalone(schema: Schema, root: Schema) -> Schema:
    """A part of the root's schema, closed, together with all that its references point to."""
    definitions = {key: root[key] for key in ("$defs", "definitions") if key in root}
    whole = {**definitions, **closed(schema, is_root=False)}
    moved: dict[str, Any] = _moved(whole)
    return moved if moved == whole else {**moved, "$defs": {**moved.get("$defs", {}), _ROOT: _moved(root)}}


def _moved(schema: Any) -> Any:
    """The schema with references to other places than definitions put right."""
    if isinstance(schema, list):
        return [_moved(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and re.match(r"#(?!/\$defs/|/definitions/)", reference):
        return {**schema, "$ref": f"#/$defs/{_ROOT}{reference[1:]}"}
    return {key: _moved(value) for key, value in schema.items()}


def values(schema: Schema) -> list[Any]:
    """The values of `enum` or `const` that the type allows; empty where the schema lists none."""
    listed = [schema["const"]] if "const" in schema else schema.get("enum")
    allowed = types({"type": schema["type"]}) if "type" in schema else frozenset()
    if not isinstance(listed, list):
        return []
    return [value for value in listed if not allowed or _is_of(type_of(value), allowed)]


def _is_of(kind: str, allowed: frozenset[str]) -> bool:
    return kind in allowed or (kind == "integer" and "number" in allowed)


def bare(value: Any) -> str:
    """A value as formats write it that write text without quotes."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


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


def narrowed(schema: Schema, kinds: Collection[str]) -> Schema:
    """The schema for values of some of its types alone."""
    for key in ("anyOf", "oneOf"):
        options = schema.get(key)
        if isinstance(options, list) and not isinstance(schema.get("type"), str | list):
            return {**schema, key: [option for option in options if types(option) & set(kinds)]}
    return {**schema, "type": sorted(kinds)[0] if len(kinds) == 1 else sorted(kinds)}


def alternatives(schema: Schema) -> list[Schema]:
    """One schema for each option of a union, or for each type the value may have."""
    for key in ("anyOf", "oneOf"):
        options = schema.get(key)
        if isinstance(options, list) and options:
            around = {name: value for name, value in schema.items() if name != key}
            return [{**around, **option} for option in options if isinstance(option, Mapping)] or [{}]
    return [{**schema, "type": kind} for kind in sorted(types(schema) or KINDS)]


def is_text(schema: Schema) -> bool:
    """Whether the value can only be text, so that it can be passed on before it is complete."""
    return types(schema) == {"string"}


def to_json(text: str, schema: Schema) -> str:
    """Bare text as JSON of a type the schema allows; as a JSON string where it is none."""
    allowed = types(schema)
    word = text.strip()
    word = _PYTHON_WORDS.get(word, word)
    value = loads(word)
    if value is not NOT_JSON and (not allowed or _is_of(type_of(value), allowed)):
        return word
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
