"""Downloading and deleting models over the API, in llama.cpp's shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import tiny_models
from tests.api.http import Client
from tests.models import hub as fault
from tests.models.hub import FakeHub
from tests.waiting import wait_until

REPO = "owner/Tiny-1B-GGUF"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    hub = FakeHub()
    data = tiny_models.write(tmp_path / "tiny.gguf", n_layers=1).read_bytes()
    hub.add(f"{REPO}/Tiny-1B-Q4_K_M.gguf", data)
    for name, value in hub.environ.items():
        monkeypatch.setenv(name, value)
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    yield hub
    hub.close()


def state(client: Client) -> str:
    return str(client.get("/models/downloads").json["downloads"][0]["state"])


def ids(client: Client) -> list[str]:
    return [model["id"] for model in client.get("/v1/models").json["data"]]


def test_a_model_is_downloaded_in_the_background_and_can_be_used_then(client: Client, hub: FakeHub):
    """The answer comes at once; when it is done the model is in the list."""
    answer = client.post("/models", {"model": f"{REPO}:Q4_K_M"})
    assert (answer.status, answer.json) == (200, {"success": True, "model": "tiny-1b"})
    wait_until(lambda: state(client) == "done")
    wait_until(lambda: "tiny-1b" in ids(client))


def test_what_is_wrong_with_a_name_is_said_at_once(client: Client, hub: FakeHub):
    """Not later, in the background, where nobody looks."""
    assert client.post("/models", {}).error["param"] == "model"
    assert client.post("/models", {"model": "nothing"}).status == 404
    no_download = client.post("/models", {"model": "guide"})
    assert (no_download.status, no_download.error["param"]) == (400, "model")
    assert client.post("/models", {"model": "owner/none"}).error["code"] == "download_failed"
    assert client.post("/models", {"model": "../../etc:Q4_K_M"}).error["code"] == "catalog_error"
    assert client.post("/models", {"model": f"{REPO}/other.gguf"}).status == 502


def test_a_download_is_cancelled_by_unloading_it(client: Client, hub: FakeHub, models):
    """As llama.cpp has it; nothing is left."""
    hub.faults.append(fault.trickle)
    client.post("/models", {"model": f"{REPO}:Q4_K_M"})
    wait_until(lambda: client.get("/models/downloads").json["downloads"][0]["done_bytes"] > 0)
    assert client.post("/models/unload", {"model": "tiny-1b"}).json == {"success": True}
    assert state(client) == "cancelled"
    assert not list(models.paths.models.rglob("*.part*"))


def test_progress_is_told_on_the_stream_of_events(client: Client, hub: FakeHub):
    """Bytes done of bytes in all, and the end."""
    client.post("/models", {"model": f"{REPO}:Q4_K_M"})
    wait_until(lambda: state(client) == "done")
    stream = client.open("/models/sse", None, method="GET")
    text = stream.read_until(b"download_finished").decode()
    stream.close()
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    progress = next(event for event in events if event.get("event") == "download_progress")
    (file,) = progress["data"].values()
    assert file["done"] == file["total"] == len(hub.files[f"{REPO}/Tiny-1B-Q4_K_M.gguf"])


def test_a_download_is_deleted_and_a_users_own_file_is_not(client: Client, hub: FakeHub, models):
    """The entry stays, so that it can be downloaded again."""
    client.post("/models", {"model": f"{REPO}:Q4_K_M"})
    wait_until(lambda: state(client) == "done")
    wait_until(lambda: "tiny-1b" in ids(client))
    answer = client.request("DELETE", "/models?model=tiny-1b")
    assert (answer.status, answer.json["success"]) == (200, True)
    wait_until(lambda: "tiny-1b" not in ids(client))
    assert client.request("DELETE", "/models?model=tiny-1b").status == 400
    assert client.request("DELETE", "/models?model=guide").status == 400
    assert (models.paths.data / "model.gguf").exists()
