"""`localllm connect open-webui`: the exact address and key to type there, tested, for each way Open WebUI is run.

`localllm connect ADDRESS`: what another server has, as entries that forward to it.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from localllm import facts
from localllm.cli.elsewhere import connect_to
from localllm.cli.output import json_option, print_json
from localllm.cli.running import ANSWER_TIMEOUT_S, LOOPBACK, known_key, port_here, running_version
from localllm.config import load_config
from localllm.paths import user_paths

DOCKER_BRIDGE = "172.17.0.1"  # Docker's default on Linux; asked for below, where Docker is there to be asked
ANY_KEY = "localllm"
OPEN_WEBUI = "open-webui"
TO_WSL = "Windows forwards localhost to WSL; with mirrored networking nothing else is needed either."
FROM_WSL = (
    "WSL shares localhost with Windows where .wslconfig says networkingMode=mirrored under [wsl2] (then "
    "`wsl --shutdown`); a container in WSL needs --network=host besides. Without it, serve with --host and the address "
    "that `ip route show default` prints in WSL, use that address in the URL, and let Windows' firewall pass it."
)


@dataclass(frozen=True)
class Way:
    """One way Open WebUI may run, and what to type into it. `listen`: the address `serve` needs, if not the usual."""

    name: str
    url: str
    listen: str | None = None
    note: str = ""

    @property
    def host(self) -> str:
        """The address of this computer that the way ends at."""
        return self.listen or LOOPBACK


@click.command("connect")
@click.argument("name", default=OPEN_WEBUI)
@click.option("--port", type=int, help="open-webui: port of this server; the settings' port otherwise.")
@click.option("--add", "is_adding", is_flag=True, help="ADDRESS: put its models into the catalog.")
@click.option("--model", "names", multiple=True, help="ADDRESS: only this model of it; may be repeated.")
@click.option("--key-env", default="", help="ADDRESS: the environment variable that holds its key.")
@click.option("--key-file", default="", help="ADDRESS: the file that holds its key.")
@json_option
def command(
    name: str,
    port: int | None,
    is_adding: bool,
    names: tuple[str, ...],
    key_env: str,
    key_file: str,
    as_json: bool,
) -> None:
    """Connect NAME: open-webui (what to type there), or the ADDRESS of another server (use its models here).

    ADDRESS is a host, host:port or URL, of another localllm or of any OpenAI-compatible server.
    """
    if name == OPEN_WEBUI:
        say_how_to_connect(port, as_json=as_json)
    else:
        connect_to(name, names, key_env, key_file, is_adding=is_adding, as_json=as_json)


def say_how_to_connect(port: int | None, *, as_json: bool) -> None:
    """Open WebUI: address, key, and whether it can be reached."""
    config = load_config(user_paths(), {"port": port or port_here()})
    version = running_version(config.port)
    ways = ways_to(config.port, sys.platform, bridge_address(), is_wsl=_is_wsl())
    key = known_key() or ANY_KEY
    if as_json:
        rows = [asdict(way) | {"reachable": who_answers(way, config.port) == "localllm"} for way in ways]
        print_json({"program": OPEN_WEBUI, "key": key, "running": version, "ways": rows})
        return
    running = (
        f"localllm {version} is running"
        if version
        else f"localllm is not running: start it with `{facts.SERVE}`"
    )
    click.echo(f"{running} (port {config.port}).\n")
    click.echo("In Open WebUI: Settings > Admin > Connections > OpenAI API > +")
    click.echo(f"  Key        {key}{'   (any text will do on this computer)' if key == ANY_KEY else ''}")
    click.echo("  Provider   llama.cpp, to load and unload models from there")
    for way in ways:
        _print(way, config.port)


def _print(way: Way, port: int) -> None:
    click.echo(f"\n{way.name}\n  URL        {way.url}")
    answering = who_answers(way, port)
    if answering == "localllm":
        click.echo(f"  Tested     it answers on this computer, at {way.host}")
    elif way.listen:
        click.echo(
            f"  First      {facts.SERVE} --host {way.listen}   (localhost works too; type the key that it shows)"
        )
    elif answering:
        click.echo(
            f"  Tested     {answering} has {way.host}:{port}: end it, or start localllm with another --port"
        )
    if way.note:
        click.echo(f"  Note       {way.note}")


def ways_to(port: int, platform: str, bridge: str, *, is_wsl: bool) -> Sequence[Way]:
    """The ways that can occur on this system. None asks to listen more widely than it needs."""
    here = f"http://localhost:{port}/v1"
    container = f"http://host.docker.internal:{port}/v1"
    usual = Way("Open WebUI installed on this computer (pip, uvx, desktop app)", here)
    docker_desktop = Way("In Docker Desktop", container)
    docker_engine = Way(
        "In Docker Engine",
        container,
        listen=bridge,
        note="Start the container with --add-host=host.docker.internal:host-gateway. Where it does not reach "
        f"localllm all the same, a firewall of this computer (ufw, firewalld) keeps Docker's network from port {port}.",
    )
    if is_wsl:
        return [
            usual,
            docker_desktop,
            docker_engine,
            Way("In Windows, while localllm runs in WSL", here, note=TO_WSL),
        ]
    if platform == "linux":
        return [usual, Way("In Docker, with --network=host", here), docker_engine, docker_desktop]
    if platform == "win32":
        return [usual, docker_desktop, Way("In WSL, while localllm runs in Windows", here, note=FROM_WSL)]
    return [usual, docker_desktop]


def who_answers(way: Way, port: int) -> str:
    """Who has the address that the way ends at on this computer: "localllm", "another program", or nobody ("")."""
    if running_version(port, way.host):
        return "localllm"
    with socket.socket(socket.AF_INET6 if ":" in way.host else socket.AF_INET) as probe:
        probe.settimeout(ANSWER_TIMEOUT_S)
        return "another program" if probe.connect_ex((way.host, port)) == 0 else ""


def bridge_address() -> str:
    """The address of this computer that Docker's containers see: of its bridge, and of nothing wider."""
    docker = shutil.which("docker")
    if docker is None:
        return DOCKER_BRIDGE
    form = "{{range .IPAM.Config}}{{.Gateway}}{{end}}"
    try:
        asked = subprocess.run(
            [docker, "network", "inspect", "bridge", "--format", form],
            capture_output=True, text=True, timeout=5, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return DOCKER_BRIDGE
    return asked.stdout.strip() or DOCKER_BRIDGE


def _is_wsl() -> bool:
    try:
        return "microsoft" in Path("/proc/version").read_text(encoding="utf-8").lower()
    except OSError:
        return False
