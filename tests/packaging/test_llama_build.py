"""Which llama.cpp suits the machine, and where it comes from."""

from __future__ import annotations

import http.server
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from setting_up import llama_build
from setting_up.environment import Environment
from setting_up.llama_build import Build


@pytest.fixture
def published(monkeypatch) -> Iterator[list[str]]:
    """The author's pages on a local port; gives the paths that were asked for. They list version 1.2.3."""
    asked: list[str] = []

    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = b"<a>llama_cpp_python-1.2.3-py3-none-any.whl</a>"
            self.send_response(404 if "/metal/" in self.path else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            """Keep the test's output clean."""

    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setattr(llama_build, "WHEELS", f"http://127.0.0.1:{server.server_address[1]}")
        yield asked
        server.shutdown()


@pytest.fixture
def bare_machine(tmp_path, monkeypatch) -> Environment:
    """A Linux whose PATH is empty, with an environment whose pip has nothing cached."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("PATH", str(tmp_path))
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n", encoding="utf-8")
    python.chmod(0o755)
    return Environment(tmp_path / "env")


def nvidia_smi(folder: Path, version: str, capability: str) -> None:
    program = folder / "nvidia-smi"
    said = f"| NVIDIA-SMI 1  Driver Version: 2  CUDA Version: {version} |"
    program.write_text(f'#!/bin/sh\n[ -n "$1" ] && echo "{capability}" || echo "{said}"\n', encoding="utf-8")
    program.chmod(0o755)


def titles(environment: Environment, kind: str, version: str = "1.2.3") -> list[str]:
    return [attempt.title for attempt in llama_build.attempts(environment, Build(kind), version)]


COMPILE = "llama.cpp from source (takes minutes)"


def test_a_published_wheel_comes_before_a_compile(published, bare_machine):
    """Nothing is compiled where the author's CPU wheel can be had."""
    first, last = llama_build.attempts(bare_machine, Build("auto"), "1.2.3")
    assert first.title == "llama.cpp, ready-made (cpu)"
    assert first.words == ["--only-binary=llama-cpp-python", f"--extra-index-url={llama_build.WHEELS}/cpu"]
    assert last.is_compile
    assert published == ["/cpu/llama-cpp-python/"]


def test_a_version_that_was_not_published_is_compiled(published, bare_machine):
    """The page is there, but does not list what is pinned."""
    assert titles(bare_machine, "auto", version="1.2.4") == [COMPILE]


def test_pages_that_cannot_be_reached_cost_a_moment_and_no_error(bare_machine, monkeypatch):
    """Behind a firewall the set-up goes on with what the registry has."""
    monkeypatch.setattr(llama_build, "WHEELS", "http://127.0.0.1:9")
    assert titles(bare_machine, "auto") == [COMPILE]


def test_a_gpu_gets_the_newest_cuda_wheel_its_driver_knows_then_the_cpus(published, bare_machine, tmp_path):
    """`nvidia-smi` says which CUDA the driver can run."""
    nvidia_smi(tmp_path, "12.8", "9.0")
    assert titles(bare_machine, "auto") == [
        "llama.cpp, ready-made (cu125)",
        "llama.cpp, ready-made (cpu)",
        COMPILE,
    ]


def test_whoever_asks_for_cuda_never_gets_a_cpu_build(published, bare_machine, tmp_path):
    """`--cuda`: a CUDA wheel, or a compile with CUDA that must really have GPU code in it."""
    nvidia_smi(tmp_path, "12.8", "9.0")
    wheel, compile_ = llama_build.attempts(bare_machine, Build("cuda"), "1.2.3")
    assert wheel.is_gpu
    assert compile_.is_gpu
    assert compile_.env is not None
    assert compile_.env["CMAKE_ARGS"] == "-DGGML_CUDA=on -DGGML_RPC=ON"


def test_the_users_own_arguments_are_compiled_and_never_downloaded(published, bare_machine):
    """A published wheel cannot have them."""
    (only,) = llama_build.attempts(bare_machine, Build("own", "-DGGML_VULKAN=on"), "1.2.3")
    assert only.is_compile
    assert published == []


def test_a_mac_takes_the_metal_wheel_and_its_compile_has_metal_by_itself(
    published, bare_machine, monkeypatch
):
    """No flag is needed on a Mac, neither for the wheel (here not published) nor for the compile."""
    monkeypatch.setattr(sys, "platform", "darwin")
    (compile_,) = llama_build.attempts(bare_machine, Build("auto"), "1.2.3")
    assert published == ["/metal/llama-cpp-python/"]
    assert compile_.env is not None
    assert compile_.env["CMAKE_ARGS"] == "-DGGML_RPC=ON"


@pytest.mark.parametrize(
    ("driver", "capability", "expected"),
    [
        ((0, 0), 0.0, []),
        ((11, 7), 8.0, []),
        ((11, 8), 8.6, ["cu118"]),
        ((11, 8), 9.0, []),
        ((12, 3), 9.0, ["cu123"]),
        ((13, 1), 8.9, ["cu130"]),
        ((13, 4), 9.0, ["cu132"]),
        ((13, 0), 6.1, ["cu125"]),
    ],
)
def test_cuda_wheels_are_chosen_by_driver_and_gpu(driver, capability, expected):
    """CUDA 13 dropped GPUs older than 7.5, CUDA 11.8 does not know those newer than 8.9."""
    assert llama_build.cuda_variants(driver, capability) == expected


def test_every_set_of_arguments_has_a_cache_of_its_own():
    """None may meet another's wheel, nor one that something else left in pip's own cache."""
    caches = [
        llama_build.cache_words(Build(*words))
        for words in (("auto",), ("cuda",), ("own", "-DA=1"), ("own", "-DA=2"))
    ]
    assert all(words[0].startswith("--cache-dir=") for words in caches)
    assert len({tuple(words) for words in caches}) == 4


def test_what_was_compiled_with_the_same_arguments_is_never_compiled_again():
    """With nothing said, for the tests, and by whoever asks for RPC in words of CMake: one and the same build."""
    builds = (Build("auto"), Build("rpc"), Build("own", "-DGGML_RPC=ON"))
    assert len({tuple(llama_build.cache_words(build)) for build in builds}) == 1


def test_a_compile_has_rpc_unless_the_user_says_otherwise():
    """The user's own arguments win."""
    assert Build("auto").cmake_args == "-DGGML_RPC=ON"
    assert Build("own", "-DGGML_VULKAN=on").cmake_args == "-DGGML_RPC=ON -DGGML_VULKAN=on"
    assert Build("own", "-DGGML_RPC=OFF").cmake_args == "-DGGML_RPC=OFF"


def test_whoever_asks_for_rpc_never_gets_a_published_wheel(published, bare_machine):
    """Those have none; what is taken is tried, and nothing but the source is compiled."""
    (only,) = llama_build.attempts(bare_machine, Build("rpc"), "1.2.3")
    assert only.is_compile
    assert only.is_rpc
    assert "--no-binary=llama-cpp-python" in only.words
    assert published == []


def test_a_cached_wheel_that_does_not_load_is_not_taken_again(bare_machine):
    """The compile that follows it must not find it in the cache."""
    wheel = "/cache/llama_cpp_python-1.2.3-py3-none-linux_x86_64.whl"
    bare_machine.python.write_text(f"#!/bin/sh\necho {wheel}\n", encoding="utf-8")
    cached, compile_ = llama_build.attempts(bare_machine, Build("own", "-DA=1"), "1.2.3")
    assert "--find-links=/cache" in cached.words
    assert "--no-cache-dir" in compile_.words


def test_a_build_survives_being_written_down():
    """The stamp keeps it as text."""
    for build in (Build("auto"), Build("cuda"), Build("own", "-DA=1 -DB=2")):
        assert Build.parse(str(build)) == build
