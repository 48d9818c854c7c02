"""Embeddings and reranking, on real engines with tiny random models."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openai
import pytest

from localllm.api.serving import serving
from localllm.config import Config
from localllm.models.catalog import Catalog
from localllm.models.pool import Pool
from localllm.paths import Paths
from tests import tiny_models
from tests.api import schema_lint
from tests.api.http import Client

TEXTS = ["a cat", "a dog", "the price of bread in Bern", "a cat"]


def _reranker(weights, shape):
    """BERT with a head that gives one number."""
    keys = tiny_models._bert(weights, shape)
    weights.matrix("cls.output.weight", 1, shape.n_embd)
    weights.add("cls.output.bias", np.zeros(1))
    return keys | {"pooling_type": 4}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, tiny_model_path: Path) -> Iterator[Client]:
    """A server with an embedding model, a reranker and one that writes text."""
    folder = tmp_path_factory.mktemp("embedding")
    with pytest.MonkeyPatch.context() as patch:
        tiny_models.write(folder / "embedder.gguf", "bert")
        patch.setitem(tiny_models.ARCHITECTURES, "bert", _reranker)
        tiny_models.write(folder / "reranker.gguf", "bert")
    rows = (
        '[[model]]\nid = "embedder"\nsource = \'embedder.gguf\'\nkind = "embedding"\nn_threads = 1\n'
        '[[model]]\nid = "reranker"\nsource = \'reranker.gguf\'\nkind = "reranking"\nn_threads = 1\n'
        f"[[model]]\nid = \"tiny\"\nsource = '{tiny_model_path}'\nn_ctx = 512\nn_threads = 1\n"
    )
    paths = Paths(data=folder, cache=folder / "cache", logs=folder / "logs")
    paths.catalog.write_text(rows, encoding="utf-8")
    pool = Pool(Catalog(paths.catalog), paths)
    with serving(pool, Config(port=0), is_port_fixed=True, drain_s=0) as server:
        yield Client(f"http://127.0.0.1:{server.port}")


def embed(client: Client, **fields):
    return client.post("/v1/embeddings", {"model": "embedder", "input": TEXTS} | fields)


def vectors(client: Client, **fields) -> np.ndarray:
    return np.array([row["embedding"] for row in embed(client, **fields).json["data"]])


def test_vectors_come_in_the_order_of_the_input(client):
    """OpenAI's shape, length one, the same text the same vector."""
    body = embed(client).json
    schema_lint.check(body, "CreateEmbeddingResponse")
    assert [row["index"] for row in body["data"]] == [0, 1, 2, 3]
    found = vectors(client)
    assert np.allclose(np.linalg.norm(found, axis=1), 1)
    assert np.allclose(found[0], found[3], atol=1e-4)
    assert not np.allclose(found[0], found[1], atol=1e-2)
    assert body["usage"]["prompt_tokens"] == body["usage"]["total_tokens"] > 4


def test_base64_is_little_endian_float32(client):
    """What both SDKs ask for without being told."""
    rows = embed(client, encoding_format="base64").json["data"]
    decoded = np.array([np.frombuffer(base64.b64decode(row["embedding"]), dtype="<f4") for row in rows])
    assert np.allclose(decoded, vectors(client), atol=1e-4)


def test_openai_python_reads_them(client):
    """It sends base64 and gives floats."""
    with openai.OpenAI(base_url=f"{client.url}/v1", api_key="x", max_retries=0) as sdk:
        found = sdk.embeddings.create(model="embedder", input=TEXTS)
    assert np.allclose(np.array([row.embedding for row in found.data]), vectors(client), atol=1e-4)


def test_fewer_dimensions_are_the_first_ones_made_long_again(client):
    """As OpenAI's newer models do it."""
    short = vectors(client, dimensions=8)
    assert short.shape == (4, 8)
    assert np.allclose(np.linalg.norm(short, axis=1), 1, atol=1e-5)
    full = vectors(client)[:, :8]
    assert np.allclose(short, full / np.linalg.norm(full, axis=1, keepdims=True), atol=1e-4)
    assert embed(client, dimensions=10_000).error["param"] == "dimensions"


def test_inputs_may_be_text_or_token_ids(client):
    """LangChain sends token ids; those of this vocabulary give the same vector as the text."""
    ids = client.post("/tokenize", {"model": "embedder", "content": "a cat", "add_special": True}).json[
        "tokens"
    ]
    assert np.allclose(vectors(client, input=[ids])[0], vectors(client, input="a cat")[0], atol=1e-4)
    assert np.allclose(vectors(client, input=ids)[0], vectors(client)[0], atol=1e-4)


@pytest.mark.parametrize(
    ("given", "param"),
    [
        (None, "input"),
        ([], "input"),
        (5, "input"),
        ([["a"]], "input[0]"),
        (["a", 5], "input[1]"),
        ([10**6], "input"),
    ],
)
def test_another_input_is_a_400(client, given, param):
    """Named; ids of another vocabulary with a hint what to send instead."""
    answer = embed(client, input=given)
    assert answer.status == 400
    assert answer.error["param"] == param


def test_many_texts_are_embedded_in_one_request(client):
    """More than fit into one batch; each as if it had been alone."""
    texts = [f"text number {i}" for i in range(300)]
    many = vectors(client, input=texts)
    assert many.shape[0] == 300
    assert np.allclose(many[277], vectors(client, input=texts[277])[0], atol=1e-3)


def test_a_model_that_writes_text_cannot_embed_and_the_other_way_round(client):
    """A sentence, not a crash."""
    assert embed(client, model="tiny").status == 400
    messages = [{"role": "user", "content": "Hi"}]
    answer = client.post("/v1/chat/completions", {"model": "embedder", "messages": messages})
    assert answer.status == 400
    assert "embeddings" in answer.error["message"]
    assert embed(client, model="reranker").error["param"] == "model"


def rerank(client: Client, **fields):
    body = {"model": "reranker", "query": "pets", "documents": ["a cat", "bread", {"text": "a dog"}]}
    return client.post("/v1/rerank", body | fields)


def test_documents_are_scored_and_sorted(client):
    """Open WebUI reads results[].index and relevance_score."""
    results = rerank(client).json["results"]
    assert sorted(result["index"] for result in results) == [0, 1, 2]
    scores = [result["relevance_score"] for result in results]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 3
    best = rerank(client, top_n=1, return_documents=True).json["results"]
    assert [result["index"] for result in best] == [results[0]["index"]]
    assert best[0]["document"]["text"] in ("a cat", "bread", "a dog")


def test_an_input_that_is_too_long_is_named_as_it_was_sent(client):
    """Also beyond the first group that the engine gets, and for a reranker as a document."""
    long = "word " * 3000
    error = embed(client, input=["short"] * 70 + [long]).error
    assert error["param"] == "input[70]"
    assert error["message"].startswith("`input[70]` has ")
    assert rerank(client, documents=["short", long]).error["param"] == "documents[1]"


def test_a_wrong_rerank_request_is_a_400_that_names_the_field(client):
    """As everywhere."""
    assert rerank(client, query=None).error["param"] == "query"
    assert rerank(client, documents=[]).error["param"] == "documents"
    assert rerank(client, documents=["a", 5]).error["param"] == "documents[1]"
    assert rerank(client, top_n=0).error["param"] == "top_n"
    assert rerank(client, model="embedder").error["param"] == "model"
