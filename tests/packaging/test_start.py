"""`python3 packaging/start.py`, run as a person runs it, with fakes for the programs it calls."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from .conftest import Checkout


def wait_for(checkout: Checkout, word: str) -> None:
    """Until the fakes have been called so; a minute is long enough for any machine."""
    deadline = time.monotonic() + 60
    while not any(word in call for call in checkout.calls):
        assert time.monotonic() < deadline, f"{word} was never called: {checkout.calls}"
        time.sleep(0.01)


def test_the_first_start_sets_up_and_hands_the_words_and_the_exit_status_over(checkout: Checkout):
    """A fresh checkout ends in localllm itself, which gets every word and whose exit status is the answer."""
    done = checkout.start("chat", "What is localllm?", "--json")
    assert done.stdout == "localllm got: chat What is localllm? --json\n"
    assert done.returncode == 7
    assert json.loads(checkout.stamp.read_text("utf-8"))["llama"] == "1.2.3"


def test_what_the_set_up_says_goes_to_stderr_with_the_time_of_each_step(checkout: Checkout):
    """stdout belongs to localllm, so that its JSON can be piped even on the first start."""
    said = checkout.start("list").stderr
    for step in (
        "private environment",
        "llama.cpp from source (takes minutes)",
        "localllm and what it needs",
    ):
        assert f"  {step}: done in " in said
    assert str(checkout.root / ".venv" / "setup.log") in said


def test_a_second_start_does_nothing_but_start(checkout: Checkout):
    """With everything there, no program is called and nothing is said before localllm speaks."""
    checkout.start()
    before = checkout.calls
    again = checkout.start("list")
    assert (again.stdout, again.stderr) == ("localllm got: list\n", "")
    assert checkout.calls == before


def test_the_compile_is_logged_line_by_line_with_the_time_of_day(checkout: Checkout):
    """The log holds what pip and the compiler said, for whoever has to find out why."""
    checkout.start()
    lines = [line for line in checkout.log.splitlines() if line.endswith("[1/2] c++ first.cpp")]
    assert len(lines) == 1
    time.strptime(lines[0].split()[0], "%H:%M:%S")


def test_test_sets_up_the_test_extra_and_runs_pytest_with_the_words(checkout: Checkout):
    """`start.py test tests/chat -x` is pytest with these words, in an environment that has what tests need."""
    done = checkout.start("test", "tests/chat", "-x")
    assert done.stdout == "ran: -m pytest tests/chat -x\n"
    assert any(call.endswith("checkout[test]") for call in checkout.calls)


def test_an_environment_for_the_tests_serves_ordinary_starts_too(checkout: Checkout):
    """Going to and fro between `test` and the program installs nothing twice."""
    checkout.start()
    checkout.start("test")
    before = checkout.calls
    checkout.start()
    checkout.start("test")
    assert checkout.calls == before
    assert sum("venv" in call.split() for call in before) == 1


def test_a_new_dependency_is_installed_into_the_environment_that_is_there(checkout: Checkout):
    """After an update of the checkout only what is new is fetched; llama.cpp is left alone."""
    checkout.start()
    before = len(checkout.calls)
    project = checkout.root / "pyproject.toml"
    project.write_text(project.read_text("utf-8").replace('["llama', '["flask", "llama'), encoding="utf-8")
    checkout.start()
    assert [call.split()[:3] for call in checkout.calls[before:]] == [["uv", "pip", "install"]]


def test_settings_of_tools_in_pyproject_change_nothing(checkout: Checkout):
    """Only what an environment depends on is part of its fingerprint."""
    checkout.start()
    before = checkout.calls
    with (checkout.root / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("[tool.ruff]\nline-length = 99\n")
    checkout.start()
    assert checkout.calls == before


def test_another_python_in_the_environment_means_a_new_environment(checkout: Checkout):
    """When the system's Python was upgraded under it, the environment is made again."""
    checkout.start()
    before = len(checkout.calls)
    checkout.env["FAKE_VERSION"] = "3.99"
    checkout.start()
    assert any(call.startswith("uv venv") for call in checkout.calls[before:])


