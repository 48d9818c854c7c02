"""An engine's process starts once, dies with a typed error, comes back, and ends when it is closed."""

from __future__ import annotations

import signal
import sys
import threading

import psutil
import pytest

from localllm import errors
from localllm.engine.engine import Engine
from localllm.engine.loading import LoadParams
from localllm.sampling_params import SamplingParams
from tests.engine.generation import ENDLESS, GREEDY, finish_of, text_of


@pytest.fixture
def own_engine(tiny_model_path, tmp_path):
    """An engine that a test may kill."""
    engine = Engine(LoadParams(path=str(tiny_model_path), model_id="own", log_path=str(tmp_path / "own.log")))
    engine.start()
    yield engine
    engine.close()


def test_a_killed_engine_is_a_typed_error_and_comes_back(own_engine, engine):
    """kill -9 in mid-stream: that stream ends with EngineDied, another model's goes on, the next request works."""
    victim = own_engine.submit("x", ENDLESS)
    bystander = engine.submit("x", SamplingParams(temperature=0, max_tokens=200, ignore_eos=True))
    victim.next()
    psutil.Process(own_engine.pid).kill()
    with pytest.raises(errors.EngineDied, match="own"):
        list(victim)
    assert finish_of(bystander).num_completion_tokens == 200
    assert text_of(own_engine.submit("x", GREEDY))
    assert own_engine.num_starts == 2


def test_an_abort_in_c_is_told_with_its_last_words(own_engine, tmp_path):
    """The log's last lines are part of the error: they are the only witness."""
    with (tmp_path / "own.log").open("a") as log:
        log.write("ggml.c:1: GGML_ASSERT(everything is fine) failed\n")
    victim = own_engine.submit("x", ENDLESS)
    psutil.Process(own_engine.pid).send_signal(signal.SIGABRT if sys.platform != "win32" else signal.SIGTERM)
    with pytest.raises(errors.EngineDied, match="GGML_ASSERT"):
        list(victim)


@pytest.mark.skipif(sys.platform == "win32", reason="no signals on Windows")
def test_a_processor_that_is_too_old_for_the_build_is_told_what_to_do(own_engine):
    """A program that was built for newer processors dies of its first such instruction."""
    victim = own_engine.submit("x", ENDLESS)
    psutil.Process(own_engine.pid).send_signal(signal.SIGILL)
    with pytest.raises(errors.EngineDied, match=r"packaging/start\.py, which compiles it for this processor"):
        list(victim)


def test_two_threads_that_need_a_model_load_it_once(tiny_model_path):
    """One start serves all who wait."""
    engine = Engine(LoadParams(path=str(tiny_model_path)))
    texts = []
    threads = [
        threading.Thread(target=lambda: texts.append(text_of(engine.submit("x", GREEDY)))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert engine.num_starts == 1
    assert len(set(texts)) == 1
    engine.close()


def test_closing_ends_the_process_and_open_streams(tiny_model_path):
    """Nothing is left behind, and who still reads is told."""
    engine = Engine(LoadParams(path=str(tiny_model_path)))
    stream = engine.submit("x", ENDLESS)
    process = psutil.Process(engine.pid)
    engine.close()
    assert not process.is_running()
    with pytest.raises(errors.EngineDied):
        list(stream)
    assert engine.state == "unloaded"


@pytest.mark.parametrize(
    "content", [b"", b"not a model", b"GGUF" + b"\xff" * 64], ids=["empty", "text", "bad header"]
)
def test_a_file_that_is_no_model_is_an_error_that_names_it(tmp_path, content):
    """A broken file ends the engine, not the app, and the message says which file."""
    path = tmp_path / "broken.gguf"
    path.write_bytes(content)
    engine = Engine(LoadParams(path=str(path), model_id="broken", log_path=str(tmp_path / "log")))
    with pytest.raises(errors.ModelLoadFailed, match="broken"):
        engine.start()
    assert engine.state == "dead"
