"""A model is pulled as a whole: all its parts, as large as it may be, under the right name."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from localllm import errors
from localllm.models import pull as pull_module
from localllm.models.hub import Hub, Listed
from localllm.models.pull import Progress, Pull, choose_file, model_sizes, quant_of
from localllm.models.sources import HubFile
from tests import tiny_models
from tests.models import hub as fault
from tests.models.hub import FakeHub
from tests.waiting import wait_until

PARTS = [f"big-0000{i}-of-00003.gguf" for i in (1, 2, 3)]
GB = 1_000_000_000


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[FakeHub]:
    hub = FakeHub()
    data = tiny_models.write(tmp_path / "m.gguf", n_layers=1).read_bytes()
    for name in ("model.gguf", *PARTS):
        hub.add(f"owner/repo/{name}", data)
    yield hub
    hub.close()


@pytest.fixture
def client(hub: FakeHub) -> Iterator[Hub]:
    client = Hub(hub.environ)
    yield client
    client.close()


def test_all_parts_of_a_split_model_arrive_under_one_progress(hub: FakeHub, client: Hub, tmp_path: Path):
    """The first part's path is what is loaded; the totals count all parts."""
    told: list[Progress] = []
    pull = Pull(client, HubFile("owner", "repo", PARTS[0]), tmp_path / "models")
    assert pull.run(told.append) == tmp_path / "models" / "owner" / "repo" / PARTS[0]
    assert sorted(p.name for p in (tmp_path / "models" / "owner" / "repo").iterdir()) == PARTS
    total = sum(len(hub.files[f"owner/repo/{name}"]) for name in PARTS)
    assert told[-1].total_bytes == total
    assert max(p.done_bytes for p in told) == total
    assert pull.progress.state == "done"


def test_a_part_that_fails_keeps_the_others(hub: FakeHub, client: Hub, tmp_path: Path):
    """The next pull fetches only what is missing."""
    del hub.files[f"owner/repo/{PARTS[2]}"]
    pull = Pull(client, HubFile("owner", "repo", PARTS[0]), tmp_path)
    with pytest.raises(errors.DownloadFailed, match="has no file"):
        pull.run()
    assert pull.progress.state == "failed"
    assert pull.progress.error is not None


def test_a_model_that_the_disk_cannot_hold_is_refused_before_the_first_byte(
    hub: FakeHub, client: Hub, tmp_path: Path
):
    """All parts are counted together."""
    hub.sizes[f"owner/repo/{PARTS[1]}"] = 10**15
    with pytest.raises(errors.DownloadFailed, match="GB free"):
        Pull(client, HubFile("owner", "repo", PARTS[0]), tmp_path).run()
    assert not [path for _, path, _ in hub.requests if "resolve" not in path]
    assert not (tmp_path / "owner").exists()


def test_cancelling_throws_away_what_is_not_complete(hub: FakeHub, client: Hub, tmp_path: Path):
    """And pausing does not."""
    hub.faults.append(fault.trickle)
    pull = Pull(client, HubFile("owner", "repo", "model.gguf"), tmp_path)
    pull.start()
    wait_until(lambda: pull.progress.done_bytes > 0)
    pull.pause()
    paused = pull.progress
    assert paused.state == "paused"
    part = tmp_path / "owner" / "repo" / "model.gguf.part"
    assert part.stat().st_size > 0
    pull.cancel()
    assert pull.progress.state == "cancelled"
    assert list(part.parent.iterdir()) == []
    assert pull.run().is_file()


def test_a_paused_pull_is_gone_on_with_where_it_stopped(hub: FakeHub, client: Hub, tmp_path: Path):
    """Its bytes and its total are told from the first moment on, and only the rest is asked for."""
    hub.faults.append(fault.trickle)
    pull = Pull(client, HubFile("owner", "repo", "model.gguf"), tmp_path)
    pull.start()
    wait_until(lambda: pull.progress.done_bytes > 0)
    pull.pause()
    there = (tmp_path / "owner" / "repo" / "model.gguf.part").stat().st_size
    second = Pull(client, pull.source, tmp_path, before=pull)
    assert second.progress.done_bytes == pull.progress.done_bytes <= there
    assert second.progress.total_bytes == len(hub.files["owner/repo/model.gguf"])
    second.start()
    wait_until(lambda: second.progress.state == "done")
    assert hub.requests[-1][2]["range"] == f"bytes={there}-"