def test_an_interrupted_set_up_is_repeated_and_never_taken_for_finished(checkout: Checkout):
    """Ctrl-C during the compile: everything stops, the exit status says so, and the next start begins anew."""
    (checkout.fakes / "hang").touch()
    child = checkout.launch()
    wait_for(checkout, "llama-cpp-python==1.2.3")
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Stopped. The same command goes on from here." in said
    (checkout.fakes / "hang").unlink()
    assert checkout.start().returncode == 7
    assert sum(call.startswith("uv venv") for call in checkout.calls) == 2


def test_two_starts_at_once_set_up_once(checkout: Checkout):
    """A double double-click: the second waits for the first, then both run."""
    children = [checkout.launch("list"), checkout.launch("list")]
    outputs = [child.communicate(timeout=60)[0] for child in children]
    assert outputs == ["localllm got: list\n"] * 2
    assert sum(call.startswith("uv venv") for call in checkout.calls) == 1


def test_a_failure_names_the_step_the_last_lines_the_meaning_and_the_log(checkout: Checkout):
    """The person reads what broke and what to do, and where the rest is."""
    (checkout.fakes / "pip-says").write_text("fine\nfatal error: No space left on device\n", encoding="utf-8")
    failed = checkout.start()
    assert failed.returncode == 1
    assert "The set-up stopped at `llama.cpp from source (takes minutes)` after " in failed.stderr
    assert "    fatal error: No space left on device\n" in failed.stderr
    assert "The disk is full: make room and start again." in failed.stderr
    assert str(checkout.root / ".venv" / "setup.log") in failed.stderr
    (checkout.fakes / "pip-says").unlink()
    assert checkout.start().returncode == 7


def test_a_failed_update_leaves_the_old_environment_usable(checkout: Checkout):
    """Offline after a `git pull`: going back to the old pyproject.toml needs no network."""
    checkout.start()
    project = checkout.root / "pyproject.toml"
    old = project.read_text("utf-8")
    project.write_text(old.replace("1.2.3", "1.2.4"), encoding="utf-8")
    (checkout.fakes / "pip-says").write_text("Temporary failure in name resolution\n", encoding="utf-8")
    assert "registry cannot be reached" in checkout.start().stderr
    project.write_text(old, encoding="utf-8")
    assert checkout.start("list").stdout == "localllm got: list\n"


def test_without_a_compiler_one_sentence_names_the_command_of_this_system(checkout: Checkout):
    """No cc on a Debian: the sentence says apt, and nothing was compiled."""
    (checkout.fakes / "bin" / "c++").unlink()
    checkout.program("apt-get")
    failed = checkout.start()
    assert failed.returncode == 1
    if sys.platform == "linux":
        assert (
            "there is no C and C++ compiler: run `sudo apt install build-essential` and start again."
            in failed.stderr
        )
        assert not any("llama-cpp-python" in call for call in checkout.calls)


def test_a_wheel_in_pips_cache_needs_no_compiler(checkout: Checkout):
    """What was compiled once is used again: no compiler is asked for and pip may not compile."""
    for name in ("cc", "c++"):
        (checkout.fakes / "bin" / name).unlink()
    checkout.env["FAKE_CACHED"] = "/cache/ab/llama_cpp_python-1.2.3-py3-none-any.whl"
    assert checkout.start().returncode == 7
    (install,) = [call for call in checkout.calls if "llama-cpp-python==1.2.3" in call]
    assert "--only-binary=llama-cpp-python --find-links=/cache/ab" in install


def cache_of(call: str) -> str:
    (word,) = [word for word in call.split() if word.startswith("--cache-dir=")]
    return word


def test_the_tests_get_a_llama_cpp_with_rpc_and_ordinary_starts_keep_it(checkout: Checkout):
    """Nothing is left out of the tests; and going back to the program compiles nothing twice."""
    checkout.start("test")
    (install,) = [call for call in checkout.calls if "llama-cpp-python==" in call]
    assert "--no-binary=llama-cpp-python" in install
    assert install.endswith("CMAKE_ARGS=-DGGML_RPC=ON")
    before = checkout.calls
    checkout.start("list")
    assert checkout.calls == before


