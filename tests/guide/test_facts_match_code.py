"""What the guide says about the product is what the product does: facts.py and the corpus against the code."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import click
import pytest
from guide_model import corpus, out_of_scope, small_talk

from localllm import facts, paths
from localllm.api.app import create_app
from localllm.cli import VERBS, group
from localllm.config import Config
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.pool import Pool

ROOT = Path(__file__).parents[2]
ANSWERS = [*(fact.answer for fact in corpus.FACTS), *(fact.answer for fact in small_talk.TALK)]
ANSWERS += [out_of_scope.REFUSAL, out_of_scope.REFUSAL_ZH]
SPECIAL_VERBS = {"worker", "install-desktop"}
PROSE_AFTER_NAME = {
    "and", "is", "again", "in", "it", "runs", "installs", "works", "answer", "or", "with", "made", "say", "what",
    "without", "listens", "downloaded",
}  # fmt: skip


def command(verb: str) -> click.Command:
    found = group.get_command(click.Context(group), verb)
    assert found is not None
    return found


def options_of(verb: str) -> set[str]:
    return {option for parameter in command(verb).params for option in parameter.opts}


def test_every_command_the_guide_knows_exists():
    """And it knows every one that `localllm --help` shows, but for those of few people's use."""
    assert tuple(verb for verb in VERBS if verb not in SPECIAL_VERBS) == facts.COMMANDS


def test_the_options_the_guide_knows_exist():
    """Of `serve` and of `add`."""
    assert set(facts.SERVE_OPTIONS) <= options_of("serve")
    assert set(facts.ADD_OPTIONS) <= options_of("add")
    assert "--json" in options_of("list")


def in_answers(pattern: str) -> set[str]:
    """Everything that matches in any answer."""
    return {match for answer in ANSWERS for match in re.findall(pattern, answer)}


def test_answers_name_only_commands_that_exist():
    """`localllm WORD` in an answer is either a command or plain prose."""
    assert in_answers(r"\blocalllm ([a-z]+)") - PROSE_AFTER_NAME <= set(facts.COMMANDS)


def test_answers_name_only_options_that_exist():
    """Options of our own commands; `--help` is click's."""
    assert in_answers(r"(--[a-z-]+)") <= {*facts.SERVE_OPTIONS, *facts.ADD_OPTIONS, "--json", "--help"}


def test_answers_name_only_paths_of_the_api_that_exist():
    """Every /v1/… in an answer is a route."""
    assert in_answers(r"/v1/[a-z/]+") <= set(facts.ENDPOINTS)


def test_every_endpoint_the_guide_knows_is_a_route(tmp_path: Path):
    """With /v1 and, as one of the facts says, without."""
    catalog = Catalog(tmp_path / facts.CATALOG_FILE)
    app = create_app(Pool(catalog, paths.user_paths()), Config())
    routes = {rule.rule for rule in app.url_map.iter_rules()}
    assert set(facts.ENDPOINTS) <= routes
    assert {endpoint.removeprefix("/v1") for endpoint in facts.ENDPOINTS} <= routes


def test_the_default_address_is_the_one_the_guide_tells():
    """Host, port and the largest request."""
    config = Config()
    assert (config.host, config.port) == (facts.DEFAULT_HOST, facts.DEFAULT_PORT)
    assert config.max_body_bytes == 64 * 1024 * 1024


def test_the_keys_of_the_catalog_that_the_guide_names_exist():
    """A renamed key of models.toml must be renamed in the corpus too."""
    assert set(facts.CATALOG_KEYS) <= set(Entry.__struct_fields__)


def test_the_home_variable_moves_the_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its name, and the catalog's."""
    monkeypatch.setenv(facts.HOME_VARIABLE, str(tmp_path))
    assert paths.user_paths().catalog == tmp_path / facts.CATALOG_FILE


def test_licence_python_version_and_files_are_the_ones_the_guide_tells():
    """pyproject.toml and the checkout."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == facts.LICENSE
    assert project["requires-python"] == f">={facts.MIN_PYTHON}"
    assert (ROOT / facts.START_SCRIPT).exists()
    assert (ROOT / "ARCHITECTURE.md").exists()
