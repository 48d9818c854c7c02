"""docs/api.md names everything there is: routes, parameters, error codes, metrics."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from localllm import errors
from localllm.api import sampling
from localllm.api.app import create_app
from localllm.api.priority import TASK_BEGINS
from localllm.config import Config
from localllm.metrics import EngineFigures, Metrics

DOCS = Path(__file__).parents[2] / "docs"
API = (DOCS / "api.md").read_text(encoding="utf-8")


def test_every_route_is_described(models):
    """What is not described is not there for anybody."""
    app = create_app(models.pool, Config())
    rules = {str(rule).removeprefix("/v1") for rule in app.url_map.iter_rules()}
    described = {rule.replace("<path:model_id>", "{id}") for rule in rules}
    assert not [rule for rule in described if f"{rule}`" not in API]


@pytest.mark.parametrize(
    "name",
    [*sampling.NUMBERS, *sampling.INTEGERS, *sampling.FLAGS, *sampling.MAX_TOKENS, *sampling.STRUCTURED],
)
def test_every_sampling_parameter_is_described(name):
    """With its range."""
    assert f"`{name}`" in API


def test_every_error_code_is_described():
    """A client's author looks them up."""
    classes = [
        c for _, c in inspect.getmembers(errors, inspect.isclass) if issubclass(c, errors.LocalllmError)
    ]
    user_files = (errors.ConfigError,)
    codes = {c.code for c in classes if c.code and not issubclass(c, user_files)}
    generic = {"not_found", "forbidden"}  # their every use has a code of its own
    assert not [code for code in codes - generic if f"`{code}`" not in API]


def test_every_metric_is_described():
    """By the name Prometheus shows."""
    text = Metrics().exposition(0, [EngineFigures("m")]).decode()
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert not [name for name in names if f"`{name}`" not in API and not name.endswith("_created")]


def test_what_makes_a_request_background_work_is_described():
    """The header, OpenAI's field, and the shape that Open WebUI's own requests have."""
    assert not [
        word for word in ("x-priority: background", 'service_tier: "flex"', TASK_BEGINS) if word not in API
    ]
