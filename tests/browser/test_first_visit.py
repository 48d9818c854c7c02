"""A person who has never seen the page, and the model that comes with it."""

from __future__ import annotations

import httpx

STRICT = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
)


def test_the_first_answer_is_one_click_away(guide, visit):
    """Open the page, click a question, read what localllm is."""
    first = visit(guide)
    first.page.get_by_role("button", name="What is localllm?").click()
    assert "localllm" in first.wait_for_answer()


def test_writing_and_enter_are_enough(guide, visit):
    """No click at all: the cursor is where one writes."""
    first = visit(guide)
    first.page.keyboard.type("What is localllm?")
    first.page.keyboard.press("Enter")
    assert "localllm" in first.wait_for_answer()
    assert "tokens/s" in first.page.locator(".figures").inner_text()
    assert "of 4,096 tokens" in first.page.locator(".context").inner_text()


def test_the_policy_lets_nothing_in(guide):
    """Every file of the page has it; no inline script, no inline style, no other origin."""
    for path in ("/", "/page/js/main.js", "/page/css/base.css"):
        policy = httpx.get(guide + path).headers["content-security-policy"]
        assert all(part in policy for part in STRICT)
        assert "unsafe" not in policy
        assert "http" not in policy


def test_a_conversation_is_there_after_a_reload_and_goes_on(guide, visit):
    """What was said is kept in the browser, and the next question knows it."""
    first = visit(guide)
    first.ask("What is localllm?")
    answer = first.wait_for_answer()
    first.page.reload()
    first.page.locator(".message.assistant .markdown").get_by_text("localllm").first.wait_for()
    assert first.wait_for_answer().split() == answer.split()
    first.ask("What is your name?")
    first.wait_for_answer(2)
    assert first.page.locator(".history-list li").count() == 1


def test_the_guide_answers_again_and_to_other_words(guide, visit):
    """Answer again and edit, on the real model: what comes is an answer each time, beside what was there."""
    first = visit(guide)
    first.ask("What is localllm?")
    first.wait_for_answer()
    first.page.get_by_role("button", name="Answer again").click()
    first.page.get_by_text("2/2").wait_for()
    assert "localllm" in first.wait_for_answer()
    first.page.locator(".message.user").hover()
    first.page.get_by_role("button", name="Edit").click()
    first.page.locator(".editor textarea").fill("What is the default port?")
    first.page.locator(".editor").get_by_role("button", name="Send").click()
    first.page.locator(".message.user").get_by_text("default port").wait_for()
    assert "5757" in first.wait_for_answer()
