"""Loading, unloading and watching models, as Open WebUI's provider "llama.cpp" does."""

from __future__ import annotations

import json

from localllm import errors
from tests.api.http import Client
from tests.waiting import wait_until


def status(client: Client, index: int = 0) -> str:
    return str(client.get("/models").json["data"][index]["status"]["value"])


def test_a_model_is_loaded_and_unloaded_on_demand(client):
    """Any 2xx JSON will do for Open WebUI; llama.cpp says {"success": true}."""
    answer = client.post("/models/load", {"model": "guide"})
    assert (answer.status, answer.json) == (200, {"success": True})
    wait_until(lambda: status(client) == "loaded")
    assert client.post("/models/load", {"model": "guide"}).status == 200
    assert client.post("/models/unload", {"model": "alias-guide"}).json == {"success": True}
    assert status(client) == "unloaded"


def test_a_load_does_not_keep_the_client_waiting(client, engine):
    """It is answered at once; the state says how far it is."""
    engine.may_load.clear()
    assert client.post("/v1/models/load", {"model": "guide"}).status == 200
    assert status(client) == "loading"
    engine.may_load.set()
    wait_until(lambda: status(client) == "loaded")


def test_what_can_be_said_at_once_is_an_error(client, models):
    """Unknown model, missing file, nothing to unload."""
    assert client.post("/models/load", {"model": "nope"}).status == 404
    assert client.post("/models/load", {}).error["param"] == "model"
    assert client.post("/models/unload", {"model": "guide"}).status == 400
    (models.paths.data / "model.gguf").unlink()
    assert client.post("/models/load", {"model": "guide"}).status == 404


def test_changes_are_sent_as_events(client, engine, models):
    """Status by status, with the progress of a load, and a reload of the list when the catalog was edited."""
    engine.may_load.clear()
    client.post("/models/load", {"model": "guide"})
    watcher = _watch(client)
    assert (
        b'"status":"loading","progress":{"stages":["text_model"],"current":"text_model"'
        in watcher.read_until(b"\n\n")
    )
    engine.may_load.set()
    watcher.read_until(b'{"model":"guide","event":"model_status","data":{"status":"loaded"}}')
    client.post("/models/unload", {"model": "guide"})
    watcher.read_until(b'{"model":"guide","event":"model_status","data":{"status":"unloaded"}}')
    text = models.paths.catalog.read_text() + '[[model]]\nid = "third"\nsource = "model.gguf"\n'
    models.paths.catalog.write_text(text)
    watcher.read_until(b'{"model":"*","event":"models_reload"}')
    watcher.close()


def test_a_failed_load_is_an_event_too(client, engine):
    """Unloaded, and failed."""
    engine.load_error = errors.ModelLoadFailed("The file is broken.")
    watcher = _watch(client)
    client.post("/models/load", {"model": "guide"})
    event = watcher.read_until(b'"failed":true').rpartition(b"data: ")[2]
    assert json.loads(event.strip().split(b"\r\n")[0]) == {
        "model": "guide", "event": "model_status", "data": {"status": "unloaded", "failed": True},
    }  # fmt: skip
    watcher.close()


def _watch(client: Client):
    return client.open("/models/sse", None, method="GET")
