"""Where a forwarded model runs: the `upstream` table of a model entry, checked.

Every key is described in docs/models.md. Keys (the secret ones) are named here, never written here.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec

from localllm import errors

Seconds = Annotated[float, msgspec.Meta(ge=0.1)]
SECRET = "api_key"
PORTS = {"http": 80, "https": 443}
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER_VALUE = re.compile(r"[\x21-\x7e]+")


class UpstreamSpec(msgspec.Struct, frozen=True, kw_only=True):
    """base_urls are replicas of one another. model: its name there; empty: the entry's id. Durations in seconds."""

    base_url: str = ""
    base_urls: tuple[str, ...] = ()
    model: str = ""
    api_key_env: str = ""
    api_key_file: str = ""
    num_parallel: Annotated[int, msgspec.Meta(ge=0)] = 0
    connect_timeout_s: Seconds = 5.0
    first_timeout_s: Seconds = 600.0
    idle_timeout_s: Seconds = 120.0

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where the replicas are. Raises CatalogError."""
        given = (*((self.base_url,) if self.base_url else ()), *self.base_urls)
        return tuple(dict.fromkeys(parse_address(text) for text in given))


class Address(msgspec.Struct, frozen=True):
    """A base URL, taken apart. `path` begins with / and does not end with one."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """As the Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def parse_address(text: str) -> Address:
    """`http://host:8000/v1`; without a path, /v1 is meant. Raises CatalogError."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as e:
        raise errors.CatalogError(f'"{text}" is no address: {e}.') from e
    if "@" in parts.netloc:
        raise errors.CatalogError(
            "an address must not hold a user or a password; name a variable with api_key_env instead."
        )
    if parts.scheme not in PORTS or not parts.hostname or not _HEADER_VALUE.fullmatch(text):
        raise errors.CatalogError(f'"{text}" is no address of a server: write http://host:port/v1.')
    if parts.query or parts.fragment:
        raise errors.CatalogError(f'"{text}" must end with the path, as in http://host:port/v1.')
    path = parts.path.rstrip("/") or "/v1"
    return Address(parts.scheme, parts.hostname, port or PORTS[parts.scheme], path)


def check_spec(spec: UpstreamSpec) -> None:
    """What the types cannot say. Raises CatalogError."""
    if not spec.addresses:
        raise errors.CatalogError('upstream needs a base_url: base_url = "http://host:port/v1".')
    if spec.api_key_env and not _VARIABLE.fullmatch(spec.api_key_env):
        raise errors.CatalogError(  # what stands there may be the key itself, so it is not repeated
            "api_key_env must be the name of an environment variable, not a key."
        )
    if spec.api_key_env and spec.api_key_file:
        raise errors.CatalogError("give api_key_env or api_key_file, not both.")


def read_key(spec: UpstreamSpec, folder: Path) -> str | None:
    """The key to send, read anew for each request, so that a new one counts at once; None where none is named.

    folder: what a relative api_key_file counts from. Raises UpstreamFailed that says where the key was looked for.
    """
    if spec.api_key_env:
        key, where = os.environ.get(spec.api_key_env, ""), f"the environment variable {spec.api_key_env}"
    elif spec.api_key_file:
        path = folder / Path(spec.api_key_file).expanduser()
        key, where = _text_of(path), f"the file {path}"
    else:
        return None
    key = key.strip()
    if not _HEADER_VALUE.fullmatch(key):
        problem = "holds characters that no key has" if key else "is empty or not there"
        raise errors.UpstreamFailed(
            f"The key for the other server is to come from {where}, which {problem}.",
            code="upstream_key_missing",
            retry=False,
        )
    return key


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