def test_cuda_is_compiled_with_its_flag_in_a_cache_of_its_own_and_is_remembered(checkout: Checkout):
    """pip's cache does not know CMAKE_ARGS, so a CUDA build must not meet another one there."""
    checkout.program("nvcc")
    checkout.start("--cuda", "list")
    (install,) = [call for call in checkout.calls if "llama-cpp-python==" in call]
    assert "--cache-dir=" in install
    assert install.endswith("CMAKE_ARGS=-DGGML_CUDA=on -DGGML_RPC=ON")
    before = checkout.calls
    assert checkout.start("list").stdout == "localllm got: list\n"
    assert checkout.calls == before
    checkout.start("--cpu", "list")
    plain = [call for call in checkout.calls if "llama-cpp-python==" in call][-1]
    assert cache_of(plain) != cache_of(install)
    assert "CUDA" not in plain


def test_cmake_args_of_the_users_are_honoured(checkout: Checkout):
    """The documented escape for Vulkan, ROCm, OpenBLAS and what comes next."""
    checkout.env["CMAKE_ARGS"] = "-DGGML_VULKAN=on"
    checkout.start()
    (install,) = [call for call in checkout.calls if "llama-cpp-python==" in call]
    assert install.endswith("CMAKE_ARGS=-DGGML_RPC=ON -DGGML_VULKAN=on")
    assert "--cache-dir=" in install


def test_a_build_that_does_not_load_is_never_called_ready(checkout: Checkout):
    """The library is loaded once before the stamp is written."""
    checkout.env["FAKE_TRIAL"] = "1"
    failed = checkout.start()
    assert failed.returncode == 1
    assert "llama.cpp does not start here" in failed.stderr
    assert json.loads(checkout.stamp.read_text("utf-8")) == {"unfinished": True}


def test_an_environment_of_somebody_elses_is_kept_under_another_name(checkout: Checkout):
    """`.venv` made by hand or by `uv run` is moved aside, not emptied."""
    foreign = checkout.root / ".venv"
    foreign.mkdir()
    (foreign / "pyvenv.cfg").touch()
    (foreign / "precious").touch()
    assert checkout.start().returncode == 7
    (kept,) = checkout.root.glob(".venv-before-*")
    assert (kept / "precious").exists()


def test_where_uv_fails_pip_is_tried(checkout: Checkout):
    """uv knows nothing of pip's mirrors; a machine where only pip works must still get set up."""
    uv = (checkout.fakes / "bin" / "uv").read_text("utf-8")
    checkout.program("uv", uv.replace("else\n", "else\n    exit 2\n"))
    done = checkout.start()
    assert "uv could not do it; going on with pip." in done.stderr
    assert any("pip" in call and "--editable" in call and "uv" not in call.split() for call in checkout.calls)


def test_the_double_click_passes_words_and_exit_status_on(checkout: Checkout):
    """localllm.sh and localllm.command are start.py with the first Python that runs."""
    checkout.program("python3.14", "#!/bin/sh\nexit 127\n")  # a name that pyenv left behind
    checkout.program("python3", '#!/bin/sh\n[ "$1" = -c ] || echo "python3 got: $*"\n')
    for name in ("localllm.sh", "localllm.command"):
        script = checkout.root / "packaging" / name
        done = subprocess.run(
            ["/bin/sh", script, "list", "a b"], env=checkout.env, capture_output=True, text=True
        )
        assert done.stdout == f"python3 got: {script.parent}/start.py list a b\n"
        assert done.returncode == 0


def test_the_double_click_without_python_says_what_to_install(checkout: Checkout):
    """One sentence, and an exit status that says it failed."""
    script = checkout.root / "packaging" / "localllm.sh"
    done = subprocess.run(
        ["/bin/sh", script], env=checkout.env, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.stderr.startswith("localllm needs Python 3.11 or newer")
    assert done.returncode == 1


def test_the_flags_and_variables_are_documented():
    """docs/install.md names everything that changes what start.py does."""
    told = (Path(__file__).parents[2] / "docs" / "install.md").read_text("utf-8")
    for name in (
        "--cuda",
        "--cpu",
        "CMAKE_ARGS",
        "CMAKE_BUILD_PARALLEL_LEVEL",
        "HTTPS_PROXY",
        "TMPDIR",
        "setup.log",
    ):
        assert name in told, f"docs/install.md does not mention {name}"
