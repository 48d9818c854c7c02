"""Models on the page: downloaded with a pause, loaded, unloaded, deleted; and the end of the program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localllm.api.serving import serving
from localllm.config import Config
from localllm.models.catalog import Catalog
from localllm.models.pool import Pool
from localllm.paths import Paths
from tests import tiny_models
from tests.browser.conftest import GUIDE
from tests.models import hub as fault
from tests.models.hub import FakeHub
from tests.waiting import wait_until

SOURCE = "owner/Tiny-1B-GGUF/Tiny-1B-Q4_K_M.gguf"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    hub = FakeHub()
    hub.add(SOURCE, tiny_models.write(tmp_path / "tiny.gguf", n_layers=1).read_bytes())
    for name, value in hub.environ.items():
        monkeypatch.setenv(name, value)
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    yield hub
    hub.close()


@pytest.fixture
def shop(tmp_path: Path, hub: FakeHub) -> Iterator[str]:
    """A server whose catalog has a model to download."""
    paths = Paths(data=tmp_path / "data", cache=tmp_path / "cache", logs=tmp_path / "logs")
    paths.data.mkdir()
    row = (
        f'[[model]]\nid = "tiny"\nname = "Tiny"\nsource = "hf:{SOURCE}"\nsize_bytes = 2000000\n'
        "n_ctx = 512\nn_parallel = 1\nn_threads = 1\n"
    )
    huge = '[[model]]\nid = "huge"\nname = "Huge"\nsource = "hf:owner/H/h.gguf"\nsize_bytes = 9000000000000\n'
    paths.catalog.write_text(GUIDE + row + huge, encoding="utf-8")
    with serving(
        Pool(Catalog(paths.catalog), paths), Config(port=0), is_port_fixed=True, drain_s=0
    ) as server:
        yield f"http://127.0.0.1:{server.port}"


def test_a_model_is_downloaded_with_a_pause_then_loaded_unloaded_and_deleted(shop, hub, visit, tmp_path):
    """The whole life of a model, by clicks; what had arrived before the pause is not asked for again."""
    hub.faults.append(fault.trickle)
    opened = visit(shop, "#/models")
    page, row = opened.page, opened.page.locator("li[data-key=tiny]")
    row.get_by_role("button", name="Download").click()
    page.locator("#here li[data-key=tiny] progress").wait_for()
    wait_until(lambda: any(part.stat().st_size for part in tmp_path.rglob("*.part")))
    row.get_by_role("button", name="Pause").click()
    row.get_by_text("Paused").wait_for()
    row.get_by_role("button", name="Resume").click()
    row.get_by_role("button", name="Load: Tiny", exact=True).wait_for()
    assert any("range" in headers for _, _, headers in hub.requests)
    row.get_by_role("button", name="Load: Tiny", exact=True).click()
    row.get_by_role("button", name="Unload").click()
    row.get_by_role("button", name="Load: Tiny", exact=True).wait_for()
    row.get_by_role("button", name="Delete").click()
    page.locator("dialog").get_by_role("button", name="Delete").click()
    page.locator("#catalog li[data-key=tiny]").wait_for()


def test_only_what_fits_is_offered_unless_asked_for(shop, visit):
    """What is too big says so."""
    opened = visit(shop, "#/models")
    opened.page.locator("#catalog li[data-key=tiny]").wait_for()
    assert opened.page.locator("li[data-key=huge]").count() == 0
    opened.page.get_by_label("Only what fits").uncheck()
    opened.page.locator("li[data-key=huge]").get_by_text("too big for this computer").wait_for()


def test_a_download_that_cannot_be_says_why(shop, visit):
    """A name that the hub does not know."""
    opened = visit(shop, "#/models")
    opened.page.get_by_label("Another model").fill("owner/nothing:Q4_K_M")
    opened.page.locator(".by-name button").click()
    notice = opened.page.locator("#notices [role=alert]")
    notice.wait_for()
    assert "owner/nothing" in notice.inner_text()


def test_the_program_is_ended_from_the_page(scripted, visit):
    """After one question; the page says what happened, and asks for nothing any more."""
    opened = visit(scripted.url)
    opened.page.get_by_role("button", name="Quit localllm").click()
    opened.page.locator("dialog").get_by_role("button", name="Quit localllm").click()
    opened.page.get_by_text("localllm has ended").wait_for()
    assert scripted.quits.is_set()


def test_there_is_no_button_where_nothing_would_end(guide, visit):
    """A server that was not given a way to end is ended where it was started."""
    assert visit(guide).page.get_by_role("button", name="Quit localllm").count() == 0
