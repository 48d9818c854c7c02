"""An engine whose layers lie on workers: the same text, and a clear word when a worker is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localllm import errors
from localllm.engine.engine import Engine
from localllm.engine.loading import LoadParams
from localllm.engine.rpc_server import RpcServer
from localllm.sampling_params import SamplingParams
from tests.waiting import wait_until

PROMPT = "Once upon a time there was a network"
MakeEngine = Callable[..., Engine]
Pair = tuple[RpcServer, RpcServer]


@pytest.fixture
def make_engine(deep_model_path: Path, tmp_path: Path) -> Iterator[MakeEngine]:
    engines: list[Engine] = []

    def make(*workers: RpcServer, n_gpu_layers: int = -1) -> Engine:
        params = LoadParams(
            path=str(deep_model_path),
            model_id="deep",
            n_ctx=2048,
            n_parallel=2,
            n_threads=1,
            n_gpu_layers=n_gpu_layers,
            log_path=str(tmp_path / f"engine-{len(engines)}.log"),
            rpc=tuple(worker.settings.address for worker in workers),
        )
        engines.append(Engine(params))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


def text_of(engine: Engine) -> str:
    return "".join(d.text for d in engine.submit(PROMPT, SamplingParams(temperature=0, max_tokens=32)))


def test_greedy_text_is_the_same_with_layers_elsewhere(workers: Pair, make_engine: MakeEngine):
    """All layers on one worker, half of them, or all of them dealt out to two: not a character differs."""
    local = text_of(make_engine())
    for holders, n_gpu_layers in ((workers[:1], -1), (workers[:1], 2), (workers, -1)):
        engine = make_engine(*holders, n_gpu_layers=n_gpu_layers)
        assert text_of(engine) == local != ""
        assert all(any(w.settings.address in device for device in engine.info.devices) for w in holders)
        engine.close()


def test_a_worker_lost_in_mid_stream_is_named_and_the_model_comes_back_with_it(
    worker: RpcServer, make_engine: MakeEngine
):
    """What was running gets a 503 that names the worker; so does what comes while it is away; then all is as before."""
    engine = make_engine(worker)
    before = text_of(engine)
    address = worker.settings.address
    stream = iter(engine.submit(PROMPT, SamplingParams(temperature=0, ignore_eos=True)))
    next(stream)
    worker.close()
    with pytest.raises(errors.WorkerLost, match=f"The worker {address}, .* was lost") as lost:
        list(stream)
    assert (lost.value.status, lost.value.code) == (503, "worker_lost")
    with pytest.raises(errors.WorkerUnavailable, match=f"No worker listens at {address}"):
        text_of(engine)
    worker.start()
    assert text_of(engine) == before


def test_a_worker_lost_while_nothing_runs_costs_no_request(worker: RpcServer, make_engine: MakeEngine):
    """The engine notices by itself, so the next request begins with a fresh one."""
    engine = make_engine(worker)
    before = text_of(engine)
    worker.close()
    worker.start()
    wait_until(lambda: engine.state == "dead")
    assert text_of(engine) == before


@pytest.mark.slow
def test_of_two_workers_the_lost_one_is_named(workers: Pair, make_engine: MakeEngine):
    """Whoever has to walk to a machine shall walk to the right one."""
    _, two = workers
    engine = make_engine(*workers)
    stream = iter(engine.submit(PROMPT, SamplingParams(temperature=0, ignore_eos=True)))
    next(stream)
    two.close()
    with pytest.raises(errors.WorkerLost, match=f"The worker {two.settings.address}, "):
        list(stream)
