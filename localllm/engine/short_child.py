"""One question to a process that lives no longer than the answer takes: what crashes there harms nobody."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any


def ask_child(target: Callable[..., None], *args: Any, timeout_s: float) -> bytes | None:
    """What `target(connection, *args)` sends over its connection from a child process; None where it sends nothing."""
    connection, child = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=target, args=(child, *args), daemon=True)
    process.start()
    child.close()
    try:
        if connection.poll(timeout_s):
            return connection.recv_bytes()
    except (EOFError, OSError):
        pass
    finally:
        process.kill()
        process.join()
        connection.close()
    return None
