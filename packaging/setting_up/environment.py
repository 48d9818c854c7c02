"""The private environment: where it lives, when it is finished, who may change it. Knows not how it is filled.

Three files lie in it beside Python's own: `setup.json` (the stamp: what was installed, written last and at once, so
that a half-made environment is never taken for a finished one), `setup.log` and `setup.lock`.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, Any, Literal

from .steps import SetupFailed

KEPT = {"setup.json", "setup.log", "setup.lock"}
Change = Literal["nothing", "update", "afresh"]


@dataclass(frozen=True)
class Stamp:
    """What an environment holds. `project` is a fingerprint of pyproject.toml, `build` how llama.cpp was wanted."""

    root: str
    python: str
    llama: str
    build: str
    project: str
    extras: list[str]

    def change_to(self, wanted: Stamp) -> Change:
        """What has to happen so that this environment serves `wanted` too."""
        if (self.root, self.python, self.build) != (wanted.root, wanted.python, wanted.build):
            return "afresh"
        if (self.llama, self.project) != (wanted.llama, wanted.project) or set(wanted.extras) - set(
            self.extras
        ):
            return "update"
        return "nothing"

    def joined_with(self, older: Stamp) -> Stamp:
        """This one, keeping the extras that are installed already."""
        return replace(self, extras=sorted({*self.extras, *older.extras}))


@dataclass(frozen=True)
class Project:
    """What pyproject.toml says that an environment depends on."""

    fingerprint: str
    llama: str

    @classmethod
    def read(cls, root: Path) -> Project:
        told: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
        names = ("dependencies", "optional-dependencies", "scripts", "requires-python")
        parts = [told["build-system"], *(told["project"].get(name) for name in names)]
        pins = [word for word in told["project"]["dependencies"] if word.startswith("llama-cpp-python==")]
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
        return cls(fingerprint=digest[:16], llama=pins[0].removeprefix("llama-cpp-python=="))


def user_cache() -> Path:
    """This user's folder for what can be made again."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "localllm"


def environment_of(root: Path) -> Environment:
    """`.venv` in the checkout; where that cannot be written, a folder of this checkout's own in the user's cache."""
    folder = root / ".venv"
    if not _can_write(folder if folder.exists() else root):
        folder = user_cache() / "environments" / hashlib.sha256(str(root).encode()).hexdigest()[:16]
    return Environment(folder)


def _can_write(folder: Path) -> bool:
    probe = folder / f".can-write-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True


class Environment:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def log(self) -> Path:
        return self.folder / "setup.log"

    @property
    def python(self) -> Path:
        return self.program("python")

    def program(self, name: str) -> Path:
        if sys.platform == "win32":
            return self.folder / "Scripts" / f"{name}.exe"
        return self.folder / "bin" / name

    def python_version(self) -> str:
        """`3.12` as the environment's Python itself says it; empty where it does not start (any more)."""
        ask = "import sys; print('%d.%d' % sys.version_info[:2])"
        try:
            said = subprocess.run([self.python, "-ISc", ask], capture_output=True, text=True, check=False)
        except OSError:
            return ""
        return said.stdout.strip()

    def stamp(self) -> Stamp | None:
        """What it holds; None where it is not there, not finished or not of our making."""
        try:
            return Stamp(**json.loads((self.folder / "setup.json").read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def finish(self, stamp: Stamp) -> None:
        self._write_stamp(asdict(stamp))

    def begin(self) -> None:
        """From here to `finish` it counts as half-made."""
        self._write_stamp({"unfinished": True})

    def _write_stamp(self, content: dict[str, Any]) -> None:
        part = self.folder / "setup.json.tmp"
        part.write_text(json.dumps(content, indent=1), encoding="utf-8")
        part.replace(self.folder / "setup.json")

    def step_aside_for(self) -> Path | None:
        """Somebody else's environment in our place is kept under another name, never emptied. Gives the new name."""
        is_foreign = (self.folder / "pyvenv.cfg").exists() and not (self.folder / "setup.json").exists()
        if not is_foreign:
            return None
        return self.folder.rename(
            self.folder.with_name(time.strftime(f"{self.folder.name}-before-%Y%m%d-%H%M%S"))
        )

    def empty(self) -> None:
        """Remove all but the log, the lock and the stamp."""
        for path in self.folder.iterdir():
            if path.name in KEPT:
                continue
            try:
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            except OSError as error:
                raise SetupFailed(
                    f"{path} cannot be replaced ({error.strerror}): quit localllm and start again."
                ) from error

    @contextmanager
    def lock(self) -> Iterator[bool]:
        """Alone at work on it. Gives True where another start had to be waited for."""
        with (self.folder / "setup.lock").open("a+b") as file:
            waited = not _try_lock(file)
            if waited:
                print("Another start is setting localllm up; waiting for it.", file=sys.stderr)
                while not _try_lock(file):
                    time.sleep(0.3)
            yield waited  # closing the file unlocks it, and so does the end of the process


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
