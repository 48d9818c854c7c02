"""A model that cannot fit is refused without being loaded, and only as long as it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from localllm import errors
from localllm.engine.loading import LoadParams
from localllm.models import ledger, presence
from localllm.models.catalog import Catalog
from localllm.models.gguf import Gguf, read_parts
from localllm.models.memory import Memory
from localllm.models.pool import Pool
from localllm.paths import Paths
from tests import tiny_models
from tests.models.fakes import FakeEngine
from tests.waiting import wait_until

SMALL = '[[model]]\nid = "small"\nsource = "small.gguf"\n'

MIB = 1 << 20


class Computer:
    """Its memory can be changed, and it counts who looks."""

    def __init__(self, ram: int) -> None:
        self.ram = ram
        self.num_looks = 0

    def __call__(self) -> Memory:
        self.num_looks += 1
        return Memory(self.ram)


@pytest.fixture
def computer() -> Computer:
    return Computer(40 * MIB)


@pytest.fixture
def started() -> list[LoadParams]:
    """What engines were made for."""
    return []


@pytest.fixture
def pool(tmp_path: Path, computer: Computer, started: list[LoadParams]) -> Iterator[Pool]:
    tiny_models.write(tmp_path / "m.gguf", n_vocab=60_000)
    paths = Paths(tmp_path, tmp_path / "cache", tmp_path / "logs")
    paths.catalog.write_text('[[model]]\nid = "m"\nsource = "m.gguf"\n')

    def make_engine(params: LoadParams) -> FakeEngine:
        started.append(params)
        return FakeEngine(params)

    pool = Pool(Catalog(paths.catalog), paths, make_engine, measure=computer)
    yield pool
    pool.close()


def test_a_refusal_starts_no_engine_and_maps_no_file(pool: Pool, started: list[LoadParams], tmp_path: Path):
    """Nothing of the model comes into memory but its header."""
    with pytest.raises(errors.ModelLoadFailed, match=r"needs .* GB") as refused:
        pool.get("m")
    assert refused.value.code == "not_enough_memory"
    assert not started
    assert pool.reserved_bytes == 0
    maps = psutil.Process().memory_maps() if hasattr(psutil.Process, "memory_maps") else []
    assert str(tmp_path / "m.gguf") not in [m.path for m in maps]


def test_a_refusal_reads_the_header_no_second_time(pool: Pool, monkeypatch: pytest.MonkeyPatch):
    """Which takes the longest of it: a large vocabulary has to be stepped over word by word."""
    reads: list[Path] = []

    def counting(path: Path) -> list[Gguf]:
        headers = read_parts(path)
        reads.append(path)
        return headers

    monkeypatch.setattr(presence, "read_parts", counting)
    wait_until(lambda: bool(reads))  # before anybody asked for the model
    before = read_parts(reads[0])[0]
    with pytest.raises(errors.ModelLoadFailed):
        pool.get("m")
    assert read_parts(reads[0])[0] is before
    assert len(reads) == 1


def test_memory_that_has_become_free_is_seen(pool: Pool, computer: Computer, monkeypatch: pytest.MonkeyPatch):
    """What did not fit beside another program fits when that has ended."""
    with pytest.raises(errors.ModelLoadFailed):
        pool.get("m")
    computer.ram = 4000 * MIB
    with pytest.raises(errors.ModelLoadFailed):  # measuring asks the GPUs, so not with every request
        pool.get("m")
    monkeypatch.setattr(ledger, "FRESH_S", 0.0)
    assert pool.get("m").id == "m"


def test_memory_that_has_become_free_is_seen_beside_a_loaded_model(
    pool: Pool, computer: Computer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Nobody has to unload everything first."""
    monkeypatch.setattr(ledger, "FRESH_S", 0.0)
    tiny_models.write(tmp_path / "small.gguf")
    pool.catalog.path.write_text(pool.catalog.path.read_text() + SMALL)
    computer.ram = 100 * MIB
    pool.get("small")
    with pytest.raises(errors.ModelLoadFailed):
        pool.get("m")
    computer.ram = 4000 * MIB
    assert pool.get("m").id == "m"
    assert {model.entry.id for model in pool.loaded()} == {"small", "m"}
