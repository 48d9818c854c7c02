"""The pool's lock, and who may come while it is held."""

from __future__ import annotations

import threading

from localllm.models.pool import Pool
from tests.api.fakes import FakeModels


def test_a_use_that_the_garbage_collector_ends_does_not_stop_the_pool(tmp_path):
    """Promise: a forgotten `use` that is ended in the middle of another's turn, in its thread, gives its place back.

    So it happened: an answer that nobody closed was collected while the pool was giving a model to the next request.
    """
    pool: Pool = FakeModels(tmp_path).pool
    forgotten = pool.use("guide")
    forgotten.__enter__()
    done = threading.Event()

    def collect() -> None:
        with pool._lock:
            forgotten.gen.close()  # what the collector does with it
        done.set()

    threading.Thread(target=collect, daemon=True).start()
    assert done.wait(20), "the pool waits for itself"
    with pool.use("guide"):
        pass
    pool.close()
