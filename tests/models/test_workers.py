"""Layers on other computers: what they may take there, and that it is not counted here."""

from __future__ import annotations

import pytest

from localllm import errors
from localllm.engine.rpc_probe import WorkerReport
from localllm.models import workers
from localllm.models.entry import Entry, check_worker
from localllm.models.estimate import Needs
from localllm.models.memory import Memory, _plan_layers
from localllm.models.place import Place
from localllm.models.workers import HEADROOM_BYTES, Workers

GB = 1 << 30
NEEDED = Needs(layers=(GB,) * 10, input=0, output=GB, compute=0, process=0, n_ctx=4096)


def entry(id_: str, *rpc: str) -> Entry:
    return Entry(id=id_, source="x.gguf", rpc=rpc)


def report(address: str, free: int, total: int) -> WorkerReport:
    return WorkerReport(address, (7, 0, 0), ((free, total),))


def test_a_gpu_gives_what_is_free_and_a_processor_a_part():
    """A processor tells all its memory as free; somebody works on that computer."""
    assert workers.usable_bytes(report("a:1", 8 * GB, 12 * GB)) == 8 * GB - HEADROOM_BYTES
    assert workers.usable_bytes(report("a:1", 8 * GB, 8 * GB)) == 6 * GB - HEADROOM_BYTES
    assert workers.usable_bytes(report("a:1", GB // 4, GB)) == 0


def test_a_model_too_big_for_this_computer_fits_with_a_worker():
    """As many layers go there as fit; the rest stays, and only the rest is counted here."""
    plan = _plan_layers(NEEDED, entry("m", "a:1"), Memory(ram=4 * GB, on_workers=8 * GB))
    assert plan is not None
    assert (plan.n_gpu_layers, plan.worker_bytes) == (8, 8 * GB)
    assert (plan.ram_bytes, plan.device_bytes) == (3 * GB, 0)
    assert _plan_layers(NEEDED, entry("m", "a:1"), Memory(ram=2 * GB, on_workers=8 * GB)) is None


@pytest.mark.parametrize("shares_ram", [False, True])
def test_layers_are_dealt_out_between_a_gpu_and_a_worker_as_memory_is_free(shares_ram: bool):
    """As llama.cpp does it; a GPU that shares the RAM takes its part of it."""
    memory = Memory(ram=8 * GB, on_devices=4 * GB, shares_ram=shares_ram, on_workers=12 * GB)
    plan = _plan_layers(NEEDED, entry("m", "a:1"), memory)
    assert plan is not None
    assert plan.n_gpu_layers == 11
    assert plan.worker_bytes == 11 * GB * 12 // 16
    assert plan.device_bytes == 11 * GB - plan.worker_bytes
    left = memory.less([plan])
    assert left.on_devices == 4 * GB - plan.device_bytes
    assert left.ram == 8 * GB - plan.ram_bytes - (plan.device_bytes if shares_ram else 0)


def test_a_failure_is_told_to_all_who_come_at_the_same_time():
    """Ten requests at a worker that is switched off do not wait ten times three seconds."""
    asked = []

    def ask(addresses):
        asked.append(addresses)
        raise errors.WorkerUnavailable("No worker listens at a:1.")

    asking = Workers(ask)
    for _ in range(10):
        with pytest.raises(errors.WorkerUnavailable, match="a:1"):
            asking.ask(["a:1"])
    assert len(asked) == 1


def test_what_workers_have_is_remembered_by_address():
    """A model that is loaded already holds its workers, so they cannot be asked for the next plan."""
    asking = Workers(lambda addresses: tuple(report(a, GB, 2 * GB) for a in addresses))
    asking.ask(["a:1", "b:1"])
    assert asking.beside(Memory(GB), entry("m", "a:1", "b:1")).on_workers == 2 * (GB - HEADROOM_BYTES)
    assert asking.beside(Memory(GB), entry("m")).for_layers is None


def test_a_worker_in_use_by_another_model_is_told_with_that_models_name():
    """The place is loading, so it is not idle."""
    mine, other = entry("m", "a:1"), entry("o", "b:1", "a:1")
    with pytest.raises(errors.NotReady, match='a:1 computes for the model "o"'):
        workers.rivals(mine, [Place(other)])
    assert workers.rivals(mine, [Place(entry("p", "c:1")), Place(mine)]) == []


@pytest.mark.parametrize("address", ["gpu-box:50052", "10.0.0.7:50052", "laptop.local:1"])
def test_ordinary_addresses_of_workers_are_fine(address: str):
    """A name or an IPv4 address, and a port."""
    check_worker(address)


@pytest.mark.parametrize(
    "address", ["", "gpu-box", "gpu-box:", ":50052", "http://x:1", "[::1]:5", "a b:1", "a:0", "a:99999"]
)
def test_what_is_no_address_of_a_worker_is_refused(address: str):
    """The catalog says so, before anything is asked."""
    with pytest.raises(errors.CatalogError, match="host:port"):
        check_worker(address)
