"""`localllm worker`: let other computers put layers of their models on this one (llama.cpp's RPC, experimental)."""

from __future__ import annotations

import ipaddress
import signal
import socket
import sys
from typing import NoReturn

import click

from localllm import errors, facts
from localllm.cli.output import size
from localllm.engine.rpc_server import RpcServer, Started, WorkerSettings
from localllm.paths import user_paths

DEFAULT_LISTEN = f"127.0.0.1:{facts.WORKER_PORT}"
WAIT_S = 0.5
WARNING = "The protocol has no authentication and no encryption, and its code trusts what it is sent."


@click.command("worker")
@click.option(
    "--listen", metavar="ADDRESS", default=DEFAULT_LISTEN, help=f"host:port, {DEFAULT_LISTEN} otherwise."
)
@click.option(
    "--trust-network",
    is_flag=True,
    help="Listen beyond this computer: everybody who reaches the address may use, read and crash the worker.",
)
@click.option("--threads", type=click.IntRange(min=1), help="Threads to compute with on the processor.")
@click.option(
    "--cache", is_flag=True, help="Keep the weights on disk, so that a reload need not send them again."
)
def command(listen: str, trust_network: bool, threads: int | None, cache: bool) -> None:
    """Compute layers of models for other computers (experimental)."""
    address = listen_address(listen, trust_network=trust_network)
    paths = user_paths()
    settings = WorkerSettings(
        address,
        log_path=str(paths.logs / "worker.log"),
        num_threads=threads or 0,
        cache_dir=str(paths.cache / "rpc") if cache else "",
    )
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    server = RpcServer(settings)
    _tell(address, server.start(), settings)
    try:
        _serve(server)
    finally:
        server.close()


def listen_address(text: str, *, trust_network: bool) -> str:
    """ "IPv4:port" of what was asked for. Raises ConfigError, also where it leaves this computer without leave."""
    host, _, port = text.rpartition(":") if ":" in text else (text, ":", str(facts.WORKER_PORT))
    try:
        ip = ipaddress.IPv4Address(socket.gethostbyname(host or "127.0.0.1"))
        number = int(port)
    except (OSError, ValueError):
        raise errors.ConfigError(
            f'--listen must be an address of this computer like "{DEFAULT_LISTEN}" (IPv4), not "{text}".'
        ) from None
    if not 1 <= number <= 65535:
        raise errors.ConfigError(f"--listen needs a port from 1 to 65535, not {port}.")
    if not ip.is_loopback and not trust_network:
        raise errors.ConfigError(
            f"{ip} can be reached from other computers. {WARNING} Use a tunnel (docs/many-machines.md), or say "
            "--trust-network where you trust everybody on that network."
        )
    return f"{ip}:{number}"


def _tell(address: str, started: Started, settings: WorkerSettings) -> None:
    click.echo(f"localllm worker (experimental) at {address}")
    for device in started.devices:
        click.echo(
            f"  offers   {device.name}: {device.description}, {size(device.free_bytes)} of "
            f"{size(device.total_bytes)} memory free"
        )
    click.echo(f"  threads  {started.num_threads}")
    click.echo(f"  log      {settings.log_path}")
    click.echo(f"  use it   {_how_to_use(address)}")
    reach = "only this computer reaches it" if address.startswith("127.") else "YOUR NETWORK REACHES IT"
    click.echo(f"WARNING: {WARNING} At this address {reach}.")
    click.echo("Stop with Ctrl-C.")
    sys.stdout.flush()


def _how_to_use(address: str) -> str:
    """The line for models.toml on the other computer."""
    line = f'rpc = ["{address.replace("0.0.0.0", "THIS-COMPUTER")}"] in an entry of models.toml on the other computer'
    return f"{line}, through a tunnel (docs/many-machines.md)" if address.startswith("127.") else line


def _serve(server: RpcServer) -> None:
    """Watch over the child until a signal comes. Raises LocalllmError where it dies again and again."""
    while True:
        if server.wait(WAIT_S):
            click.echo("The worker has died and is started again.", err=True)
            click.echo(f"{server.restart()} It serves again.", err=True)


def _stop(*_: object) -> NoReturn:
    sys.exit(0)
