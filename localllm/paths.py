"""Where things are kept. `LOCALLLM_HOME` puts everything below one folder of the user's choice.

Knows no file's content. Folders are made by whoever writes into them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

PACKAGE_DIR = Path(__file__).parent


@dataclass(frozen=True)
class Paths:
    """The user's folders: `data` holds what must not be lost, `cache` what can be made again, `logs` what was said."""

    data: Path
    cache: Path
    logs: Path

    @property
    def catalog(self) -> Path:
        return self.data / "models.toml"

    @property
    def settings(self) -> Path:
        return self.data / "settings.toml"

    @property
    def models(self) -> Path:
        """Downloaded model files."""
        return self.data / "models"

    @property
    def api_key(self) -> Path:
        return self.data / "api-key"


def user_paths() -> Paths:
    """The folders of this user, from `LOCALLLM_HOME` or the system's conventions."""
    home = os.environ.get("LOCALLLM_HOME")
    if home:
        root = Path(home).expanduser().absolute()
        return Paths(data=root, cache=root / "cache", logs=root / "logs")
    dirs = platformdirs.PlatformDirs("localllm", appauthor=False)
    return Paths(data=dirs.user_data_path, cache=dirs.user_cache_path, logs=dirs.user_log_path)


def shipped_catalog() -> Path:
    """The catalog that comes with the program: inside the package once installed, at the top of a checkout before."""
    installed = PACKAGE_DIR / "models.toml"
    return installed if installed.exists() else PACKAGE_DIR.parent / "models.toml"


def write_atomically(path: Path, text: str, *, is_private: bool = False) -> None:
    """Replace the file's content so that a crash leaves either the old text or the new, never a part of it.

    is_private: readable by its owner only, from its first moment on.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600 if is_private else 0o666)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
