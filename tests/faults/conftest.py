"""One app for the tests of a file, and one with an engine's patience made short."""

from __future__ import annotations

import contextlib
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


@contextlib.contextmanager
def impatient(folder: Path, model: Path, slow_model: Path) -> Iterator[App]:
    """An app whose engines may be silent for five seconds, and which must outlive whatever is done to them."""
    with running(folder, model, slow_model, LOCALLLM_ENGINE_TIMEOUT_S="5") as app:
        yield app
        assert app.process.poll() is None, "the app has crashed"


@pytest.fixture(scope="module")
def app(
    tmp_path_factory: pytest.TempPathFactory, tiny_model_path: Path, slow_model_path: Path
) -> Iterator[App]:
    """An app that nothing makes write a traceback, neither itself nor an engine."""
    with impatient(tmp_path_factory.mktemp("app"), tiny_model_path, slow_model_path) as app:
        yield app
        said = app.log
        assert "Traceback" not in said, said[-3000:]
