"""Checks JSON bodies and chunks against OpenAI's own schema (its quirks are put right while loading)."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import referencing
import referencing.jsonschema

SCHEMA = Path(__file__).parent / "openai_schema.json"
DIALECT = referencing.jsonschema.DRAFT202012


def check(value: Any, schema: str) -> None:
    """Fails unless the value is what OpenAI's schema of that name describes."""
    found = [
        f"{'/'.join(map(str, e.absolute_path))}: {e.message[:300]}"
        for e in _validator(schema).iter_errors(value)
    ]
    assert not found, f"{schema}: {found}\n{json.dumps(value, ensure_ascii=False)[:2000]}"


@cache
def _validator(schema: str) -> jsonschema.Draft202012Validator:
    registry = referencing.Registry().with_resource("openai:", DIALECT.create_resource(_components()))
    return jsonschema.Draft202012Validator(
        {"$ref": f"openai:#/components/schemas/{schema}"}, registry=registry
    )


@cache
def _components() -> dict[str, Any]:
    schemas = json.loads(SCHEMA.read_text(encoding="utf-8"))["schemas"]
    return {"components": {"schemas": _put_right(schemas)}}


def _put_right(node: Any) -> Any:
    """`nullable: true` is the old way to say "or null"; `$recursiveRef` the old way to say "this schema"."""
    if isinstance(node, list):
        return [_put_right(item) for item in node]
    if not isinstance(node, dict):
        return node
    fixed = {
        key: _put_right(value) for key, value in node.items() if key not in ("nullable", "$recursiveAnchor")
    }
    fixed.pop("$recursiveRef", None)
    if "$ref" in fixed:
        fixed["$ref"] = "openai:" + fixed["$ref"]
    return {"anyOf": [fixed, {"type": "null"}]} if node.get("nullable") is True else fixed
