"""`localllm doctor`: does everything work here? The engine is really started, on the model inside the package."""

from __future__ import annotations

import platform
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import click
import psutil

from localllm import __version__, errors, facts
from localllm.cli.elsewhere import problems_of
from localllm.cli.output import json_option, print_json, size
from localllm.cli.running import ANSWER_TIMEOUT_S, running_version
from localllm.config import load_config
from localllm.engine.devices import has_library
from localllm.engine.engine import Engine
from localllm.engine.loading import LoadParams
from localllm.engine.rpc_probe import NOT_BUILT_IN
from localllm.models.catalog import Catalog
from localllm.models.entry import Entry
from localllm.models.gguf import read_gguf
from localllm.models.model import NO_TEMPLATE
from localllm.models.sources import find_file, has_file
from localllm.paths import PACKAGE_DIR, Paths, user_paths


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `details` are further lines."""

    name: str
    ok: bool
    text: str
    details: list[str] = field(default_factory=list)


@click.command("doctor")
@click.option("--port", type=int, help="Port to look at; the settings' port otherwise.")
@json_option
def command(port: int | None, as_json: bool) -> None:
    """Check this computer, the engine, the catalog and the port."""
    paths = user_paths()
    checks: list[Callable[[], Finding]] = [
        _python,
        _memory,
        lambda: _folders(paths),
        lambda: _catalog(paths),
        lambda: _templates(paths),
        lambda: _elsewhere(paths),
        lambda: _settings(paths),
        lambda: _port(paths, port),
        lambda: _engine(paths),
    ]
    findings = [_done(check, as_json) for check in checks]
    if as_json:
        print_json(
            {
                "version": __version__,
                "ok": all(f.ok for f in findings),
                "checks": [asdict(f) for f in findings],
            }
        )
    if not all(f.ok for f in findings):
        sys.exit(1)


def _done(check: Callable[[], Finding], is_quiet: bool) -> Finding:
    finding = check()
    if not is_quiet:
        click.echo(f"{'ok ' if finding.ok else 'BAD'}  {finding.name}: {finding.text}")
        for line in finding.details:
            click.echo(f"       {line}")
    return finding


def _python() -> Finding:
    text = f"{platform.python_version()} ({sys.executable}) on {platform.system()} {platform.machine()}"
    return Finding("Python", True, f"{text}, localllm {__version__}")


def _memory() -> Finding:
    memory = psutil.virtual_memory()
    cores, threads = psutil.cpu_count(logical=False), psutil.cpu_count()
    return Finding(
        "Computer",
        True,
        f"{size(memory.available)} of {size(memory.total)} memory free, {cores or threads} cores, {threads} threads",
    )


def _folders(paths: Paths) -> Finding:
    for folder in (paths.data, paths.cache, paths.logs):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / ".doctor"
            probe.touch()
            probe.unlink()
        except OSError as e:
            return Finding("Folders", False, f"{folder} cannot be written: {e.strerror or e}.")
    free = psutil.disk_usage(str(paths.data)).free
    return Finding("Folders", True, f"{paths.data}, {size(free)} free")


def _catalog(paths: Paths) -> Finding:
    catalog = Catalog(paths.catalog)
    entries = catalog.entries
    if catalog.error:
        return Finding("Catalog", False, catalog.error)
    num_ready = sum(has_file(entry, paths) for entry in entries)
    num_forwarded = sum(entry.is_forwarded for entry in entries)
    forwarded = f", {num_forwarded} on other servers" if num_forwarded else ""
    text = f"{num_ready} of {len(entries)} models on this computer{forwarded} ({catalog.path})"
    return Finding("Catalog", True, text)


def _templates(paths: Paths) -> Finding:
    """Which models' files do not say how a chat is written. It works, so it is nothing bad."""
    missing = [entry.id for entry in Catalog(paths.catalog).entries if _lacks_template(entry, paths)]
    text = f"{len(missing)} of the models here have none" if missing else "every model here has one"
    return Finding("Chat templates", True, text, [f"{name}: {NO_TEMPLATE}" for name in missing])


def _lacks_template(entry: Entry, paths: Paths) -> bool:
    if entry.is_forwarded or entry.is_embedding or entry.chat_template:
        return False
    try:
        return not read_gguf(find_file(entry, paths)).metadata.get("tokenizer.chat_template")
    except errors.LocalllmError:  # not downloaded, or broken: told elsewhere
        return False


def _elsewhere(paths: Paths) -> Finding:
    """Every server that a model is forwarded to: does it answer, take the key, and have the model?"""
    problems: list[str] = []
    entries = [entry for entry in Catalog(paths.catalog).entries if entry.upstream is not None]
    for entry in entries:
        problems += [f"{entry.id}: {problem}" for problem in problems_of(entry, paths.catalog.parent)]
    num_servers = len({a for entry in entries if entry.upstream for a in entry.upstream.addresses})
    if problems:
        return Finding("Other servers", False, f"{num_servers} asked", problems)
    return Finding("Other servers", True, f"{num_servers} answer" if entries else "no model is forwarded")


def _settings(paths: Paths) -> Finding:
    try:
        load_config(paths)
    except errors.ConfigError as e:
        return Finding("Settings", False, e.message)
    where = str(paths.settings) if paths.settings.exists() else "the defaults"
    return Finding("Settings", True, where)


def _port(paths: Paths, port: int | None) -> Finding:
    try:
        port = port or load_config(paths).port
    except errors.ConfigError:
        port = facts.DEFAULT_PORT
    with socket.socket() as probe:
        probe.settimeout(ANSWER_TIMEOUT_S)
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            return Finding("Port", True, f"{port} is free")
    if version := running_version(port):
        return Finding("Port", True, f"localllm {version} is running on {port}")
    return Finding(
        "Port",
        False,
        f"{port} is used by another program: end it, or use `localllm serve --port {port + 1}`.",
    )


def _engine(paths: Paths) -> Finding:
    paths.logs.mkdir(parents=True, exist_ok=True)
    engine = Engine(
        LoadParams(
            path=str(PACKAGE_DIR / facts.GUIDE_FILE),
            model_id=facts.GUIDE,
            n_ctx=512,
            n_parallel=1,
            log_path=str(paths.logs / "engine-doctor.log"),
        )
    )
    try:
        engine.start()
        info = engine.info
    except errors.LocalllmError as e:
        return Finding("Engine", False, e.message)
    finally:
        engine.close()
    devices = list(info.devices) or ["llama.cpp did not say which devices there are"]
    details = [*devices, "RPC: built in" if has_library("rpc") else f"RPC: {NOT_BUILT_IN}"]
    return Finding("Engine", True, f"{info.build}, {info.n_threads} threads", details)
