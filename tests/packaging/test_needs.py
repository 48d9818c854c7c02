"""What the machine lacks is said in one sentence that helps."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import start
from setting_up import needs

PACKAGING = Path(start.__file__).parent


@pytest.mark.parametrize(
    ("tool", "command"),
    [
        ("apt-get", "`sudo apt install build-essential`"),
        ("dnf", "`sudo dnf install gcc-c++ make`"),
        ("pacman", "`sudo pacman -S base-devel`"),
        ("zypper", "`sudo zypper install gcc-c++ make`"),
        ("apk", "`sudo apk add build-base linux-headers`"),
        ("", "install gcc and g++ (or clang)"),
    ],
)
def test_a_missing_compiler_is_named_with_the_command_of_the_system(tool, command, tmp_path, monkeypatch):
    """Each family of Linux has its own command; an unknown one gets the names of the compilers."""
    if tool:
        (tmp_path / tool).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    (said,) = needs.missing_for_compile(tmp_path, is_cuda=False, free=lambda folder: 99 * needs.GB)
    assert command in said


def test_a_mac_without_command_line_tools_is_told_how_to_get_them(tmp_path, monkeypatch):
    """/usr/bin/cc is always there on a Mac; xcode-select knows whether it works."""
    (tmp_path / "xcode-select").write_text("#!/bin/sh\nexit 2\n", encoding="utf-8")
    (tmp_path / "xcode-select").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "darwin")
    (said,) = needs.missing_for_compile(tmp_path, is_cuda=False, free=lambda folder: 99 * needs.GB)
    assert "`xcode-select --install`" in said


def test_the_compilers_that_cc_and_cxx_name_count(tmp_path, monkeypatch):
    """CMake takes CC and CXX before it looks around."""
    for name in ("my-c", "my-c++"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("CC", "my-c -m64")
    monkeypatch.setenv("CXX", "my-c++")
    assert needs.has_compiler()
    monkeypatch.setenv("CXX", "not-there")
    assert not needs.has_compiler()


def test_cuda_without_its_toolkit_is_told_before_compiling(tmp_path, monkeypatch):
    """nvcc is missing: the sentence names the command, and the flag that does without."""
    for name in ("cc", "c++", "pacman"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(needs, "CUDA_HOMES", ())
    (said,) = needs.missing_for_compile(tmp_path, is_cuda=True, free=lambda folder: 99 * needs.GB)
    assert "`sudo pacman -S cuda`" in said
    assert "--cpu" in said


def test_a_full_disk_is_told_with_what_is_there_and_what_is_needed(tmp_path):
    """Before minutes are spent on a compile that cannot end well."""
    said = needs.missing_for_environment(tmp_path, free=lambda folder: needs.GB // 5)
    assert said[-1] == f"{tmp_path} has 0.2 GB free and 1 GB are needed: make room and start again."


def test_free_space_is_asked_of_the_nearest_folder_that_exists(tmp_path):
    """The environment is not there yet when its room is looked at."""
    assert needs.free_bytes(tmp_path / "not" / "there") > 0


def test_what_pip_says_without_a_network_is_understood(tmp_path):
    """The real pip, with an index nobody answers at."""
    env = {
        "PATH": str(tmp_path),
        "HOME": str(tmp_path),
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "-v",
        "--no-deps",
        "--dest",
        str(tmp_path),
        "localllm-no-such",
    ]
    asked = subprocess.run(command, env=env, capture_output=True, text=True)
    assert asked.returncode != 0
    lines = (asked.stdout + asked.stderr).splitlines()
    assert needs.explain(lines).startswith("The package registry cannot be reached")


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("c++: fatal error: Killed signal terminated program cc1plus", "Memory ran out"),
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("ssl.SSLCertVerificationError: CERTIFICATE_VERIFY_FAILED", "certificate is not trusted"),
        ("CMake Error: No CMAKE_CXX_COMPILER could be found.", "no C and C++ compiler"),
        (
            "ERROR: No matching distribution found for numpy>=1.26",
            "has no numpy>=1.26 for this Python",
        ),
        ("error: dns error: failed to lookup address information", "registry cannot be reached"),
        ("a.cpp:7: error: expected ';'", "The lines above say why"),
    ],
)
def test_typical_last_words_are_understood(line, meaning):
    """One sentence for what is known; for the rest the lines themselves, which are shown above it."""
    assert meaning in needs.explain(["before", line, "after"])


def test_a_command_that_was_ended_from_outside_is_told_so():
    """Nothing in its last lines would say why it stopped."""
    assert (
        needs.explain(["[48/193] c++ a.cpp"], code=-15)
        == "It was ended from outside (signal 15): start again."
    )


def test_start_parses_on_python_3_6():
    """An old Python must get as far as saying that it is old."""
    tree = ast.parse((PACKAGING / "start.py").read_text("utf-8"), feature_version=(3, 6))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.module != "__future__", "3.6 does not know annotations from __future__"
        if isinstance(node, ast.FunctionDef):
            written = [node.returns, *(argument.annotation for argument in node.args.args)]
            for annotation in filter(None, written):
                assert isinstance(annotation, ast.Constant | ast.Name), "3.6 would evaluate this annotation"


def test_an_old_python_is_told_what_to_install():
    """`start.py` on a Python that is too old, with no newer one beside it."""
    script = "import sys, start; start.NEEDED = (99, 0); start.NEWER = []; sys.exit(start.main(['list']))"
    done = subprocess.run([sys.executable, "-c", script], cwd=PACKAGING, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    this = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert done.stderr.startswith(f"localllm needs Python 3.11 or newer and this is Python {this}: ")
    assert done.stderr.count("\n") == 1


def test_an_old_python_hands_over_to_a_newer_one_that_starts(tmp_path, monkeypatch):
    """python3 is 3.9 and python3.12 lies beside it: no question is asked."""
    for name, text in (("python3.13", "exit 127"), ("python3.12", "exit 0")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert start.newer_python() == str(tmp_path / "python3.12")


@pytest.mark.parametrize(
    ("platform", "tool", "words"),
    [
        ("win32", "", "winget install Python.Python.3.13"),
        ("darwin", "brew", "brew install python@3.13"),
        ("darwin", "", "https://www.python.org/downloads/"),
        ("linux", "dnf", "sudo dnf install python3.12"),
        ("linux", "pacman", "sudo pacman -S python"),
        ("linux", "", "https://www.python.org/downloads/"),
    ],
)
def test_each_system_gets_its_own_command_for_python(platform, tool, words, tmp_path, monkeypatch):
    """The sentence can be copied into the terminal."""
    if tool:
        (tmp_path / tool).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert words in start.advice((3, 9), platform)


def test_debian_is_told_the_newest_python_it_has_and_an_old_one_where_to_get_it():
    """apt has no python3.11 on the oldest releases, and a command that fails helps nobody."""
    assert "sudo apt install python3.12 python3.12-venv" in start.for_apt(
        ["python3.11", "python3.12", "python3.10"]
    )
    assert "python.org" in start.for_apt(["python3.10"])
