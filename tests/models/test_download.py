"""Whatever goes wrong on the way: the file is whole and right, or absent, and the message says what to do."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

import psutil
import pytest

from localllm import errors
from localllm.models.download import Download
from localllm.models.hub import Hub, Unreachable
from localllm.models.sources import HubFile
from tests.models import hub as fault
from tests.models.fetch import NAME, SOURCE, Fetch, storage_requests
from tests.models.hub import FakeHub


def test_a_file_arrives_whole_with_nothing_beside_it(hub: FakeHub, fetch: Fetch, model: bytes):
    """The simple case: two requests to the hub, one to the storage, one file."""
    fetch.run()
    assert fetch.path.read_bytes() == model
    assert fetch.left == ["model.gguf"]
    assert len(storage_requests(hub)) == 1
    assert fetch.told[-1] == len(model)


def test_a_file_that_is_there_is_not_fetched_again(hub: FakeHub, fetch: Fetch):
    """Not a byte of it."""
    fetch.run()
    fetch.run()
    assert len(storage_requests(hub)) == 1


def test_wrong_bytes_are_noticed_and_thrown_away(hub: FakeHub, fetch: Fetch, model: bytes):
    """Right length, wrong hash: nothing is left, the person is told, and the next try begins anew."""
    hub.faults.append(fault.wrong_bytes)
    with pytest.raises(
        errors.DownloadFailed, match=r"arrived damaged .* Run the same command again"
    ) as raised:
        fetch.run()
    assert raised.value.code == "wrong_hash"
    assert fetch.left == []
    fetch.run()
    assert fetch.path.read_bytes() == model


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc (Linux) to see what is open")
@pytest.mark.parametrize("harm", ["hash", "structure", "none"])
def test_no_file_is_removed_or_renamed_while_it_is_open(
    hub: FakeHub, fetch: Fetch, model: bytes, monkeypatch: pytest.MonkeyPatch, harm: str
):
    """Windows refuses that, and what is damaged would stay and never heal."""

    def refusing_open_files(name: str) -> None:
        act = getattr(Path, name)

        def checked(path: Path, *args: object, **options: object) -> object:
            if str(path) in [file.path for file in psutil.Process().open_files()]:
                raise PermissionError(13, "It is open", str(path))
            return act(path, *args, **options)

        monkeypatch.setattr(Path, name, checked)

    for name in ("unlink", "replace"):
        refusing_open_files(name)
    if harm == "structure":
        hub.add(NAME, b"<!DOCTYPE html>" * 100)
    hub.hashes |= {NAME: "0" * 64} if harm == "hash" else {}
    refused = pytest.raises(errors.DownloadFailed, match=r"its hash is wrong|cannot be used")
    with refused if harm != "none" else nullcontext():
        fetch.run()
    assert fetch.left == (["model.gguf"] if harm == "none" else [])


def test_a_hash_that_the_hub_states_wrongly_never_lets_the_file_through(hub: FakeHub, fetch: Fetch):
    """However often it is tried."""
    hub.hashes[NAME] = "0" * 64
    for _ in range(2):
        with pytest.raises(errors.DownloadFailed, match="its hash is wrong"):
            fetch.run()
        assert fetch.left == []


@pytest.mark.parametrize("change", [-1000, 1000])
def test_a_wrong_length_ends_with_a_message(hub: FakeHub, fetch: Fetch, model: bytes, change: int):
    """The hub claims more or less than the storage has: no file, and no endless loop."""
    hub.sizes[NAME] = len(model) + change
    with pytest.raises(Unreachable):
        fetch.run()
    assert "model.gguf" not in fetch.left
    assert len(storage_requests(hub)) < 40


def test_what_is_no_gguf_is_not_offered(hub: FakeHub, fetch: Fetch):
    """Right hash, but a web page: it never gets the model's name."""
    hub.add(NAME, b"<!DOCTYPE html>" * 100)
    with pytest.raises(errors.DownloadFailed, match=r"cannot be used. model.gguf is no GGUF file"):
        fetch.run()
    assert fetch.left == []


