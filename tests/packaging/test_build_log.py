"""Reading progress out of what pip and the compilers say."""

from __future__ import annotations

from setting_up.build_log import Lines, Progress, telling_lines

LOG = (
    "Collecting llama-cpp-python==0.3.36\n"
    "  Downloading llama_cpp_python-0.3.36.tar.gz (76.6 MB)\r\n"
    "  Installing build dependencies: started\n"
    "  Preparing metadata (pyproject.toml): started\n"
    "  Building wheel for llama-cpp-python (pyproject.toml): started\n"
    "  [1/193] /usr/bin/g++ -DGGML_BUILD -o ggml.c.o\r\n"
    "  [ 57%] Building CXX object vendor/llama.cpp/src/größe.cpp.o\n"
    "\n"
    "  [193/193] linking „llama“\r"
    "Installing collected packages: llama-cpp-python"
).encode()

WHAT_IT_SAYS = [
    "",
    "downloading llama_cpp_python-0.3.36.tar.gz (76.6 MB)",
    "getting the build tools",
    "unpacking",
    "compiling",
    "compiling, 1 of 193 (0 %)",
    "compiling (57 %)",
    "compiling, 193 of 193 (100 %)",
    "installing",
]


def said_by(pieces: list[bytes]) -> list[str]:
    lines, progress = Lines(), Progress()
    arrived = [line for piece in pieces for line in lines.feed(piece)] + lines.flush()
    said = []
    for line in arrived:
        progress.read(line)
        said.append(str(progress))
    return said


def test_progress_is_the_same_however_the_log_is_cut():
    """Pipes cut where they like: inside a line, a character, or between \\r and \\n."""
    for cut in range(len(LOG) + 1):
        assert said_by([LOG[:cut], LOG[cut:]]) == WHAT_IT_SAYS, f"cut at byte {cut}"


def test_progress_is_the_same_byte_by_byte():
    """The finest cut of all."""
    assert said_by([bytes([byte]) for byte in LOG]) == WHAT_IT_SAYS


def test_a_count_of_nothing_does_not_divide_by_zero():
    """Ninja says [0/0] when there is nothing to do."""
    assert said_by([b"[0/0] nothing\n"]) == ["compiling, 0 of 1 (0 %)"]


def test_a_failure_shows_its_errors_and_not_the_noise_after_them():
    """pip ends a failure with a dozen lines that explain nothing."""
    lines = [
        "-- Warning: ccache not found",
        "[1/3] c++ a.cpp",
        "a.cpp:1: fatal error: stdio.h: No such file",
        "note: This error originates",
        "the end",
    ]
    assert telling_lines(lines) == ["a.cpp:1: fatal error: stdio.h: No such file"]


def test_a_failure_without_an_error_shows_its_last_lines():
    """Something is better than nothing."""
    assert telling_lines([f"line {n}" for n in range(30)], count=2) == ["line 28", "line 29"]
