"""Model files that are broken or hostile: refused with a sentence, by our own reader or by the engine's process."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from localllm import errors
from localllm.models.own_file import checked_header
from tests import tiny_models
from tests.faults.app import App, healthy_throughout, running
from tests.hostile.mutants import Mutant, mutants

NUM_MUTANTS = 300


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small good model file."""
    path = tiny_models.write(
        tmp_path_factory.mktemp("good") / "good.gguf", n_layers=1, n_embd=32, n_vocab=400
    )
    return path.read_bytes()


def is_refused(path: Path) -> bool:
    """True where `add` refuses the file, which must be with one readable sentence."""
    try:
        checked_header(path)
    except errors.ModelLoadFailed as error:
        return check_sentence(path, error.message)
    return False


def check_sentence(path: Path, message: str) -> bool:
    """It names the file, and is one."""
    assert str(path) in message
    assert message.endswith(".")
    return True


def test_three_hundred_mutants_are_refused_or_read(tmp_path: Path, good: bytes):
    """Our reader says what is wrong or takes the file; nothing else ever comes out of it. It is not fooled often."""
    refused = Counter[str]()
    for mutant in mutants(good, NUM_MUTANTS):
        path = tmp_path / f"{mutant.name}.gguf"
        path.write_bytes(mutant.data)
        refused[mutant.kind] += is_refused(path)
    assert refused["header"] == refused["truncation"] == NUM_MUTANTS // 6
    assert refused["count"] > NUM_MUTANTS // 12


def load(app: App, mutant: Mutant) -> str:
    """Ask the mutant something, through the whole app: what came of it."""
    answer = app.client.chat("Hi", model=mutant.name, max_tokens=2)
    if answer.status == 200:
        return "loaded"
    assert answer.status in (400, 404, 500, 503), answer
    message = answer.error["message"]
    assert "localllm made a mistake" not in message, message
    return "the engine ended" if "ended" in message else "refused by the engine"


@pytest.mark.slow
def test_no_mutant_harms_the_app(tmp_path: Path, good: bytes):
    """Each that our reader takes is loaded for real: an answer or a sentence, while /health answers throughout."""
    rows, taken, counts = [], [], Counter[str]()
    for mutant in mutants(good, NUM_MUTANTS):
        path = tmp_path / f"{mutant.name}.gguf"
        path.write_bytes(mutant.data)
        if is_refused(path):
            counts["refused by our reader"] += 1
        else:
            rows.append(f'[[model]]\nid = "{mutant.name}"\nsource = {json.dumps(str(path))}\nn_threads = 1\n')
            taken.append(mutant)
    (tmp_path / "models.toml").write_text("\n".join(rows), encoding="utf-8")
    good_path = tmp_path / "good.gguf"
    good_path.write_bytes(good)
    with running(tmp_path, good_path, LOCALLLM_KEEP_ALIVE="0") as app:
        with healthy_throughout(app), ThreadPoolExecutor(3) as clients:
            counts.update(clients.map(lambda mutant: load(app, mutant), taken))
        assert app.process.poll() is None
        assert "Traceback" not in app.log, app.log[-3000:]
    assert sum(counts.values()) == NUM_MUTANTS
    print(dict(counts))