def test_a_silent_connection_does_not_hold_up_a_pause(
    hub: FakeHub, client: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """It is paused for everybody who looks; the next pull waits until the file is let go."""
    monkeypatch.setattr(pull_module, "END_S", 0.0)
    silence = threading.Event()
    hub.faults.append(fault.silent_until(silence))
    pull = Pull(client, HubFile("owner", "repo", "model.gguf"), tmp_path)
    pull.start()
    wait_until(lambda: bool(hub.requests) and hub.requests[-1][0] == "GET")
    pull.pause()
    assert pull.progress.state == "paused"
    assert pull.is_alive
    second = Pull(client, pull.source, tmp_path, before=pull)
    second.start()
    assert second.progress.state == "running"
    silence.set()
    wait_until(lambda: second.progress.state == "done")
    assert pull.progress.state == "paused"


def test_the_quantization_is_read_from_the_name():
    """As the hub's people write it, in capitals or not."""
    assert quant_of("Qwen3-4B-Q4_K_M.gguf") == "Q4_K_M"
    assert quant_of("model.q8_0.gguf") == "Q8_0"
    assert quant_of("gpt-oss-20b-mxfp4.gguf") == "MXFP4"
    assert quant_of("UD-IQ2_XXS/big-UD-IQ2_XXS-00001-of-00003.gguf") == "IQ2_XXS"
    assert quant_of("Qwen3-4B.gguf") == ""


def listed(**sizes_gb: float) -> list[Listed]:
    return [Listed(f"m-{quant}.gguf", int(size * GB), None) for quant, size in sizes_gb.items()]


@pytest.mark.parametrize(
    ("files", "memory_gb", "chosen"),
    [
        (listed(Q4_K_M=4.5, Q8_0=8, Q2_K=3, F16=15), 16, "m-Q4_K_M.gguf"),
        (listed(Q4_K_M=4.5, Q8_0=8, Q2_K=3), 4, "m-Q2_K.gguf"),
        (listed(Q4_K_M=0.4, Q8_0=0.6, F16=1.2), 8, "m-Q8_0.gguf"),
        (listed(Q4_K_M=0.4, Q8_0=0.6), 0.5, "m-Q4_K_M.gguf"),
        (listed(Q2_K=3, IQ2_M=3.2), 16, "m-IQ2_M.gguf"),
    ],
)
def test_the_best_quantization_that_fits_is_chosen(files: list[Listed], memory_gb: float, chosen: str):
    """Small models whole, larger ones in four bits, less only where memory is short."""
    assert choose_file(files, int(memory_gb * GB)) == chosen


def test_where_nothing_fits_the_numbers_are_told():
    """Naming a file is still possible."""
    with pytest.raises(errors.DownloadFailed, match=r"needs about 3.4 GB, and 2.0 GB are free"):
        choose_file(listed(Q2_K=3), 2 * GB)
    with pytest.raises(errors.DownloadFailed, match="no GGUF model"):
        choose_file([Listed("model.safetensors", 5, None)], GB)


def test_parts_count_together_and_projectors_do_not_count():
    """A vision model's projector is no model."""
    files = [Listed(name, 10, None) for name in (*PARTS, "mmproj-F16.gguf", "README.md")]
    assert model_sizes(files) == {PARTS[0]: 30}


def test_two_pulls_run_side_by_side(hub: FakeHub, client: Hub, tmp_path: Path):
    """Different files of one hub do not wait for each other."""
    pulls = [Pull(client, HubFile("owner", "repo", name), tmp_path) for name in ("model.gguf", PARTS[0])]
    for pull in pulls:
        pull.start()
    for pull in pulls:
        assert pull._thread is not None
        pull._thread.join(20)
        assert pull.progress.state == "done"


def test_a_listing_names_sizes_and_hashes(client: Hub, hub: FakeHub):
    """What the choice is made from."""
    files = {file.name: file for file in client.list_files("owner", "repo")}
    assert set(files) == {"model.gguf", *PARTS}
    assert files["model.gguf"].sha256 == hub.sha256("owner/repo/model.gguf")
    assert pull_module.model_sizes(list(files.values()))["model.gguf"] == len(
        hub.files["owner/repo/model.gguf"]
    )
