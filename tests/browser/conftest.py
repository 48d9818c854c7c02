"""Chromium in front of real servers. Whatever a page does, it must ask no other origin and break no policy."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from localllm.api.serving import serving
from localllm.config import Config
from localllm.models.catalog import Catalog
from localllm.models.pool import Pool
from localllm.paths import Paths
from tests.api.fakes import FakeModels

try:
    from playwright.sync_api import sync_playwright
except ImportError:
    sync_playwright = None  # type: ignore[assignment]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
TIMEOUT_MS = 60_000  # the machine may be busy; nothing here is about time

GUIDE = '[[model]]\nid = "guide"\nname = "Guide"\nsource = "builtin:guide"\n'


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = str(Path(__file__).parent)
    for item in items:
        if str(item.path).startswith(here):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"))
            item.add_marker(pytest.mark.skipif(sync_playwright is None, reason="playwright is not installed"))


@pytest.fixture(scope="module")
def browser():
    """One browser for a file of tests. (Its event loop must not outlive the file: others run loops of their own.)"""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


class Visit:
    """A page that records what it asks for and what it complains about."""

    def __init__(self, browser, url: str, **options: object) -> None:
        self.context = browser.new_context(locale="en-US", reduced_motion="reduce", **options)
        self.context.set_default_timeout(TIMEOUT_MS)
        self.page = self.context.new_page()
        self.url = url
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.context.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._heard)

    def _heard(self, message) -> None:
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def open(self, view: str = "") -> None:
        self.page.goto(f"{self.url}/{view}")
        self.page.wait_for_selector("main .composer, main .view, dialog")

    def ask(self, text: str) -> None:
        self.page.fill(".composer-text", text)
        self.page.press(".composer-text", "Enter")

    def wait_for_answer(self, number: int = 1) -> str:
        """The text of the number-th finished answer."""
        answer = self.page.locator(".message.assistant").nth(number - 1)
        body, text = answer.locator(".message-body"), ""
        while not text.strip():  # between the waits and the reading the page may render it once more
            answer.locator(".figures").wait_for()
            body.filter(has_text=re.compile(r"\S")).wait_for()  # rendered, and not only ended
            answer.locator(".tail:empty").wait_for(state="attached")  # all blocks are finished ones
            text = str(body.inner_text())
        return text

    def close(self) -> None:
        foreign = [url for url in self.requests if not url.startswith((self.url, "data:", "blob:"))]
        self.context.close()
        assert foreign == []
        assert self.complaints == []


Open = Callable[..., Visit]


@pytest.fixture
def visit(browser) -> Iterator[Open]:
    """Opens a server's page, in a browser that has never seen it."""
    visits = []

    def start(url: str, view: str = "", **options: object) -> Visit:
        visits.append(Visit(browser, url, **options))
        visits[-1].open(view)
        return visits[-1]

    yield start
    for each in visits:
        each.close()


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with the embedded model, as it is started for a person."""
    folder = tmp_path_factory.mktemp("guide")
    paths = Paths(data=folder, cache=folder / "cache", logs=folder / "logs")
    paths.catalog.write_text(GUIDE, encoding="utf-8")
    pool = Pool(Catalog(paths.catalog), paths)
    with serving(pool, Config(port=0), is_port_fixed=True, drain_s=0) as server:
        yield f"http://127.0.0.1:{server.port}"


class Scripted:
    """A server whose models say what a test wants."""

    def __init__(self, models: FakeModels, url: str, quits: Event) -> None:
        self.models = models
        self.url = url
        self.quits = quits
        self.engine = models.engines["guide"]


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[Scripted]:
    models, quits = FakeModels(tmp_path), Event()
    config = Config(port=0, ping_interval_s=0.1)
    with serving(models.pool, config, is_port_fixed=True, drain_s=0, on_quit=quits.set) as server:
        yield Scripted(models, f"http://127.0.0.1:{server.port}", quits)
