"""A checkout with the real start.py and fakes for what it calls: uv, the environment's Python, pip, the compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGING = Path(__file__).parents[2] / "packaging"
sys.path.insert(0, str(PACKAGING))  # as Python does for `python3 packaging/start.py`

PYPROJECT = """
[build-system]
requires = ["builder"]
[project]
dependencies = ["llama-cpp-python==1.2.3"]
optional-dependencies = { test = ["pytest"] }
"""

UV = """#!/bin/sh
echo "uv $*" >> "$FAKES/calls"
for last; do :; done
if [ "$1" = venv ]; then
    mkdir -p "$last/bin" && cp "$FAKES/env-python" "$last/bin/python" && touch "$last/pyvenv.cfg"
else
    cp "$FAKES/env-localllm" "${4%/*}/localllm"
fi
"""

ENV_PYTHON = """#!/bin/sh
case "$*" in
"-ISc "*) echo "$FAKE_VERSION" ;;
*"pip cache list"*) echo "$FAKE_CACHED" ;;
*" install "*)
    echo "$* CMAKE_ARGS=$CMAKE_ARGS" >> "$FAKES/calls"
    echo "[1/2] c++ first.cpp"
    if [ -f "$FAKES/hang" ]; then sleep 30; fi
    if [ -f "$FAKES/pip-says" ]; then cat "$FAKES/pip-says"; exit 1; fi ;;
*"import llama_cpp"*) exit "${FAKE_TRIAL:-0}" ;;
*pytest*) echo "ran: $*" ;;
*) echo "$*" >> "$FAKES/calls" ;;
esac
"""

ENV_LOCALLLM = """#!/bin/sh
echo "localllm got: $*"
exit 7
"""


@dataclass
class Checkout:
    """`start()` runs the real start.py in it. `fakes` holds the switches of the fakes and their `calls`."""

    root: Path
    fakes: Path
    env: dict[str, str]

    @property
    def stamp(self) -> Path:
        return self.root / ".venv" / "setup.json"

    @property
    def log(self) -> str:
        return (self.root / ".venv" / "setup.log").read_text("utf-8")

    @property
    def calls(self) -> list[str]:
        file = self.fakes / "calls"
        return file.read_text("utf-8").splitlines() if file.exists() else []

    def launch(self, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(self.root / "packaging" / "start.py"), *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.env, stdout=pipe, stderr=pipe, text=True)

    def start(self, *words: str) -> subprocess.CompletedProcess[str]:
        with self.launch(*words) as child:
            out, err = child.communicate(timeout=60)
        return subprocess.CompletedProcess(words, child.returncode, out, err)

    def program(self, name: str, text: str = "#!/bin/sh\n") -> Path:
        """Put a fake on PATH."""
        path = self.fakes / "bin" / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return path


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """Nothing is on its PATH but uv, a compiler that is never called, and the tools the fakes need."""
    if sys.platform == "win32":
        pytest.skip("the fakes are shell scripts, and this system has no /bin/sh")
    root, fakes = tmp_path / "checkout", tmp_path / "fakes"
    (fakes / "bin").mkdir(parents=True)
    copied = shutil.ignore_patterns("__pycache__", "guide_model")
    shutil.copytree(PACKAGING, root / "packaging", ignore=copied)
    (root / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    for tool in ("mkdir", "cp", "cat", "sleep", "touch", "dirname"):
        (fakes / "bin" / tool).symlink_to(str(shutil.which(tool)))
    env = {
        "PATH": str(fakes / "bin"),
        "HOME": str(tmp_path / "home"),
        "FAKES": str(fakes),
        "FAKE_VERSION": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "https_proxy": "http://127.0.0.1:9",  # nothing listens there: the published wheels cannot be reached
        "TMPDIR": os.environ.get("TMPDIR", str(tmp_path)),
    }
    made = Checkout(root, fakes, env)
    made.program("uv", UV)
    made.program("cc")
    made.program("c++")
    for name, text in (("env-python", ENV_PYTHON), ("env-localllm", ENV_LOCALLLM)):
        (fakes / name).write_text(text, encoding="utf-8")
        (fakes / name).chmod(0o755)
    return made
