"""A set-up that failed, told on a page, for whoever double-clicked and has no terminal to read it in."""

from __future__ import annotations

import os
import sys
import tempfile
import webbrowser
from html import escape
from pathlib import Path

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>localllm could not be set up</title></head>
<body style="font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; color-scheme: light dark">
<h1>localllm could not be set up</h1><pre style="white-space: pre-wrap">{text}</pre></body></html>
"""


def show(text: str) -> None:
    """Open a page with the text where there is a screen; where there is none, nothing happens."""
    has_screen = (
        sys.platform in ("win32", "darwin") or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if not has_screen:
        return
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8", delete=False) as page:
        page.write(PAGE.format(text=escape(text)))
    webbrowser.open(Path(page.name).as_uri())
