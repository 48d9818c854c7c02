"""A start that failed, told on a page: whoever double-clicked has no console to read it in.

The page is a file; it needs no server, no network and no script.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from localllm import __version__
from localllm.desktop.log_file import FILE
from localllm.log_tail import tail
from localllm.paths import write_atomically

PAGE_FILE = "start-error.html"
TAIL_LINES = 60
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>localllm could not start</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 48rem; margin: 2rem auto; padding: 0 1rem }}
:root {{ color-scheme: light dark }}
pre {{ overflow-x: auto; padding: .8rem; border: 1px solid; border-radius: .4rem; font-size: .85rem }}
.what {{ font-size: 1.15rem }}
</style></head><body>
<h1>localllm could not start</h1>
<p class="what" role="alert">{sentence}</p>
<p>After that is put right, start localllm again. <code>localllm doctor</code> in a terminal checks everything else.</p>
<h2>The end of the log</h2>
<p>The whole log is <code>{log}</code> (localllm {version}).</p>
<pre>{tail}</pre>
</body></html>
"""


def write_error_page(folder: Path, sentence: str, logs: Path) -> Path:
    """The page about this error, in `folder`. Raises OSError."""
    page = folder / PAGE_FILE
    text = PAGE.format(
        sentence=escape(sentence),
        log=escape(str(logs / FILE)),
        version=__version__,
        tail=escape("\n".join(tail(logs / FILE).splitlines()[-TAIL_LINES:]) or "The log is empty."),
    )
    write_atomically(page, text)
    return page
