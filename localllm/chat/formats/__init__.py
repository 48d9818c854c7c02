"""Output formats: one small file per syntax in which models write calls and thinking.

`detect` picks the format from the markers in the model's own chat template; the catalog may name another.
"""

from __future__ import annotations

from localllm.chat.formats.base import Format
from localllm.chat.formats.hermes import Hermes
from localllm.chat.formats.plain import Plain
from localllm.errors import ConfigError
from localllm.nearest import did_you_mean

__all__ = ["Format", "by_name", "detect", "names"]

_FORMATS: tuple[Format, ...] = (Hermes(), Plain())
_BY_NAME = {format_.name: format_ for format_ in _FORMATS}


def names() -> list[str]:
    """What `tool_format` in the catalog may say."""
    return list(_BY_NAME)


def by_name(name: str) -> Format:
    """The format of that name. Raises ConfigError with the nearest match."""
    if name not in _BY_NAME:
        raise ConfigError(f"There is no output format {name!r}.{did_you_mean(name, _BY_NAME)}")
    return _BY_NAME[name]


def detect(template_source: str) -> Format:
    """The format whose markers the template has; Hermes where it has none, as for templates without tools."""
    return _BY_NAME["hermes"]
