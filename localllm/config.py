"""The settings of one run: settings.toml < environment (`LOCALLLM_PORT` …) < command line.

Frozen, and loud about typos. Every key is described in docs/configuration.md; a test fails when one is missing
there. Knows nothing of models: those are in the catalog.
"""

from __future__ import annotations

import os
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from localllm import errors, facts
from localllm.nearest import did_you_mean
from localllm.paths import Paths
from localllm.toml_file import TomlFile, describe

PREFIX = "LOCALLLM_"
OTHER_VARIABLES = frozenset(
    {"LOCALLLM_HOME", "LOCALLLM_CI", "LOCALLLM_TEMPLATES"}
)  # read elsewhere, so no typos

Count = Annotated[int, msgspec.Meta(ge=1)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Seconds = Annotated[float, msgspec.Meta(ge=0.1)]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """What the person chose, or the defaults. Durations in seconds, sizes in bytes."""

    host: str = facts.DEFAULT_HOST
    port: Port = facts.DEFAULT_PORT
    api_key: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    model: str | None = None
    serve_any_name: bool = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    ping_interval_s: Seconds = 5.0
    engine_timeout_s: Seconds = 30.0
    drain_s: Annotated[float, msgspec.Meta(ge=0)] = 10.0
    max_body_bytes: Count = 64 * 1024 * 1024
    num_http_threads: Count = 64
    keep_alive: str = "10m"
    memory_limit_bytes: Annotated[int, msgspec.Meta(ge=0)] = 0


def load_config(
    paths: Paths, options: Mapping[str, object] | None = None, environ: Mapping[str, str] | None = None
) -> Config:
    """The configuration of this run. `options` are the command line's; None values in it mean "not given".

    Raises ConfigError that names the file and line, the variable or the option at fault.
    """
    config = Config()
    if paths.settings.exists():
        config = TomlFile.read(paths.settings).convert(Config)
    chosen = _from_environment(os.environ if environ is None else environ)
    for name, value in (options or {}).items():
        if value is not None:
            chosen[name] = (f"--{name.replace('_', '-')}", value)
    for name, (origin, value) in chosen.items():
        config = msgspec.structs.replace(config, **{name: _converted(name, value, origin)})
    return config


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[str, object]]:
    known = {f"{PREFIX}{field.upper()}": field for field in Config.__struct_fields__}
    chosen: dict[str, tuple[str, object]] = {}
    for variable, value in environ.items():
        if not variable.startswith(PREFIX) or variable in OTHER_VARIABLES:
            continue
        if variable not in known:
            hint = did_you_mean(variable, [*known, *OTHER_VARIABLES])
            raise errors.ConfigError(
                f"The environment variable {variable} is none that localllm knows.{hint}"
            )
        chosen[known[variable]] = (variable, value)
    return chosen


def _converted(name: str, value: object, origin: str) -> Any:
    """A text of the environment or an option's value as the type of the field."""
    if name not in Config.__struct_fields__:
        raise errors.ConfigError(f"{origin} is no setting.{did_you_mean(name, Config.__struct_fields__)}")
    type_ = typing.get_type_hints(Config, include_extras=True)[name]
    if isinstance(value, str) and typing.get_origin(type_) is tuple:
        value = [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, Path):
        value = str(value)
    try:
        return msgspec.convert(value, type_, strict=False)
    except msgspec.ValidationError as e:
        raise errors.ConfigError(f'{origin} must be {describe(type_)}, not "{value}".') from e
