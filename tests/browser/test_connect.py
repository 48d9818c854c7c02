"""The snippets of the page, taken from it as a reader would copy them, and run against the server; and the key."""

from __future__ import annotations

import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from localllm.api.serving import serving
from localllm.config import Config
from localllm.models.catalog import Catalog
from localllm.models.pool import Pool
from localllm.paths import Paths
from tests.browser.conftest import GUIDE
from tests.clients.test_node import FOLDER as NODE_FOLDER
from tests.clients.test_node import NODE
from tests.clients.test_node import pytestmark as needs_node
from tests.clients.test_page import run

KEY = "sk-page-test"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that needs a key."""
    folder = tmp_path_factory.mktemp("locked")
    paths = Paths(data=folder, cache=folder / "cache", logs=folder / "logs")
    paths.catalog.write_text(GUIDE, encoding="utf-8")
    pool = Pool(Catalog(paths.catalog), paths)
    with serving(pool, Config(port=0, api_key=KEY), is_port_fixed=True, drain_s=0) as server:
        yield f"http://127.0.0.1:{server.port}"


@pytest.fixture(scope="module")
def snippets(browser, locked) -> dict[str, str]:
    """Every snippet's text, from the page of the server with a key."""
    page = browser.new_page()
    page.goto(f"{locked}/#key={KEY}")
    page.wait_for_selector(".composer")
    page.goto(f"{locked}/#/connect")
    page.locator("[data-snippet=claude-code] pre").wait_for()
    blocks = page.locator("[data-snippet]").filter(has=page.locator("pre"))
    found = {block.get_attribute("data-snippet"): block.locator("pre").inner_text() for block in blocks.all()}
    page.close()
    return found


@pytest.mark.skipif(not (shutil.which("sh") and shutil.which("curl")), reason="sh or curl is not installed")
def test_curl(snippets):
    """It prints a stream to its end."""
    assert run(["sh", "-c", snippets["curl"]], "").endswith("data: [DONE]\n\n")


@pytest.mark.slow
def test_python_programs(snippets):
    """Each prints an answer. They share an interpreter: importing takes longer than answering."""
    programs = [snippets[name] for name in ("python", "langchain", "anthropic")]
    printed = run([sys.executable, "-c", "\nprint('\\n----')\n".join(programs)], "")
    assert ["localllm" in part for part in printed.split("----")] == [True, True, True]


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(n, marks=needs_node) for n in ("javascript", "ai-sdk")])
def test_node_programs(snippets, name):
    """Each prints an answer."""
    assert NODE is not None
    script = Path(NODE_FOLDER) / "node_modules" / f"{uuid.uuid4()}.mjs"
    script.write_text(snippets[name], encoding="utf-8")
    try:
        assert "localllm" in run([NODE, script], "", folder=NODE_FOLDER)
    finally:
        script.unlink()


def test_every_snippet_can_be_copied(locked, visit):
    """What lands in the clipboard is what is shown."""
    opened = visit(locked, f"#key={KEY}", permissions=["clipboard-read", "clipboard-write"])
    opened.page.locator(".composer").wait_for()  # the key is taken: another address before that would lose it
    opened.page.goto(f"{locked}/#/connect")
    block = opened.page.locator("[data-snippet=python]")
    block.get_by_role("button", name="Copy").click()
    copied = opened.page.evaluate("navigator.clipboard.readText()")
    assert copied == block.locator("pre").text_content()
    assert KEY in copied


def test_the_key_is_asked_for_once(locked, visit):
    """A wrong one is asked for again; the right one opens the page, and is kept where the person wants that."""
    opened = visit(locked)
    for typed in ("wrong", KEY):
        opened.page.get_by_label("Key", exact=True).fill(typed)
        opened.page.get_by_label("Remember it").check()
        opened.page.get_by_role("button", name="OK").click()
    opened.page.locator(".composer").wait_for()
    again = opened.context.new_page()
    again.goto(locked)
    again.locator(".composer").wait_for()


def test_a_key_in_the_address_is_taken_and_hidden(locked, visit):
    """The launcher passes it so; nobody who looks over the shoulder, and no history, keeps it."""
    opened = visit(locked, f"#key={KEY}")
    opened.page.locator(".model-status").get_by_text("load").wait_for()
    assert KEY not in opened.page.url
    assert all(KEY not in url for url in opened.requests)
