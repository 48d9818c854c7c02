#!/usr/bin/env python3
"""Set localllm up in a private environment and run it. Needs Python 3.11 or newer, and nothing else.

    python3 packaging/start.py                          serve, and say where the page is
    python3 packaging/start.py chat "What is localllm?" any words of localllm's own
    python3 packaging/start.py test                     set up what the tests need, and run them with pytest
    python3 packaging/start.py --cuda ...               the same, with llama.cpp for an NVIDIA GPU
    python3 packaging/start.py --cpu ...                back to llama.cpp for the processor alone
    python3 packaging/start.py --rpc ...                the same, with llama.cpp that can use several computers

The first run takes minutes where llama.cpp has to be compiled; every later one starts at once.
The rest is in docs/install.md.

This file only checks the Python it runs on. It must parse on Python 3.6, so that an old Python can say what
is missing (tests/packaging keeps that); everything else is in `setting_up`, beside it.
"""

import importlib
import os
import shutil
import subprocess
import sys

NEEDED = (3, 11)
NEWER = ["python3.14", "python3.13", "python3.12", "python3.11"]


def main(words: "list[str]") -> int:
    """Hand over to the real set-up, on this Python or on a newer one that is installed beside it."""
    if is_new_enough(tuple(sys.version_info[:2])):
        sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120
        command = importlib.import_module("setting_up.command")
        return int(command.main(words))
    newer = newer_python()
    if newer:
        return subprocess.call([newer, os.path.abspath(__file__)] + words)  # noqa: PTH100, RUF005
    print(advice(tuple(sys.version_info[:2]), sys.platform), file=sys.stderr)
    return 1


def is_new_enough(version: "tuple[int, ...]") -> bool:
    return version >= NEEDED


def newer_python() -> "str | None":
    """A Python on PATH that is new enough and really starts (pyenv leaves names there that do not)."""
    for name in NEWER:
        path = shutil.which(name)
        if (
            path
            and subprocess.call([path, "-c", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
        ):
            return path
    return None


def advice(version: "tuple[int, ...]", platform: str) -> str:
    """One sentence: what to install on this system."""
    this = f"{version[0]}.{version[1]}"
    return f"localllm needs Python 3.11 or newer and this is Python {this}: {how_to_install(platform)}."


def how_to_install(platform: str) -> str:
    if platform == "win32":
        return "run `winget install Python.Python.3.13`, open a new window and start again"
    if platform == "darwin" and shutil.which("brew"):
        return "run `brew install python@3.13` and start again"
    if shutil.which("apt-cache"):
        return for_apt(subprocess.check_output(["apt-cache", "pkgnames", "python3.1"]).decode().split())
    for tool, command in [
        ("dnf", "sudo dnf install python3.12"),
        ("pacman", "sudo pacman -S python"),
        ("zypper", "sudo zypper install python312"),
        ("apk", "sudo apk add python3"),
    ]:
        if shutil.which(tool):
            return f"run `{command}` and start again"
    return "get it from https://www.python.org/downloads/ and start again"


def for_apt(packages: "list[str]") -> str:
    """The newest Python that this Debian or Ubuntu has; the oldest releases have none that is new enough."""
    for name in NEWER:
        if name in packages:
            return f"run `sudo apt install {name} {name}-venv` and then `{name} packaging/start.py`"
    return "this release has none, so get it from https://www.python.org/downloads/ and start again"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
