"""axe-core finds nothing serious on any view, in light and in dark; everything works by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.fakes import say

AXE = Path(__file__).parents[1] / "node" / "node_modules" / "axe-core" / "axe.min.js"
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="run `npm ci` in tests/node for axe-core")
FIND = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations
    .filter(each => ['serious', 'critical'].includes(each.impact))
    .map(each => `${each.id}: ${each.nodes.map(node => node.html + ' ' + node.failureSummary).join(' | ')}`)"""
ANSWER = (
    "## Title\n\nText with `code` and a [link](https://example.org).\n\n"
    "```python\ndef f(x):  # why\n    return 'a'\n```\n"
)


def findings(page) -> list[str]:
    found: list[str] = page.evaluate(FIND)
    return found


@needs_axe
@pytest.mark.parametrize(
    ("theme", "width"),
    [
        ("light", 1280),
        ("dark", 390),
        pytest.param("dark", 1280, marks=pytest.mark.slow),
        pytest.param("light", 390, marks=pytest.mark.slow),
    ],
)
def test_no_view_has_a_serious_finding(scripted, visit, theme, width):
    """Chat (empty, answered, with its settings), models, connect, status."""
    scripted.engine.script = say("<think>", "hm", "</think>", ANSWER)
    opened = visit(scripted.url, color_scheme=theme, viewport={"width": width, "height": 800})
    page = opened.page
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = {"empty": findings(page)}
    opened.ask("Hello")
    opened.wait_for_answer()
    page.locator(".tok-k").first.wait_for()
    found["chat"] = findings(page)
    page.get_by_role("button", name="Conversation settings").click()
    found["settings"] = findings(page)
    page.keyboard.press("Escape")
    for view in ("models", "connect", "status"):
        page.evaluate(f"location.hash = '#/{view}'")
        page.locator(".view .rows > li, .snippet pre").first.wait_for()
        found[view] = findings(page)
    assert {view: each for view, each in found.items() if each} == {}


def test_a_conversation_by_keyboard_alone(scripted, visit):
    """Tab to the menu of a conversation, open it, move in it, leave it; the focus is never lost."""
    opened = visit(scripted.url)
    page = opened.page
    page.keyboard.type("Hello")
    page.keyboard.press("Enter")
    opened.wait_for_answer()
    assert page.evaluate("document.activeElement.className") == "composer-text"
    more = page.get_by_role("button", name="Actions for “Hello”")
    more.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.textContent") == "Delete"
    page.keyboard.press("Enter")
    page.locator("dialog").get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="What is localllm?").wait_for()
    assert page.locator(".history-list li").count() == 0


def test_the_first_tab_stop_skips_to_the_content(scripted, visit):
    """So that nobody has to pass every conversation to write."""
    page = visit(scripted.url, "#/models").page
    page.locator("#here li").first.wait_for()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Skip to the content").press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_chinese_changes_every_word_and_interrupts_nothing(scripted, visit):
    """The language is chosen in the page; the conversation stays."""
    opened = visit(scripted.url)
    opened.ask("Hello")
    opened.wait_for_answer()
    opened.page.get_by_label("Language").select_option("zh")
    opened.page.get_by_role("link", name="模型").wait_for()
    assert opened.page.locator(".message").count() == 2
    assert opened.page.locator("html").get_attribute("lang") == "zh-Hans"


def test_the_menu_of_a_phone_opens_and_closes(scripted, visit):
    """The sidebar is out of the way, and out of the tab order, until it is asked for."""
    page = visit(scripted.url, viewport={"width": 390, "height": 780}).page
    assert not page.get_by_role("link", name="Models").is_visible()
    page.get_by_role("button", name="Open the menu").click()
    page.get_by_role("link", name="Models").click()
    page.get_by_role("heading", name="Models", level=1).wait_for()
    page.wait_for_function("getComputedStyle(document.querySelector('.sidebar')).visibility === 'hidden'")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width == 390
