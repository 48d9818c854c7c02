"""The settings come from file, environment and command line, in this order, and nothing mistyped is ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from localllm import errors
from localllm.config import Config, load_config
from localllm.paths import Paths

DOCS = Path(__file__).parent.parent / "docs" / "configuration.md"


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path, tmp_path / "cache", tmp_path / "logs")


def test_without_anything_the_defaults_hold(paths: Paths):
    """No file is needed, and none is made."""
    assert load_config(paths, environ={}) == Config()
    assert not paths.settings.exists()


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(paths: Paths):
    """The nearer the choice, the stronger."""
    paths.settings.write_text('port = 1\nhost = "file"\nlog_level = "error"\n')
    environ = {"LOCALLLM_PORT": "2", "LOCALLLM_HOST": "environment"}
    config = load_config(paths, {"port": 3, "host": None}, environ)
    assert (config.port, config.host, config.log_level) == (3, "environment", "error")


def test_lists_in_the_environment_are_separated_by_commas(paths: Paths):
    """`LOCALLLM_CORS_ORIGINS=http://a, http://b` gives two."""
    config = load_config(paths, environ={"LOCALLLM_CORS_ORIGINS": "http://a, http://b,"})
    assert config.cors_origins == ("http://a", "http://b")


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"LOCALLLM_PROT": "1"}, 'LOCALLLM_PROT is none that localllm knows. Did you mean "LOCALLLM_PORT"?'),
        ({"LOCALLLM_PORT": "many"}, 'LOCALLLM_PORT must be a whole number from 0 to 65535, not "many".'),
        ({"LOCALLLM_PORT": "70000"}, 'LOCALLLM_PORT must be a whole number from 0 to 65535, not "70000".'),
    ],
)
def test_a_wrong_variable_is_told(paths: Paths, environ: dict[str, str], said: str):
    """The variable is named, with what it may be."""
    with pytest.raises(errors.ConfigError) as raised:
        load_config(paths, environ=environ)
    assert said in raised.value.message


def test_a_wrong_option_is_told(paths: Paths):
    """The option is named as it is typed."""
    with pytest.raises(errors.ConfigError, match="--log-level must be"):
        load_config(paths, {"log_level": "loud"}, {})


def test_a_wrong_setting_is_told_with_its_line(paths: Paths):
    """settings.toml has the same errors as the catalog."""
    paths.settings.write_text("# mine\nprot = 1\n")
    with pytest.raises(errors.ConfigError, match=r'settings.toml, line 2: unknown key "prot".*"port"'):
        load_config(paths, environ={})


def test_foreign_variables_are_left_alone(paths: Paths):
    """`LOCALLLM_HOME` belongs to the paths, and other programs' variables to them."""
    assert load_config(paths, environ={"LOCALLLM_HOME": "x", "PORT": "y"}) == Config()


@pytest.mark.parametrize("key", Config.__struct_fields__)
def test_every_setting_is_documented(key: str):
    """docs/configuration.md has a line for each key."""
    assert f"`{key}`" in DOCS.read_text(encoding="utf-8")
