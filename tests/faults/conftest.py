"""One app for the tests of a file, and one with an engine's patience made short."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import tiny_models
from tests.api.conftest import client, engine, models, serve  # noqa: F401 -- fixtures: servers over fake engines
from tests.faults.app import App, running


@pytest.fixture(scope="session")
def slow_model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that reads a long prompt for a second or two, so that a test can do something meanwhile."""
    return tiny_models.write(tmp_path_factory.mktemp("models") / "slow.gguf", n_embd=128)


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, tiny_model_path: Path, slow_model_path: Path
) -> Iterator[App]:
    """An app with a short ping interval, and engines that may be silent for five seconds."""
    folder = tmp_path_factory.mktemp("app")
    with running(folder, tiny_model_path, slow_model_path, LOCALLLM_ENGINE_TIMEOUT_S="5") as app:
        yield app
        assert app.process.poll() is None, "the app has crashed"
        said = app.log
        assert "Traceback" not in said, said[-3000:]
