"""A real engine on a tiny model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localllm.engine.engine import Engine
from localllm.engine.loading import LoadParams


@pytest.fixture(scope="module")
def engine(tiny_model_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A tiny model's engine, which the tests of a file share."""
    engine = Engine(
        LoadParams(
            path=str(tiny_model_path),
            model_id="tiny",
            n_ctx=4096,
            n_parallel=4,
            log_path=str(tmp_path_factory.mktemp("logs") / "tiny.log"),
        )
    )
    yield engine
    engine.close()
