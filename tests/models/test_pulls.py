"""Downloads in the background are paused, resumed and cancelled by the model's id."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from localllm import errors
from localllm.models.catalog import Catalog
from localllm.models.disk import SPARE_DISK_BYTES
from localllm.models.hub import Hub
from localllm.models.memory import Memory
from localllm.models.pulls import Pulls
from localllm.models.wanted import wanted
from localllm.paths import Paths
from tests import tiny_models
from tests.models import hub as fault
from tests.models.hub import FakeHub
from tests.waiting import wait_until

FILE = "owner/Tiny-GGUF/Tiny-Q8_0.gguf"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeHub]:
    hub = FakeHub()
    hub.add(FILE, tiny_models.write(tmp_path / "m.gguf", n_layers=1).read_bytes())
    yield hub
    hub.close()


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(tmp_path / "models.toml")


@pytest.fixture
def pulls(hub: FakeHub, catalog: Catalog, tmp_path: Path) -> Iterator[Pulls]:
    paths = Paths(tmp_path, tmp_path / "cache", tmp_path / "logs")
    pulls = Pulls(catalog, paths, make_hub=lambda: Hub(hub.environ))
    yield pulls
    pause_all(pulls)


def state(pulls: Pulls) -> str:
    return pulls.all()["tiny"].progress.state


def pause_all(pulls: Pulls) -> None:
    for model_id in pulls.all():
        pulls.pause(model_id)


def begin_slowly(pulls: Pulls, hub: FakeHub) -> None:
    """A download that is under way and would take minutes."""
    hub.faults.append(fault.trickle)
    assert pulls.start(f"hf:{FILE}").id == "tiny"
    wait_until(lambda: pulls.all()["tiny"].progress.done_bytes > 0)


def test_a_download_is_paused_and_resumed_by_its_id(pulls: Pulls, hub: FakeHub, catalog: Catalog):
    """Although the catalog knows the id only when the download is complete."""
    begin_slowly(pulls, hub)
    assert pulls.pause("tiny")
    assert state(pulls) == "paused"
    assert "tiny" not in [entry.id for entry in catalog.entries]
    assert pulls.resume("tiny")
    wait_until(lambda: state(pulls) == "done")
    wait_until(lambda: "tiny" in [entry.id for entry in catalog.entries])
    assert "range" in hub.requests[-1][2]


def test_asking_for_a_paused_download_again_resumes_it(pulls: Pulls, hub: FakeHub):
    """By its id or by the name it was asked for with."""
    for name in ("tiny", f"hf:{FILE}"):
        hub.faults.append(fault.trickle)
        pulls.start(f"hf:{FILE}")
        wait_until(lambda: pulls.all()["tiny"].progress.done_bytes > 0)
        assert pulls.pause("tiny")
        assert pulls.start(name).id == "tiny"
        wait_until(lambda: state(pulls) == "done")
        (file,) = pulls._paths.models.rglob("*.gguf")
        file.unlink()


def test_the_quantization_is_chosen_by_what_ram_and_gpu_have_together(
    hub: FakeHub, catalog: Catalog, tmp_path: Path
):
    """As the command line does; a GPU that shares the RAM counts once, and a named file asks for no measure."""
    data = next(iter(hub.files.values()))
    for quant in ("Q8_0", "Q4_K_M"):
        hub.add(f"owner/Two-GGUF/Two-{quant}.gguf", data)
    paths = Paths(tmp_path, tmp_path / "cache", tmp_path / "logs")

    def chosen(memory: Memory) -> str:
        client = Hub(hub.environ)
        try:
            return wanted("hf:owner/Two-GGUF", catalog, client, lambda: memory).source
        finally:
            client.close()

    half = len(data)
    assert chosen(Memory(half, half)).endswith("Q8_0.gguf")
    for too_little in (Memory(half), Memory(half, half, shares_ram=True)):
        with pytest.raises(errors.DownloadFailed, match="Nothing in this repository fits"):
            chosen(too_little)
        measure = partial(replace, too_little)
        pulls = Pulls(catalog, paths, lambda: Hub(hub.environ), measure=measure)
        with pytest.raises(errors.DownloadFailed, match="Nothing in this repository fits"):
            pulls.start("hf:owner/Two-GGUF")


def test_two_pulls_do_not_both_get_the_same_room_on_the_disk(
    pulls: Pulls, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
):
    """The one that comes later is told, and goes on when the first is done."""
    size = len(hub.files[FILE])
    hub.add("owner/Other-GGUF/Other-Q8_0.gguf", hub.files[FILE])
    begin_slowly(pulls, hub)
    free = SPARE_DISK_BYTES + size + size // 2
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10**12, 0, free))
    pulls.start("hf:owner/Other-GGUF/Other-Q8_0.gguf")
    wait_until(lambda: pulls.all()["other"].progress.state == "failed")
    assert "other downloads need" in (pulls.all()["other"].progress.error or "")
    pulls.cancel("tiny")
    assert pulls.resume("other")
    wait_until(lambda: pulls.all()["other"].progress.state == "done")


def test_only_what_runs_is_paused_and_only_what_stopped_is_resumed(pulls: Pulls, hub: FakeHub):
    """The answer says so, and nothing is changed."""
    assert not pulls.pause("tiny")
    assert not pulls.resume("tiny")
    assert not pulls.cancel("tiny")
    begin_slowly(pulls, hub)
    assert not pulls.resume("tiny")
    assert pulls.pause("tiny")
    assert not pulls.pause("tiny")
    pulls.resume("tiny")
    wait_until(lambda: state(pulls) == "done")
    assert not pulls.pause("tiny")
    assert not pulls.cancel("tiny")


def test_a_paused_download_can_be_cancelled_and_begun_anew(pulls: Pulls, hub: FakeHub, tmp_path: Path):
    """Nothing of it is left, and the next one counts from zero."""
    begin_slowly(pulls, hub)
    pulls.pause("tiny")
    assert pulls.cancel("tiny")
    assert state(pulls) == "cancelled"
    assert not list((tmp_path / "models").rglob("*.part*"))
    pulls.start("tiny")
    wait_until(lambda: state(pulls) == "done")
    assert "range" not in hub.requests[-1][2]


def test_a_failed_download_is_resumed_too(pulls: Pulls, hub: FakeHub):
    """When what was in the way is gone."""
    hub.faults.append(fault.status(403))
    pulls.start(f"hf:{FILE}")
    wait_until(lambda: state(pulls) == "failed")
    assert pulls.resume("tiny")
    wait_until(lambda: state(pulls) == "done")


def test_a_resume_says_at_once_what_is_in_the_way(pulls: Pulls, hub: FakeHub):
    """And leaves the download paused."""
    begin_slowly(pulls, hub)
    pulls.pause("tiny")
    hub.hub_statuses.append((403, {}))
    with pytest.raises(errors.DownloadFailed, match="accept its terms"):
        pulls.resume("tiny")
    assert state(pulls) == "paused"


def test_what_an_earlier_run_left_is_there_paused(
    pulls: Pulls, hub: FakeHub, catalog: Catalog, tmp_path: Path
):
    """With its bytes; it is resumed as any other, and known to the catalog when it is complete."""
    begin_slowly(pulls, hub)
    pause_all(pulls)
    before = pulls.all()["tiny"].progress
    paths = Paths(tmp_path, tmp_path / "cache", tmp_path / "logs")
    later = Pulls(catalog, paths, make_hub=lambda: Hub(hub.environ))
    found = later.all()["tiny"].progress
    assert (found.state, found.total_bytes) == ("paused", len(hub.files[FILE]))
    assert found.done_bytes >= before.done_bytes > 0
    assert later.resume("tiny")
    wait_until(lambda: later.all()["tiny"].progress.state == "done")
    wait_until(lambda: "tiny" in [entry.id for entry in catalog.entries])
    assert "range" in hub.requests[-1][2]
    assert Pulls(catalog, paths).all() == {}


def test_what_an_earlier_run_left_can_be_cancelled(
    pulls: Pulls, hub: FakeHub, catalog: Catalog, tmp_path: Path
):
    """Nothing of it stays on the disk; files that are not ours are left alone."""
    begin_slowly(pulls, hub)
    pause_all(pulls)
    foreign = tmp_path / "models" / "notes.part.json"
    foreign.write_text("mine")
    later = Pulls(catalog, Paths(tmp_path, tmp_path / "cache", tmp_path / "logs"))
    assert list(later.all()) == ["tiny"]
    assert later.cancel("tiny")
    assert [path for path in (tmp_path / "models").rglob("*") if path.is_file()] == [foreign]
