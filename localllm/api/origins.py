"""Which names this machine answers to, and which web pages may talk to it.

A web page anywhere can make a browser send requests to localhost. Two checks stop it: the Host header must be a
name of this machine (against DNS rebinding), and a page's origin must be local (against cross-site requests).
Pure functions over strings: knows no Flask.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from functools import lru_cache

LOOPBACK_NAMES = frozenset(
    {"localhost", "host.docker.internal", "gateway.docker.internal", "host.containers.internal"}
)

LOCAL_ORIGIN = re.compile(
    r"^https?://(?:localhost|(?:[a-z0-9-]+\.)+localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$",
    re.IGNORECASE,
)
# Desktop apps and editors: no web page can have these schemes. "null" (file://) is not among them, because the
# sandboxed frames of any web page have it too.
APP_ORIGIN = re.compile(r"^(?:app|tauri|vscode-webview|vscode-file)://[^/\s]*$", re.IGNORECASE)


def is_loopback(host: str) -> bool:
    """True for addresses that only this machine reaches."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_own_host(host_header: str, allowed: Iterable[str] = ()) -> bool:
    """True where a Host header names this machine.

    Every literal address passes: a rebinding attack needs a name that it can point elsewhere, and a container or a
    forwarded port is reached at addresses that are not the machine's own.
    """
    name = host_name(host_header)
    if name is None:
        return False
    if name in LOOPBACK_NAMES or name.endswith(".localhost") or _is_address(name):
        return True
    return name in own_names() or name in {entry.lower() for entry in allowed}


def host_name(host_header: str) -> str | None:
    """'[::1]:5757' → '::1', 'Mac.local:80' → 'mac.local'; None where it is no host at all."""
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:.%]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?", host_header.strip())
    if match is None:
        return None
    return (match[1] or match[2]).lower().rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.split("%")[0])
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1)
def own_names() -> frozenset[str]:
    """The machine's names, also as multicast DNS has them (`name.local`)."""
    name = socket.gethostname().lower().rstrip(".")
    short = name.split(".")[0]
    return frozenset({name, short, f"{short}.local", f"{short}.lan"} - {""})


def origin_patterns(configured: Iterable[str] = ()) -> list[re.Pattern[str]]:
    """Anchored, compiled patterns of allowed origins; flask-cors searches string ones unanchored, which lets
    `http://localhost.evil.com` in."""
    return [LOCAL_ORIGIN, APP_ORIGIN, *(configured_pattern(origin) for origin in configured)]


def configured_pattern(origin: str) -> re.Pattern[str]:
    """An origin of the configuration; `*` stands for anything but a slash (`*` alone for every origin)."""
    if origin == "*":
        return re.compile(r"^.+$")
    escaped = re.escape(origin.rstrip("/")).replace(r"\*", r"[^/]*")
    return re.compile(rf"^{escaped}$", re.IGNORECASE)


def is_allowed_origin(origin: str, patterns: Iterable[re.Pattern[str]]) -> bool:
    return any(pattern.fullmatch(origin) for pattern in patterns)
