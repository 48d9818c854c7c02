"""The page's files as files: words in every language, nothing from elsewhere, nothing inline, no file too long."""

from __future__ import annotations

import json
import re
from pathlib import Path

WEB = Path(__file__).parents[2] / "localllm" / "web"
FILES = sorted(path for path in WEB.rglob("*") if path.suffix in {".js", ".css", ".html", ".json", ".svg"})
SCRIPTS = [path for path in FILES if path.suffix == ".js"]
USED = re.compile(r"""\bt\(\s*(["`])([^"`]+)\1|\b(?:section|act)\([^)]*?"([a-z]+\.[a-z_]+)\"""")


def words(language: str) -> dict[str, str]:
    loaded: dict[str, str] = json.loads((WEB / "i18n" / f"{language}.json").read_text(encoding="utf-8"))
    return loaded


def test_both_languages_have_the_same_words_with_the_same_gaps():
    """A key that is missing in one would be shown as a key."""
    english, chinese = words("en"), words("zh")
    assert list(english) == list(chinese)
    gaps = {key: set(re.findall(r"\{\w+\}", text)) for key, text in english.items()}
    assert {key: set(re.findall(r"\{\w+\}", text)) for key, text in chinese.items()} == gaps


def test_every_word_that_is_asked_for_is_there():
    """Keys that are put together at run time are checked by their beginning."""
    known = words("en")
    for path in SCRIPTS:
        for _, key, other in USED.findall(path.read_text(encoding="utf-8")):
            asked = key or other
            beginning = asked.split("${")[0]
            assert asked in known or ("${" in asked and any(k.startswith(beginning) for k in known)), (
                path.name,
                asked,
            )


def test_no_word_is_left_over():
    """What no file asks for is not kept."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    beginnings = re.findall(r"t\(`([\w.]+\.)\$\{", text)
    left = [k for k in words("en") if f'"{k}"' not in text and not k.startswith(tuple(beginnings))]
    assert left == []


def test_snippets_of_settings_are_described():
    """Every sampling parameter that can be set has its sentence."""
    request = (WEB / "js" / "chat" / "request.js").read_text(encoding="utf-8")
    names = re.findall(r"^  (\w+): \{ min", request, re.MULTILINE)
    assert len(names) > 5
    assert all(f"settings.{name}" in words("en") for name in names)


def test_nothing_comes_from_elsewhere():
    """No address of another server in scripts, styles and pages; no import but of the page's own files."""
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        text = text.replace("http://www.w3.org/2000/svg", "").replace("http://localhost:5757", "")
        assert not re.search(r"https?://[a-z]", text), path
        imported = re.findall(r"^import .* from \"([^\"]+)\"", text, re.MULTILINE)
        assert path.name == "snippets.js" or all(name.startswith(".") for name in imported), path


def test_files_are_short_enough_to_read():
    """As in the rest of the project; words are a list and may be longer."""
    long = [
        path
        for path in FILES
        if path.suffix != ".json" and len(path.read_text(encoding="utf-8").splitlines()) > 300
    ]
    assert long == []


def test_nothing_stands_inline():
    """The policy forbids it, so it would not work."""
    html = (WEB / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)", html)
