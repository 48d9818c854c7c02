"""GET /v1/models: from the catalog, in OpenAI's shape, with nothing in it that breaks a client."""

from __future__ import annotations

import threading

from localllm.models.entry import GUIDE
from tests.api import schema_lint

OPEN_WEBUIS_OWN = {"info", "pipeline", "arena", "preset", "direct", "provider", "urlIdx", "action_ids", "filter_ids",
                   "actions", "filters", "params"}  # fmt: skip


def test_the_list_has_openais_shape(client):
    """And no key that Open WebUI takes for its own: one such row empties its whole model list."""
    body = client.get("/v1/models").json
    schema_lint.check(body, "ListModelsResponse")
    assert [model["id"] for model in body["data"]] == ["guide", "other"]
    assert not [model for model in body["data"] if OPEN_WEBUIS_OWN & model.keys()]


def test_one_model_is_found_by_id_and_alias(client):
    """Each under the name that was asked for; paths with a trailing slash too."""
    names = {"/v1/models/guide": "guide", "/models/alias-guide": "alias-guide", "/v1/models/guide/": "guide"}
    for path, name in names.items():
        body = client.get(path).json
        schema_lint.check(body, "Model")
        assert body["id"] == name


def test_an_id_may_have_slashes(tmp_path, client, models):
    """Hub names are `owner/name`."""
    text = models.paths.catalog.read_text() + '[[model]]\nid = "owner/name:q4"\nsource = "model.gguf"\n'
    models.paths.catalog.write_text(text)
    assert client.get("/v1/models/owner/name:q4").json["id"] == "owner/name:q4"


def test_the_status_follows_the_engine(client, engine):
    """As llama.cpp has it: unloaded, loading, loaded. Asking never waits for a load."""

    def status() -> str:
        return str(client.get("/v1/models").json["data"][0]["status"]["value"])

    assert status() == "unloaded"
    engine.may_load.clear()
    thread = threading.Thread(target=client.chat)
    thread.start()
    while status() != "loading":
        pass
    engine.may_load.set()
    thread.join()
    assert status() == "loaded"
    assert client.get("/health").json["models"][0] == {"id": "guide", "status": "loaded"}


def test_codex_gets_the_key_it_looks_for(client):
    """`?client_version=…` wants a top-level `models` list."""
    assert client.get("/v1/models?client_version=1.2.3").json["models"] == []


def test_a_broken_catalog_is_told_by_health_and_by_the_page(client, models):
    """The last good one stays in use."""
    client.get("/v1/models")
    models.paths.catalog.write_text('[[model]]\nid = "guide"\nsorce = "x"\n')
    assert "sorce" in client.get("/health").json["catalog_error"]
    assert "sorce" in client.get("/page/state").json["catalog_error"]
    assert len(client.get("/v1/models").json["data"]) == 2


def test_without_a_name_the_guide_answers_only_where_nothing_else_can(client, models):
    """A loaded model, else the first whose file is here; no model for vectors, and no other server's."""
    body = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}

    def chosen() -> str:
        return str(client.post("/v1/chat/completions", body).json["model"])

    guide = f'[[model]]\nid = "guide"\nsource = "{GUIDE.source}"\n'
    vectors = '[[model]]\nid = "vectors"\nsource = "model.gguf"\nkind = "embedding"\n'
    far = '[[model]]\nid = "far"\n[model.upstream]\nbase_url = "http://127.0.0.1:9/v1"\n'
    gone = '[[model]]\nid = "gone"\nsource = "hf:owner/repo/gone.gguf"\n'
    other = '[[model]]\nid = "other"\nsource = "model.gguf"\n'
    models.paths.catalog.write_text(guide + vectors + far + gone)
    assert chosen() == "guide"
    models.paths.catalog.write_text(guide + vectors + far + gone + other)
    assert client.get("/v1/models/guide").json["status"]["value"] == "loaded"
    assert chosen() == "other"
    models.paths.catalog.write_text(gone)
    nothing = client.post("/v1/chat/completions", body)
    assert (nothing.status, nothing.error["code"]) == (404, "model_not_found")


def test_any_name_is_served_where_that_is_set(serve):
    """`serve_any_name`: clients with names of their own built in reach the model of requests without a name."""
    any_name, strict = serve(serve_any_name=True, model="other"), serve()
    assert any_name.chat(model="gpt-9-nano").json["model"] == "other"
    assert any_name.chat(model="guide").json["model"] == "guide"
    assert strict.chat(model="gpt-9-nano").error["code"] == "model_not_found"
