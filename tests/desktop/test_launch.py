"""`localllm` without a verb, as a process: as the double-click starts it, with a browser that is a script."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the browser of these tests is a shell script, found as on Linux"
)

# Says which page it was told to show, and stays until it is ended, as a window does.
BROWSER = """#!/bin/sh
echo "$*" >> "$SHOWN"
[ -z "$SHOWN_ONCE" ] || exit 0
exec sleep 600
"""
# Fails at any connection to elsewhere, and any question to a name server: nothing phones home.
AT_HOME = """
import sys
def watch(event, args):
    far = None
    if event == "socket.connect":
        far = args[1][0] if isinstance(args[1], tuple) else None
    elif event == "socket.getaddrinfo":
        far = args[0]
    if far not in (None, "", "127.0.0.1", "::1", "localhost", "0.0.0.0", "::"):
        sys.stderr.write(f"PHONED {far}\\n")
sys.addaudithook(watch)
from localllm.cli import main
main()
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Desk:
    """A person's desk: a home, a screen with one browser, and what was started."""

    home: Path
    shown: Path
    environ: dict[str, str]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(
        self, code: str = "from localllm.cli import main; main()", **environ: str
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            env=self.environ | environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def running(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        """What it wrote down, once its page was shown."""
        self.wait(lambda: (self.home / "running.json").exists(), process)
        record: dict[str, Any] = json.loads((self.home / "running.json").read_text(encoding="utf-8"))
        self.wait(lambda: record["url"] in self.pages(), process)
        return record

    def pages(self) -> str:
        return self.shown.read_text(encoding="utf-8") if self.shown.exists() else ""

    def wait(self, is_so: Callable[[], bool], process: subprocess.Popen[str]) -> None:
        deadline = time.monotonic() + 120
        while not is_so():
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def ask(self, url: str) -> str:
        """The guide's answer."""
        body = {
            "model": "guide",
            "messages": [{"role": "user", "content": "What is localllm?"}],
            "max_tokens": 40,
        }
        request = urllib.request.Request(
            f"{url}/v1/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as response:
            return str(json.load(response)["choices"][0]["message"]["content"])

    def quit(self, url: str, process: subprocess.Popen[str]) -> str:
        """What it said in all its life."""
        request = urllib.request.Request(f"{url}/quit", b"{}", {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            assert response.status == 200
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        return said


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Its folders have spaces, Cyrillic and Chinese in their names."""
    room = tmp_path / "Рабочий стол 我的 桌面"
    (room / "bin").mkdir(parents=True)
    for name in ("google-chrome-stable", "xdg-open"):  # the first that is looked for
        program = room / "bin" / name
        program.write_text(BROWSER, encoding="utf-8")
        program.chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LOCALLLM_", "BROWSER", "WAYLAND"))}
    environ = kept | {
        "PATH": f"{room / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin",
        "LOCALLLM_HOME": str(room / "home"),
        "LOCALLLM_PORT": str(free_port()),
        "DISPLAY": ":0",
        "SHOWN": str(room / "shown"),
        "TMPDIR": str(room),
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    made = Desk(room / "home", room / "shown", environ)
    yield made
    for process in made.started:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_it_opens_its_page_finds_itself_again_and_quits_from_the_page(desk: Desk):
    """The whole of a double-click's life: one server, one window, a second start that only shows it, nothing left."""
    first = desk.start()
    record = desk.running(first)
    assert record["pid"] == first.pid
    assert f"--app={record['url']}" in desk.pages()
    second = desk.start(SHOWN_ONCE="1")
    said, _ = second.communicate(timeout=120)
    assert second.returncode == 0
    assert f"running already at {record['url']} (process {first.pid})" in said
    assert desk.pages().count(f"--app={record['url']}") == 2
    said = desk.quit(record["url"], first)
    assert f"is running at {record['url']}" in said
    assert not (desk.home / "running.json").exists()
    assert "Listening at" in (desk.home / "logs" / "localllm.log").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_port_that_another_program_has_means_the_next_free_one_shown_and_written_down(desk: Desk):
    """And the other verbs find it there."""
    with socket.create_server(("127.0.0.1", int(desk.environ["LOCALLLM_PORT"]))) as taken:
        first = desk.start()
        record = desk.running(first)
        assert record["port"] > taken.getsockname()[1]
        words = [sys.executable, "-m", "localllm", "ps"]
        assert "No model is in memory" in subprocess.check_output(words, env=desk.environ, text=True)
        said = desk.quit(record["url"], first)
    assert f"so this is port {record['port']}" in said


@pytest.mark.slow
def test_a_key_is_never_in_the_browsers_command(desk: Desk):
    """It goes to the page by a private file."""
    first = desk.start(LOCALLLM_API_KEY="sk-secret")
    desk.wait(lambda: "open-page.html" in desk.pages(), first)
    assert "sk-secret" not in desk.pages()
    first.terminate()
    first.communicate(timeout=120)
    assert first.returncode == 0


def test_nothing_phones_home(desk: Desk):
    """Without a network all is as ever: no connection leaves this computer, no name is looked up, the guide answers."""
    first = desk.start(AT_HOME)
    record = desk.running(first)
    assert "localllm" in desk.ask(record["url"])
    assert "PHONED" not in desk.quit(record["url"], first)


@pytest.mark.slow
def test_without_a_browser_it_serves_and_says_where(desk: Desk):
    """The sentence names the address's only condition: a browser on this computer."""
    for program in Path(desk.environ["PATH"].split(os.pathsep)[0]).iterdir():
        program.unlink()
    desk.environ["PATH"] = desk.environ["PATH"].split(os.pathsep)[0]
    first = desk.start()
    desk.wait(lambda: (desk.home / "running.json").exists(), first)
    said = desk.quit(json.loads((desk.home / "running.json").read_text())["url"], first)
    assert "No browser could be opened here: open the address in any browser on this computer." in said


def test_a_start_that_fails_without_a_console_shows_a_page_that_says_why(desk: Desk):
    """Nobody reads a console that is not there."""
    desk.home.mkdir()
    (desk.home / "settings.toml").write_text("porrt = 1\n", encoding="utf-8")
    failed = desk.start()
    said, _ = failed.communicate(timeout=120)
    assert failed.returncode == 1
    assert "Traceback" not in said
    assert "start-error.html" in desk.pages()
    page = (desk.home / "start-error.html").read_text(encoding="utf-8")
    assert "porrt" in page
    assert "Did you mean" in page


@pytest.mark.slow
def test_a_read_only_home_serves_and_says_what_is_not_kept(desk: Desk):
    """The page opens, a second start finds the first, and the sentence says what to do."""
    file = desk.home.parent / "file"
    file.touch()
    first = desk.start(LOCALLLM_HOME=str(file / "home"))
    desk.wait(lambda: "--app=http" in desk.pages(), first)
    second = desk.start(LOCALLLM_HOME=str(file / "home"), SHOWN_ONCE="1")
    said, _ = second.communicate(timeout=120)
    assert "running already at" in said
    url = said.split("running already at ")[1].split()[0]
    assert "localllm" in desk.ask(url)
    said = desk.quit(url, first)
    assert "cannot be written, so settings and downloads are not kept there" in said
