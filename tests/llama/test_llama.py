"""llama.cpp through the typed classes, in this process: vocabulary, batches, KV cells, samplers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from localllm.llama import library
from localllm.llama.batch import Batch
from localllm.llama.context import Context, OutOfCells, Stopped
from localllm.llama.model import Model
from localllm.llama.sampler import Sampler, is_greedy, needs_history
from localllm.sampling_params import SamplingParams

N_CTX = 512


@pytest.fixture(scope="module")
def model(tiny_model_path: Path) -> Iterator[Model]:
    model = Model(tiny_model_path)
    yield model
    model.close()


@pytest.fixture
def context(model: Model) -> Iterator[Context]:
    context = Context(model, n_ctx=N_CTX, n_seq_max=4, n_batch=128, n_threads=1, max_logits=8)
    yield context
    context.close()


def compute(context: Context, seq_id: int, token_ids: list[int], position: int = 0) -> np.ndarray:
    """Run tokens of one sequence and copy the last one's logits."""
    batch = Batch(128)
    last = batch.add(seq_id, token_ids, position, num_logits=1, count=len(token_ids))
    context.decode(batch)
    return context.logits(last).copy()


def test_pieces_put_together_are_the_text(model):
    """Tokenizing loses nothing: the tokens' bytes are the text's."""
    text = "Plain text, 中文, émoji 👋🏽 and\n\twhite space"
    ids = model.tokenize(text, add_special=False, parse_special=False)
    assert b"".join(model.piece(t) for t in ids.tolist()).decode() == text


def test_control_tokens_are_parsed_only_when_asked_and_silent_unless_asked(model):
    """What a user types as text is not a control token; a control token shows no text by itself."""
    parsed = model.tokenize("<|im_end|>", add_special=False, parse_special=True)
    assert len(parsed) == 1
    assert len(model.tokenize("<|im_end|>", add_special=False, parse_special=False)) > 1
    (token,) = parsed.tolist()
    assert model.is_control(token)
    assert model.piece(token) == b""
    assert model.piece(token, special=True) == b"<|im_end|>"
    assert token in model.eog_tokens


def test_a_long_text_is_tokenized_whole(model):
    """The buffer grows with the text."""
    ids = model.tokenize("一" * 5000, add_special=False, parse_special=False)
    assert b"".join(model.piece(t) for t in ids.tolist()).decode() == "一" * 5000


def test_metadata_of_any_length_is_read_and_missing_keys_are_none(model):
    """The chat template is longer than any first guess of a buffer."""
    assert model.metadata("general.architecture") == "llama"
    assert model.metadata("tokenizer.chat_template") == model.chat_template
    assert model.metadata("no.such.key") is None


def test_a_copied_prefix_gives_the_logits_of_a_computed_one(model, context):
    """seq_cp shares cells: the continuation cannot tell the difference."""
    ids = list(range(60, 100))
    expected = compute(context, 0, [*ids, 7])
    context.cut(0, len(ids))
    context.copy_prefix(0, 1, len(ids))
    np.testing.assert_allclose(compute(context, 1, [7], len(ids)), expected, atol=1e-3)


def test_a_cut_sequence_goes_on_from_the_cut(model, context):
    """What is behind the cut is forgotten."""
    expected = compute(context, 0, [*range(60, 80), 5])
    compute(context, 1, list(range(60, 110)))
    assert context.cut(1, 20)
    np.testing.assert_allclose(compute(context, 1, [5], 20), expected, atol=1e-3)


def test_saved_cells_are_restored_into_another_context(model, context):
    """What one context saved, another of the same settings continues."""
    ids = list(range(60, 100))
    compute(context, 0, ids)
    state = context.save(0)
    expected = compute(context, 0, [9], len(ids))
    other = Context(model, n_ctx=N_CTX, n_seq_max=4, n_batch=128, n_threads=1, max_logits=8)
    assert other.restore(2, state)
    np.testing.assert_allclose(compute(other, 2, [9], len(ids)), expected, atol=1e-3)
    other.close()


def test_cells_computed_elsewhere_are_put_behind_those_that_a_sequence_holds(model, context):
    """The beginning may be shared with others; what is appended is what another context computed behind it."""
    ids = list(range(60, 100))
    expected = compute(context, 0, [*ids, 9])
    context.cut(0, 25)
    context.copy_prefix(0, 1, 25)
    other = Context(model, n_ctx=N_CTX, n_seq_max=2, n_batch=128, n_threads=1, max_logits=2)
    assert other.restore(0, context.save(1))
    compute(other, 0, ids[25:], 25)
    other.copy_part(0, 1, 25, len(ids))
    assert context.append(1, other.save(1), through=3)
    np.testing.assert_allclose(compute(context, 1, [9], len(ids)), expected, atol=1e-3)
    np.testing.assert_allclose(compute(context, 0, [*ids[25:], 9], 25), expected, atol=1e-3)
    other.close()


