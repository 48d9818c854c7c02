"""What a browser is told to open: the page's address, with the API key where the server needs one.

The key does not stand in the browser's command line, which every user of the computer can read, but in a private file
that leads to the page. The page takes the part behind the # out of the address at once and keeps the key.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from urllib.parse import quote

from localllm.paths import write_atomically

LINK_FILE = "open-page.html"
LINK = """<!doctype html>
<meta charset="utf-8"><title>localllm</title><meta http-equiv="refresh" content="0; url={url}">
"""


def page_link(url: str, api_key: str | None, state: Path) -> str:
    """The address to open. Raises OSError where the private file cannot be written."""
    if not api_key:
        return url
    link = state / LINK_FILE
    write_atomically(link, LINK.format(url=escape(f"{url}/#key={quote(api_key, safe='')}")), is_private=True)
    return link.as_uri()
