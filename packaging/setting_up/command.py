"""The words after `start.py`: which environment they need, is it there, make it if not, hand over to localllm."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from . import llama_build, needs
from .build_log import telling_lines
from .environment import Environment, Project, Stamp, environment_of
from .steps import CommandFailed, Screen, SetupFailed, Steps, duration

ROOT = Path(__file__).resolve().parent.parent.parent
FLAGS = {"--cuda": "cuda", "--cpu": "cpu", "--rpc": "rpc"}


def main(words: list[str], root: Path = ROOT) -> int:
    """Set up what `words` need, where it is not there yet, and become that program. Gives an exit status."""
    flag = ""
    while words and words[0] in FLAGS:
        flag, words = FLAGS[words[0]], words[1:]
    is_test = words[:1] == ["test"]
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # to be asked to stop is the same as Ctrl-C
    try:
        environment = ready_environment(root, flag, ["test"] if is_test else [])
    except SetupFailed as problem:
        return failed(str(problem), words)
    except OSError as problem:
        return failed(f"The set-up stopped: {problem}. Put that right and start again.", words)
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130
    if is_test:
        os.chdir(root)
        return become([str(environment.python), "-m", "pytest", *words[1:]])
    return become([str(environment.program("localllm")), *words])


def failed(sentence: str, words: list[str]) -> int:
    """Say why, on a page too where it was a double-click without a terminal. Gives the exit status."""
    print(f"\n{sentence}", file=sys.stderr)
    if not words and not sys.stderr.isatty():
        from . import error_page  # a start that goes well does without

        error_page.show(sentence)
    return 1


def become(command: list[str]) -> int:
    """Replace this process by `command`; on Windows, run it, let it have Ctrl-C, and give its exit status."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform != "win32":
        os.execv(command[0], command)
    child = subprocess.Popen(command)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            continue  # the console sent it to the child as well, and what it means is for the child to say


def ready_environment(root: Path, flag: str, extras: list[str]) -> Environment:
    """The environment that holds what is wanted; made or changed first where it does not. Raises SetupFailed."""
    environment = environment_of(root)
    have = present_stamp(environment)
    want = wanted_stamp(root, have, flag, extras)
    if have and have.change_to(want) == "nothing":
        return environment
    if aside := environment.step_aside_for():
        print(f"There was an environment of somebody else's; it is now called {aside}.", file=sys.stderr)
    if missing := needs.missing_for_environment(environment.folder):
        raise SetupFailed("\n".join(missing))
    environment.folder.mkdir(parents=True, exist_ok=True)
    with environment.lock():
        have = present_stamp(environment)  # another start may have finished it meanwhile
        want = wanted_stamp(root, have, flag, extras)
        if not have or have.change_to(want) != "nothing":
            set_up(environment, root, have, want)
    return environment


def present_stamp(environment: Environment) -> Stamp | None:
    """The stamp, where what it says is still true of the environment's Python."""
    stamp = environment.stamp()
    return stamp if stamp and stamp.python == environment.python_version() else None


def wanted_stamp(root: Path, have: Stamp | None, flag: str, extras: list[str]) -> Stamp:
    """What the environment should hold. An environment that works keeps its Python and its build of llama.cpp."""
    project = Project.read(root)
    otherwise = "rpc" if "test" in extras else "auto"  # nothing is left out of the tests
    return Stamp(
        root=str(root),
        python=have.python if have else f"{sys.version_info[0]}.{sys.version_info[1]}",
        llama=project.llama,
        build=str(llama_build.chosen_build(flag, have.build if have else "", otherwise)),
        project=project.fingerprint,
        extras=extras,
    )


def set_up(environment: Environment, root: Path, have: Stamp | None, want: Stamp) -> None:
    """Make the environment, or bring it up to date. Raises SetupFailed, which names the log."""
    screen = Screen(sys.stderr)
    steps = Steps(environment.log, screen)
    started = time.monotonic()
    screen.say(f"Setting localllm up. Everything it says is kept in {environment.log}.")
    change = have.change_to(want) if have else "afresh"
    environment.begin()
    try:
        if change == "afresh":
            create(environment, steps)
            llama_build.install(environment, steps, llama_build.Build.parse(want.build), want.llama)
        elif have and have.llama != want.llama:
            llama_build.install(environment, steps, llama_build.Build.parse(want.build), want.llama)
        install_project(environment, steps, root, want.extras)
        environment.finish(want.joined_with(have) if have and change == "update" else want)
        screen.say(f"Ready after {duration(time.monotonic() - started)}.\n")
    except (CommandFailed, SetupFailed) as problem:
        if have and change == "update":
            environment.finish(have)  # pip undoes what it could not finish, so what was there still works
        raise SetupFailed(in_words(problem, steps)) from problem
    finally:
        steps.close()


def in_words(problem: CommandFailed | SetupFailed, steps: Steps) -> str:
    """What happened, what to do, and where the log is."""
    if isinstance(problem, SetupFailed):
        return f"{problem}\nWhat was said so far is in {steps.log}."
    said = "\n".join(f"    {line}" for line in telling_lines(problem.lines))
    meaning = needs.explain(problem.lines, problem.code)
    after = f"The set-up stopped at `{steps.title}` after {duration(steps.elapsed_s)}:"
    return f"{after}\n{said}\n{meaning}\nThe whole log is {steps.log}."


def create(environment: Environment, steps: Steps) -> None:
    """A new, empty environment with pip in it."""
    with steps.step("private environment"):
        environment.empty()
        base = str(
            getattr(sys, "_base_executable", sys.executable)
        )  # start.py may run on the one just emptied
        folder = str(environment.folder)
        run_uv_or_else(
            steps,
            ["venv", "--seed", "--allow-existing", "--python", base, folder],
            [base, "-m", "venv", folder],
        )


def install_project(environment: Environment, steps: Steps, root: Path, extras: list[str]) -> None:
    """localllm, editable so that the checkout's code runs, and what it needs."""
    project = f"{root}[{','.join(extras)}]" if extras else str(root)
    with steps.step("localllm and what it needs"):
        python = str(environment.python)
        run_uv_or_else(
            steps,
            ["pip", "install", "--python", python, "--editable", project],
            [python, "-m", "pip", "--disable-pip-version-check", "install", "--editable", project],
        )


def run_uv_or_else(steps: Steps, uv_words: list[str], command: list[str]) -> None:
    """uv where it is present and works (it knows nothing of pip's mirrors and certificates), else `command`."""
    if uv := shutil.which("uv"):
        try:
            steps.run([uv, *uv_words])
            return
        except CommandFailed:
            steps.note("uv could not do it; going on with pip.")
    steps.run(command)
