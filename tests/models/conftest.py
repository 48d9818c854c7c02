"""A hub with one real model, and a download of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import tiny_models
from tests.models.fetch import NAME, Fetch
from tests.models.hub import FakeHub


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real model, so that the structure check has something to check."""
    return tiny_models.write(tmp_path_factory.mktemp("model") / "m.gguf", n_layers=1).read_bytes()


@pytest.fixture
def hub(model: bytes) -> Iterator[FakeHub]:
    hub = FakeHub()
    hub.add(NAME, model)
    yield hub
    hub.close()


@pytest.fixture
def fetch(hub: FakeHub, tmp_path: Path) -> Iterator[Fetch]:
    fetch = Fetch(hub, tmp_path)
    yield fetch
    fetch.client.close()