def test_cells_for_which_there_is_no_room_are_refused_and_nothing_is_changed(model, context):
    """The sequence goes on from what it had, and the one in between is empty again."""
    for seq_id in range(3):
        compute(context, seq_id, list(range(60, 60 + 128)))
    other = Context(model, n_ctx=N_CTX, n_seq_max=1, n_batch=128, n_threads=1, max_logits=1)
    compute(other, 0, list(range(60, 60 + 128)))
    compute(other, 0, [60, 61], 128)
    assert not context.append(2, other.save(0), through=3)
    compute(context, 2, [60], 128)
    other.close()


def test_a_batch_is_stopped_between_two_nodes_and_leaves_the_cells_as_they_were(model):
    """Stopped, and the same batch can be computed later; what is asked is asked on the thread that decodes."""
    threads = []

    def on_node() -> bool:
        threads.append(threading.get_ident())
        return len(threads) == 5

    context = Context(
        model, n_ctx=N_CTX, n_seq_max=1, n_batch=128, n_threads=2, max_logits=1, on_node=on_node
    )
    with pytest.raises(Stopped):
        compute(context, 0, [60, 61, 62])
    assert threads == [threading.get_ident()] * 5
    compute(context, 0, [60, 61, 62])
    context.close()


@pytest.mark.parametrize("state", [b"", b"nonsense" * 100])
def test_bytes_that_are_no_state_are_refused_and_leave_the_slot_usable(context, state):
    """A foreign state gives False, not an abort."""
    assert not context.restore(3, state)
    compute(context, 3, [60, 61])


def test_a_full_cache_is_a_typed_error_that_changes_nothing(context):
    """OutOfCells: the caller makes room and tries again."""
    for seq_id in range(4):
        compute(context, seq_id, list(range(60, 180)))
    with pytest.raises(OutOfCells):
        compute(context, 0, list(range(60, 160)), 120)
    assert context.cut(3, 0)
    compute(context, 0, list(range(60, 120)), 120)


def test_a_batch_carries_several_sequences(context):
    """Logits come out per sequence, the same as alone."""
    alone = [compute(context, seq_id, [70 + seq_id, 80]) for seq_id in range(3)]
    context.clear()
    batch = Batch(16)
    indices = [batch.add(seq_id, [70 + seq_id, 80], 0, num_logits=1, count=2) for seq_id in range(3)]
    context.decode(batch)
    for index, expected in zip(indices, alone, strict=True):
        np.testing.assert_allclose(context.logits(index), expected, atol=1e-3)


def test_greedy_needs_no_chain_and_the_chain_agrees_with_it(model, context):
    """Temperature 0 through llama.cpp's sampler takes the likeliest token, as argmax does."""
    params = SamplingParams(temperature=0)
    assert is_greedy(params)
    logits = compute(context, 0, [60, 61, 62])
    sampler = Sampler(model, params, seed=1)
    batch = Batch(4)
    index = batch.add(0, [63], 3, num_logits=1, count=1)
    context.decode(batch)
    assert sampler.sample(context, index) == int(context.logits(index).argmax())
    assert logits.shape == (model.n_vocab,)
    sampler.close()


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({}, 0),
        ({"repeat_penalty": 1.1}, 64),
        ({"presence_penalty": 0.1, "repeat_last_n": 10}, 10),
        ({"dry_multiplier": 1.0}, 1 << 30),
    ],
)
def test_only_penalties_look_back(params, count):
    """History is fed to the chain only as far as a sampler looks."""
    assert needs_history(SamplingParams(**params)) == count


def test_a_file_that_is_no_gguf_is_an_error(tmp_path):
    """Never a null pointer later."""
    path = tmp_path / "x.gguf"
    path.write_bytes(b"GGUF nonsense")
    with pytest.raises(library.LlamaError, match=r"x\.gguf"):
        Model(path)


def test_the_build_says_what_it_is_and_lists_a_device():
    """doctor shows both."""
    library.start()
    assert "llama-cpp-python" in library.build()
    assert any("CPU" in line for line in library.devices())
