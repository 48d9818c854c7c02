#!/usr/bin/env python3
"""Build the program that needs no Python: a folder to unpack and double-click, and its archive.

    python3 packaging/build.py                  build/dist/localllm, build/localllm-VERSION-SYSTEM-MACHINE.tar.gz
    python3 packaging/build.py --no-archive     only the folder
    python3 packaging/build.py --here           with llama.cpp as packaging/start.py has it: only for this machine

Uses an environment of its own below build/, and llama.cpp compiled for any processor of this architecture. The compile
takes minutes, once: the wheel is kept beside the other builds of packaging/start.py. See docs/building.md.
"""

from __future__ import annotations

import platform
import re
import shutil
import sys
import tarfile
import time
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from setting_up import command, llama_build, needs
from setting_up.environment import Environment, Project
from setting_up.steps import CommandFailed, Screen, SetupFailed, Steps, duration

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
# Not for this very processor, and able to use other computers. MSVC's OpenMP library is not on every Windows.
PORTABLE = ["-DGGML_NATIVE=OFF", "-DGGML_RPC=ON", *(["-DGGML_OPENMP=OFF"] if sys.platform == "win32" else [])]


def main(words: list[str]) -> int:
    """Gives an exit status."""
    started = time.monotonic()
    screen = Screen(sys.stderr)
    BUILD.mkdir(exist_ok=True)
    steps = Steps(BUILD / "build.log", screen)
    try:
        environment = ready_environment(steps, is_portable="--here" not in words)
        folder = freeze(environment, steps)
        made = [folder] if "--no-archive" in words else [folder, pack(folder, steps)]
    except (CommandFailed, SetupFailed) as problem:
        print(f"\n{command.in_words(problem, steps)}", file=sys.stderr)
        return 1
    finally:
        steps.close()
    screen.say(f"Built in {duration(time.monotonic() - started)}:")
    for path in made:
        screen.say(f"  {path}  {size_bytes(path) / 1e6:.1f} MB")
    return 0


def ready_environment(steps: Steps, *, is_portable: bool) -> Environment:
    """An environment with localllm, what it needs, PyInstaller and llama.cpp. Raises SetupFailed."""
    environment = Environment(BUILD / "environment")
    environment.folder.mkdir(exist_ok=True)
    if missing := needs.missing_for_environment(environment.folder):
        raise SetupFailed("\n".join(missing))
    build = llama_build.Build("own", " ".join(PORTABLE)) if is_portable else llama_build.Build("auto")
    llama = Project.read(ROOT).llama
    wanted = f"{build} {llama} {sys.version_info[:2]}"
    stamp = environment.folder / "llama.txt"
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        command.create(environment, steps)
        llama_build.install(environment, steps, build, llama)
        stamp.write_text(wanted, encoding="utf-8")
    command.install_project(environment, steps, ROOT, ["build"])
    return environment


def freeze(environment: Environment, steps: Steps) -> Path:
    """Let PyInstaller make the folder (on a Mac the .app). Raises CommandFailed."""
    icon = BUILD / ("localllm.icns" if sys.platform == "darwin" else "localllm.ico")
    env = {"LOCALLLM_BUILD_ICON": str(icon), "LOCALLLM_BUILD_VERSION": version()}
    dist = BUILD / "dist"
    with steps.step("the program"):
        steps.run([str(environment.python), str(ROOT / "packaging" / "icon.py"), str(icon)])
        shutil.rmtree(dist, ignore_errors=True)
        places = ["--distpath", str(dist), "--workpath", str(BUILD / "work")]
        spec = str(ROOT / "packaging" / "localllm.spec")
        steps.run([str(environment.python), "-m", "PyInstaller", "--noconfirm", *places, spec], env)
    if sys.platform == "darwin":
        return dist / "localllm.app"
    add_readme(dist / "localllm")
    return dist / "localllm"


def add_readme(folder: Path) -> None:
    """What to double-click, for whoever unpacks it, and the licence."""
    name = "localllm-app.exe" if sys.platform == "win32" else "localllm"
    text = (
        f"localllm {version()}\n\nDouble-click {name}: a window with the chat opens. The other commands are in a "
        "terminal: localllm --help\n"
    )
    if sys.platform == "linux":
        text += "To have it in the menu of your desktop: ./localllm install-desktop\n"
    (folder / "README.txt").write_text(text, encoding="utf-8")
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE.txt")


def pack(folder: Path, steps: Steps) -> Path:
    """The archive of this system's kind, beside `dist`."""
    stem = f"localllm-{version()}-{system()}-{platform.machine().lower()}"
    with steps.step("the archive"):
        if sys.platform == "win32":
            archive = BUILD / f"{stem}.zip"
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
                for path in sorted(folder.rglob("*")):
                    zipped.write(path, Path(folder.name) / path.relative_to(folder))
        else:
            archive = BUILD / f"{stem}.tar.gz"
            with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
                tar.add(folder, folder.name)
    return archive


def system() -> str:
    return {"win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)


def version() -> str:
    text = (ROOT / "localllm" / "__init__.py").read_text("utf-8")
    found = re.search(r'__version__ = "([^"]+)"', text)
    assert found is not None
    return found[1]


def size_bytes(path: Path) -> int:
    """What it takes when unpacked; a link takes nothing."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file() and not p.is_symlink()]
    return sum(p.stat().st_size for p in files)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