def test_a_busy_hub_is_asked_again_after_the_time_it_asks_for(hub: FakeHub, fetch: Fetch, model: bytes):
    """429 with Retry-After, then 503 without."""
    hub.faults.extend([fault.status(429, Retry_After="17"), fault.status(503)])
    fetch.run()
    assert fetch.path.read_bytes() == model
    assert fetch.waits[0] == 17
    assert 0 < fetch.waits[1] <= 30


@pytest.mark.parametrize("code", [401, 403])
def test_a_gated_model_is_explained(hub: FakeHub, fetch: Fetch, code: int):
    """Where to accept the terms, and which variable to set."""
    hub.hub_statuses.append((code, {}))
    with pytest.raises(
        errors.DownloadFailed, match=r"accept its terms at .*/owner/repo .*HF_TOKEN"
    ) as raised:
        fetch.run()
    assert raised.value.code == "gated_model"
    assert fetch.left == []


def test_the_token_goes_to_the_hub_and_to_nobody_it_redirects_to(hub: FakeHub, tmp_path: Path, model: bytes):
    """The storage is another host."""
    hub.gated.add("owner/repo")
    fetch = Fetch(hub, tmp_path, HF_TOKEN="hf_secret")
    fetch.run()
    assert fetch.path.read_bytes() == model
    for _, path, headers in hub.requests:
        is_storage = path == f"/{NAME}"
        assert headers.get("authorization") == (None if is_storage else "Bearer hf_secret")
    fetch.client.close()


def test_a_saved_token_is_used(hub: FakeHub, tmp_path: Path):
    """What `huggingface-cli login` wrote."""
    (tmp_path / "token").write_text("hf_saved\n")
    fetch = Fetch(hub, tmp_path, HF_HOME=str(tmp_path))
    fetch.run()
    assert hub.requests[0][2]["authorization"] == "Bearer hf_saved"
    fetch.client.close()


def test_two_downloads_of_one_file_do_not_meet(hub: FakeHub, fetch: Fetch, tmp_path: Path, model: bytes):
    """The second one is told to wait; the first one's file is right."""
    second = Fetch(hub, tmp_path)
    seen: list[errors.LocalllmError] = []

    def meanwhile(done: int) -> None:
        if not seen:
            with pytest.raises(errors.DownloadFailed, match="by another localllm already") as raised:
                second.run()
            seen.append(raised.value)

    Download(fetch.client, fetch.client.describe(SOURCE), fetch.path, on_bytes=meanwhile).run()
    assert seen[0].code == "download_running"
    assert fetch.path.read_bytes() == model
    assert fetch.left == ["model.gguf"]
    second.client.close()


def test_offline_means_offline(hub: FakeHub, tmp_path: Path):
    """HF_HUB_OFFLINE sends nothing at all."""
    fetch = Fetch(hub, tmp_path, HF_HUB_OFFLINE="1")
    with pytest.raises(errors.DownloadFailed, match="HF_HUB_OFFLINE is set"):
        fetch.run()
    assert hub.requests == []
    fetch.client.close()


def test_a_mistyped_file_is_answered_with_the_nearest(fetch: Fetch):
    """The repository is listed to find it."""
    with pytest.raises(errors.DownloadFailed, match=r'has no file modell.gguf. Did you mean "model.gguf"'):
        fetch.client.describe(HubFile("owner", "repo", "modell.gguf"))
    with pytest.raises(errors.DownloadFailed, match="no repository owner/nothing"):
        fetch.client.describe(HubFile("owner", "nothing", "m.gguf"))


def test_a_hub_that_cannot_be_reached_is_told(tmp_path: Path):
    """With the host and what to check."""
    client = Hub({"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path)})
    with pytest.raises(Unreachable, match=r"127.0.0.1 cannot be reached .* Check the network"):
        client.describe(SOURCE)
    client.close()
