"""The models that other tests build on: every architecture loads in llama.cpp and continues a prompt."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import pytest

from tests import tiny_models, vocabulary

PROMPT = "<|im_start|>user\nhello to the people of the world<|im_end|>\n<|im_start|>assistant\n"
GENERATIVE = [arch for arch in tiny_models.ARCHITECTURES if arch != "bert"]


@pytest.fixture(autouse=True)
def quiet_llama() -> Iterator[None]:
    silent = llama_cpp.llama_log_callback(lambda level, text, user_data: None)
    llama_cpp.llama_log_set(silent, ctypes.c_void_p(0))
    yield
    llama_cpp.llama_log_set(llama_cpp.llama_log_callback(0), ctypes.c_void_p(0))


@contextmanager
def loaded(path: Path, **settings: Any) -> Iterator[Any]:
    """A context of the model, with 256 tokens of room."""
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), llama_cpp.llama_model_default_params())
    assert model, f"llama.cpp refused {path.name}"
    params = llama_cpp.llama_context_default_params()
    params.n_ctx, params.n_threads = 256, 1
    for key, value in settings.items():
        setattr(params, key, value)
    context = llama_cpp.llama_init_from_model(model, params)
    try:
        yield context
    finally:
        llama_cpp.llama_free(context)
        llama_cpp.llama_model_free(model)


def tokenize(context: Any, text: str) -> list[int]:
    vocab = llama_cpp.llama_model_get_vocab(llama_cpp.llama_get_model(context))
    data, room = text.encode(), (llama_cpp.llama_token * 256)()
    return list(room[: llama_cpp.llama_tokenize(vocab, data, len(data), room, 256, False, True)])


def as_array(token_ids: list[int]) -> Any:
    """The caller keeps it as long as a batch points into it."""
    return (llama_cpp.llama_token * len(token_ids))(*token_ids)


def greedy(context: Any, prompt: list[int], num_tokens: int) -> list[int]:
    said: list[int] = []
    n_vocab = llama_cpp.llama_vocab_n_tokens(
        llama_cpp.llama_model_get_vocab(llama_cpp.llama_get_model(context))
    )
    while len(said) < num_tokens:
        new = as_array(said[-1:] or prompt)
        batch = llama_cpp.llama_batch_get_one(new, len(new))
        assert llama_cpp.llama_decode(context, batch) == 0
        logits = np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(context, -1), (n_vocab,))
        assert np.isfinite(logits).all()
        said.append(int(logits.argmax()))
    return said


@pytest.mark.parametrize("arch", GENERATIVE)
def test_a_tiny_model_continues_a_prompt_with_readable_text_that_does_not_end(arch: str, tmp_path: Path):
    """Each architecture loads, decodes varied tokens, and never says a control token by itself."""
    with loaded(tiny_models.write(tmp_path / "model.gguf", arch)) as context:
        said = greedy(context, tokenize(context, PROMPT), 40)
    assert len(set(said)) > 4
    assert max(said) < vocabulary.build(512).num_plain


@pytest.mark.parametrize("arch", GENERATIVE)
def test_what_a_tiny_model_says_depends_on_what_it_read(arch: str, tmp_path: Path):
    """Two prompts that differ early and end alike get different answers, so a mixed-up KV cache shows in the text."""
    path = tiny_models.write(tmp_path / "model.gguf", arch)
    answers = []
    for word in ("people", "water"):
        with loaded(path) as context:
            answers.append(greedy(context, tokenize(context, PROMPT.replace("people", word)), 12))
    assert answers[0] != answers[1]


def test_the_architectures_differ_in_what_their_memory_allows(tmp_path: Path):
    """mamba is recurrent and lfm2 is hybrid for llama.cpp, gemma3 has a sliding window, and llama has none of it."""
    kinds = {}
    for arch in GENERATIVE:
        with loaded(tiny_models.write(tmp_path / "model.gguf", arch)) as context:
            model = llama_cpp.llama_get_model(context)
            kinds[arch] = (
                llama_cpp.llama_model_is_recurrent(model),
                llama_cpp.llama_model_is_hybrid(model),
                llama_cpp.llama_model_n_swa(model),
            )
    plain = (False, False, 0)
    assert kinds == {
        "llama": plain,
        "qwen2": plain,
        "gemma3": (False, False, tiny_models.WINDOW),
        "mamba": (True, False, 0),
        "lfm2": (False, True, 0),
    }


def test_the_embedding_model_gives_one_finite_vector_for_a_text(tmp_path: Path):
    """bert pools its tokens into one vector, and another text gets another vector."""
    path = tiny_models.write(tmp_path / "model.gguf", "bert", n_ctx=256)
    vectors = []
    for text in ("the people of the world", "water and money"):
        with loaded(path, embeddings=True) as context:
            tokens = as_array(tokenize(context, text))
            batch = llama_cpp.llama_batch_get_one(tokens, len(tokens))
            assert llama_cpp.llama_encode(context, batch) == 0
            pooled = llama_cpp.llama_get_embeddings_seq(context, 0)
            vectors.append(np.ctypeslib.as_array(pooled, (64,)).copy())
    assert np.isfinite(vectors).all()
    assert not np.allclose(vectors[0], vectors[1])


def test_the_same_arguments_give_the_same_file_and_another_seed_another(tmp_path: Path):
    """A failing test can be repeated on another machine."""
    files = [
        tiny_models.write(tmp_path / f"{i}.gguf", seed=seed).read_bytes() for i, seed in enumerate((1, 1, 2))
    ]
    assert files[0] == files[1]
    assert files[0] != files[2]


def test_listed_words_are_one_token_and_anything_else_falls_back_to_bytes(tmp_path: Path):
    """Prompts made of listed words have one token a word, so tests and benchmarks can count."""
    words = vocabulary.WORDS[:100]
    with loaded(tiny_models.write(tmp_path / "model.gguf", n_vocab=2048)) as context:
        assert len(tokenize(context, " " + " ".join(words))) == len(words)
        assert len(tokenize(context, "é€😀")) == len("é€😀".encode())


@pytest.mark.parametrize("num_tokens", [265, 512, 5000])
def test_a_vocabulary_has_exactly_the_asked_size_and_no_token_twice(num_tokens: int):
    """llama.cpp takes the vocabulary's size from the list and trusts that its texts differ."""
    tokens = vocabulary.build(num_tokens).tokens
    assert len(tokens) == len(set(tokens)) == num_tokens


def test_a_vocabulary_too_small_for_the_bytes_is_refused():
    """Below 256 bytes and the markers some text could not be written."""
    with pytest.raises(ValueError, match="at least 265"):
        vocabulary.build(264)
