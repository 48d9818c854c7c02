"""The API key: needed as soon as other machines can reach the server, made up where the person has set none."""

from __future__ import annotations

import contextlib
import secrets
from pathlib import Path

import msgspec

from localllm import errors
from localllm.api.origins import is_loopback
from localllm.config import Config
from localllm.paths import Paths, write_atomically


def with_key(config: Config, paths: Paths) -> Config:
    """The configuration, with a key where it listens beyond this machine. Raises ConfigError where none can be kept."""
    if config.api_key or is_loopback(config.host):
        return config
    return msgspec.structs.replace(config, api_key=stored_key(paths.api_key))


def stored_key(path: Path) -> str:
    """The key in the file; a new one is put there, readable by its owner only, where the file is missing or empty."""
    with contextlib.suppress(FileNotFoundError):
        if key := _read(path):
            return key
    key = f"sk-local-{secrets.token_urlsafe(24)}"
    try:
        write_atomically(path, key + "\n", is_private=True)
    except OSError as e:
        raise errors.ConfigError(
            f"The API key cannot be kept in {path}: {e.strerror or e}. Set api_key in settings.toml instead."
        ) from e
    return key


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as e:
        raise errors.ConfigError(f"The API key in {path} cannot be read: {e}.") from e
