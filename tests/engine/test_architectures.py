"""Models of other kinds go through the same engine: sliding windows, recurrent states, hybrids, embeddings."""

from __future__ import annotations

import msgspec
import pytest

from localllm import errors
from localllm.engine.admission_control import WORTH_WAITING
from localllm.engine.engine import Engine
from localllm.engine.loading import LoadParams
from localllm.sampling_params import SamplingParams
from tests import tiny_models
from tests.engine.generation import GREEDY, finish_of, text_of


@pytest.mark.parametrize("arch", ["qwen2", "gemma3", "mamba", "lfm2"])
def test_models_with_other_memories_answer_a_second_turn(tmp_path, arch):
    """Sliding windows and recurrent states go through the same engine; a continuation reuses what it may."""
    path = tiny_models.write(tmp_path / f"{arch}.gguf", arch=arch)
    engine = Engine(LoadParams(path=str(path), model_id=arch, n_ctx=2048, n_parallel=2))
    prompt = engine.tokenize("The first turn of a conversation that has some length to it.")
    first = list(engine.submit(prompt, SamplingParams(temperature=0, max_tokens=20, logprobs=0)))
    answer = [entry.token_id for d in first for entry in d.logprobs or []]
    again = finish_of(engine.submit(prompt + answer + [70, 71], GREEDY))
    assert again.num_cached_tokens == len(prompt) + len(answer) - 1
    engine.close()


@pytest.mark.parametrize("arch", ["mamba", "lfm2"])
def test_a_second_turn_without_the_first_answers_thinking_is_not_computed_again(tmp_path, arch):
    """The template drops what the model thought: the state from before the answer is restored, the text is right."""
    path = tiny_models.write(tmp_path / f"{arch}.gguf", arch=arch)
    first = "<|im_start|>user\n" + "A question of some length. " * 12 + "<|im_end|>\n<|im_start|>assistant\n"
    second = first + "An answer.<|im_end|>\n<|im_start|>user\nAnd now?<|im_end|>\n<|im_start|>assistant\n"
    texts = []
    for prompts in ([first, second], [second]):
        engine = Engine(LoadParams(path=str(path), model_id=arch, n_ctx=2048, n_parallel=2))
        for prompt in prompts:
            deltas = list(engine.submit(prompt, GREEDY))
        texts.append("".join(d.text for d in deltas))
        cached = finish_of(deltas).num_cached_tokens
        assert (cached > 100) == (len(prompts) == 2)
        engine.close()
    assert texts[0] == texts[1]


@pytest.mark.parametrize("arch", ["mamba", "lfm2"])
def test_several_answers_from_a_model_whose_memory_cannot_be_cut_compute_their_prompt_once(tmp_path, arch):
    """n = 3: the state before the prompt's last token is copied, and every text is what it is alone."""
    path = tiny_models.write(tmp_path / f"{arch}.gguf", arch=arch)
    engine = Engine(LoadParams(path=str(path), model_id=arch, n_ctx=2048, n_parallel=4))
    prompt = engine.tokenize("A prompt of some length, which nobody wants to have computed three times. " * 4)
    warm = SamplingParams(seed=5, temperature=2.0, max_tokens=12, cache_prompt=False)
    alone = [text_of(engine.submit(prompt, msgspec.structs.replace(warm, seed=5 + i))) for i in range(3)]
    together = list(engine.submit(prompt, msgspec.structs.replace(warm, cache_prompt=True), n=3))
    assert ["".join(d.text for d in together if d.index == i) for i in range(3)] == alone
    cached = sorted(d.finish.num_cached_tokens for d in together if d.finish is not None)
    assert cached[0] == 0
    assert cached[1] >= len(prompt) - 1 - WORTH_WAITING
    engine.close()


def test_an_embedding_model_gives_one_unit_vector_per_text(tmp_path):
    """In order, of length one, the same alone and in a batch."""
    import numpy as np

    path = tiny_models.write(tmp_path / "bert.gguf", arch="bert")
    engine = Engine(LoadParams(path=str(path), model_id="bert", embedding=True, n_ctx=512))
    texts = ["one text", "another, longer text", "one text"]
    vectors, num_tokens = engine.embed(texts)
    assert num_tokens > 0
    np.testing.assert_allclose([np.linalg.norm(v) for v in vectors], 1.0, rtol=1e-5)
    np.testing.assert_allclose(vectors[0], vectors[2], atol=1e-5)
    np.testing.assert_allclose(engine.embed(texts[:1])[0][0], vectors[0], atol=1e-4)
    with pytest.raises(errors.InvalidRequest, match="embeddings"):
        engine.submit("x", GREEDY)
    engine.close()


def test_a_model_that_names_no_pooling_is_pooled_by_the_mean(tiny_model_path):
    """A plain text model gives vectors too, when its entry says that it is there for that."""
    engine = Engine(LoadParams(path=str(tiny_model_path), embedding=True, n_ctx=512))
    vectors, _ = engine.embed(["one text", "another"])
    assert engine.info.pooling == "mean"
    assert [round(float((v * v).sum()), 4) for v in vectors] == [1.0, 1.0]
    engine.close()


def test_a_text_model_says_how_to_embed_with_it(tiny_model_path):
    """The error names the catalog key."""
    engine = Engine(LoadParams(path=str(tiny_model_path), n_ctx=512))
    with pytest.raises(errors.InvalidRequest, match='kind = "embedding"'):
        engine.embed(["x"])
    engine.close()
