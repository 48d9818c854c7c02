"""Two servers for all clients: one of a tiny random model, one of the guide where a sensible answer is needed."""

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

KEY = "sk-test"


@pytest.fixture(scope="session")
def base_url(tmp_path_factory: pytest.TempPathFactory, tiny_model_path: Path) -> Iterator[str]:
    """The API's address; the key is `KEY`, the model "tiny"."""
    folder = tmp_path_factory.mktemp("clients")
    paths = Paths(data=folder, cache=folder / "cache", logs=folder / "logs")
    row = f"[[model]]\nid = \"tiny\"\nsource = '{tiny_model_path}'\nn_ctx = 4096\nn_parallel = 4\nn_threads = 1\n"
    paths.catalog.write_text(row, encoding="utf-8")
    pool = Pool(Catalog(paths.catalog), paths)
    config = Config(port=0, api_key=KEY)
    with serving(pool, config, is_port_fixed=True, drain_s=0) as server:
        yield f"http://127.0.0.1:{server.port}/v1"


@pytest.fixture(scope="session")
def guide_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server without a key, with the guide and "embedder", a random BERT; the address without /v1."""
    folder = tmp_path_factory.mktemp("guide")
    tiny_models.write(folder / "embedder.gguf", "bert")
    paths = Paths(data=folder, cache=folder / "cache", logs=folder / "logs")
    paths.catalog.write_text(
        '[[model]]\nid = "guide"\nsource = "builtin:guide"\n'
        '[[model]]\nid = "embedder"\nsource = "embedder.gguf"\nkind = "embedding"\nn_threads = 1\n',
        encoding="utf-8",
    )
    pool = Pool(Catalog(paths.catalog), paths)
    with serving(pool, Config(port=0), is_port_fixed=True, drain_s=0) as server:
        yield f"http://127.0.0.1:{server.port}"
