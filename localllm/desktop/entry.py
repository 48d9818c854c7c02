"""The entry in a Linux desktop's menu: a .desktop file and the icon, in the person's own folders.

As freedesktop.org's Desktop Entry and Icon Theme specifications have them. Knows no other system.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from localllm.paths import PACKAGE_DIR, write_atomically

ICONS = PACKAGE_DIR / "desktop" / "icons"
ENTRY_FILE = "localllm.desktop"
ENTRY = """[Desktop Entry]
Type=Application
Version=1.5
Name=localllm
GenericName=Language models on this computer
GenericName[zh_CN]=本机语言模型
Comment=Chat with language models that run on this computer
Comment[zh_CN]=与在本机运行的语言模型对话
Exec={command}
Icon=localllm
Terminal=false
Categories=Utility;Development;Science;ArtificialIntelligence;
Keywords=AI;LLM;chat;GGUF;llama;OpenAI;
StartupNotify=false
StartupWMClass=localllm
"""


def install(share: Path, program: Sequence[str]) -> list[Path]:
    """Write entry and icons below `share` (~/.local/share); gives the files. Raises OSError."""
    entry = share / "applications" / ENTRY_FILE
    write_atomically(entry, ENTRY.format(command=exec_line(program)))
    written = [entry]
    for icon, place in icon_files(share).items():
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(icon, place)
        written.append(place)
    return written


def remove(share: Path) -> list[Path]:
    """Take away what `install` wrote; gives the files that were there. Raises OSError."""
    files = [share / "applications" / ENTRY_FILE, *icon_files(share).values()]
    there = [file for file in files if file.exists()]
    for file in there:
        file.unlink()
    return there


def icon_files(share: Path) -> dict[Path, Path]:
    """Our icon files, and where an icon theme has them."""
    theme = share / "icons" / "hicolor"
    return {
        ICONS / "localllm.svg": theme / "scalable" / "apps" / "localllm.svg",
        ICONS / "localllm.png": theme / "256x256" / "apps" / "localllm.png",
    }


def share_folder(environ: Mapping[str, str]) -> Path:
    """The person's own data folder, as the XDG specification has it."""
    given = environ.get("XDG_DATA_HOME", "")
    return Path(given) if given.startswith("/") else Path.home() / ".local" / "share"


def own_program() -> list[str]:
    """What starts this localllm again: the frozen program, the command beside this Python, or this Python with it."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    command = Path(sys.executable).with_name("localllm")
    if os.access(command, os.X_OK):
        return [str(command)]
    return [sys.executable, "-m", "localllm"]


def exec_line(program: Sequence[str]) -> str:
    """Words as the Exec key takes them: quoted, and the quoting escaped once more, as in every value of such a file."""
    quoted = []
    for word in program:
        escaped = re.sub(r'[\\"`$]', r"\\\g<0>", word)
        quoted.append('"' + escaped.replace("%", "%%") + '"')
    return " ".join(quoted).replace("\\", "\\\\")
