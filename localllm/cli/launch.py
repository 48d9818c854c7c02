"""`localllm` without a verb, and the double-click: one instance, its page in a window, and errors that can be seen.

What serves is loaded only after no other instance was found, so that a second start opens the first one's page at once.
"""

from __future__ import annotations

import logging
import sys

import click

from localllm import errors
from localllm.api.key import with_key
from localllm.config import load_config
from localllm.desktop import window
from localllm.desktop.error_page import write_error_page
from localllm.desktop.folders import Folders, writable_folders
from localllm.desktop.instance import Claim, Running, claimed_or_found
from localllm.desktop.log_file import log_to
from localllm.desktop.page_link import page_link
from localllm.paths import user_paths

log = logging.getLogger(__name__)
HOW_SHOWN = {
    "window": "Its page is in a window of its own; closing it ends nothing.",
    "browser": "Its page is open in the browser; closing it ends nothing.",
    "nowhere": "No browser could be opened here: open the address in any browser on this computer.",
}


def launch() -> None:
    """Open the page of the instance that runs, or become it. Returns when that has ended.

    What goes wrong is logged and shown, and ends the process with status 1.
    """
    folders = _folders()
    try:
        with claimed_or_found(folders.state) as found:
            if isinstance(found, Running):
                _open_other(found, folders)
            else:
                _serve(found, folders)
    except errors.LocalllmError as e:
        log.error("%s", e.message)
        _show_error(e.message, folders)
        sys.exit(1)
    except Exception as e:  # whatever it is, a person without a console must see it
        log.exception("An error that nobody foresaw")
        _show_error(f"An error that nobody foresaw has ended it: {type(e).__name__}: {e}", folders)
        sys.exit(1)


def _folders() -> Folders:
    try:
        return writable_folders(user_paths())
    except OSError as e:
        raise errors.ConfigError(
            f"No folder can be written, not even a temporary one: {e}. Make room there."
        ) from e


def _open_other(running: Running, folders: Folders) -> None:
    config = with_key(load_config(folders.paths), folders.paths)
    shown = window.show(page_link(running.url, config.api_key, folders.state), folders.state)
    click.echo(f"localllm is running already at {running.url} (process {running.pid}). {HOW_SHOWN[shown]}")


def _serve(claim: Claim, folders: Folders) -> None:
    log_file = log_to(folders.paths.logs, "info")

    from localllm.api.server import Server  # all that serves: slow to import, and a second start does without
    from localllm.cli import serve
    from localllm.models.pool import Pool

    config = with_key(load_config(folders.paths), folders.paths)
    logging.getLogger().setLevel(config.log_level.upper())

    def on_ready(server: Server, pool: Pool) -> None:
        log.info("Listening at %s", server.url)
        if folders.problem:
            log.warning("%s", folders.problem)
        serve.say_where(server, config, pool, folders.paths)
        click.echo(f"The log is {log_file}.")
        link = page_link(server.url, config.api_key, folders.state)
        click.echo(HOW_SHOWN[window.show(link, folders.state)])

    try:
        serve.run(folders.paths, config, claim, on_ready)
    finally:
        window.close_windows(folders.state)
        log.info("Ended")


def _show_error(sentence: str, folders: Folders) -> None:
    """On a page, where there is no terminal in which the sentence will be read. The log has it already."""
    if sys.stderr is not None and sys.stderr.isatty():
        return
    try:
        page = write_error_page(folders.state, sentence, folders.paths.logs)
        window.show(page.as_uri(), folders.state)
    except OSError as e:
        log.warning("The error page could not be written: %s", e)
