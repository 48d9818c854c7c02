"""A GGUF header is read without trusting a single number in it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localllm import errors
from localllm.models.gguf import check_complete, read_gguf
from tests import tiny_models
from tests.gguf_writer import Scalar, Tensor, header, write_gguf

METADATA: dict[str, Scalar | Sequence[Scalar]] = {
    "general.architecture": "llama",
    "llama.context_length": 4096,
    "llama.scale": 0.5,
    "llama.layers": [1, 2, 3],
    "tokenizer.tokens": ["a", "b"] * 3000,
    "tokenizer.chat_template": "{{ messages }}",
    "flag": True,
}


def small(path: Path) -> Path:
    tensors = [Tensor.of("a", np.zeros((3, 32), np.float32)), Tensor.of("b", np.zeros(64, np.float16))]
    return write_gguf(path / "small.gguf", METADATA, tensors)


def test_metadata_and_tensors_are_read(tmp_path: Path):
    """Long arrays are known by their length only: a vocabulary is of no use here."""
    found = read_gguf(small(tmp_path))
    assert found.get("context_length") == 4096
    assert found.metadata["llama.layers"] == (1, 2, 3)
    assert found.metadata["flag"] is True
    assert found.metadata["tokenizer.tokens"] is None
    assert found.array_lengths["tokenizer.tokens"] == 6000
    assert found.metadata["tokenizer.chat_template"] == "{{ messages }}"
    assert [(t.name, t.dims, t.size_bytes) for t in found.tensors] == [("a", (32, 3), 384), ("b", (64,), 128)]
    assert found.weights_bytes == 512
    check_complete(found)


@pytest.mark.parametrize("arch", tiny_models.ARCHITECTURES)
def test_real_architectures_are_read(tmp_path: Path, arch: str):
    """The same files that llama.cpp loads in other tests."""
    found = read_gguf(tiny_models.write(tmp_path / "m.gguf", arch))
    assert found.architecture == arch
    assert found.quant == "F32"
    check_complete(found)


def test_a_cut_off_download_is_noticed(tmp_path: Path):
    """The header is whole but the weights are not."""
    path = small(tmp_path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(errors.ModelLoadFailed, match="too early"):
        check_complete(read_gguf(path))


def test_every_shorter_file_is_refused(tmp_path: Path):
    """Wherever the header is cut, the answer is a sentence."""
    whole = header(
        {"general.architecture": "llama", "x": [1, 2], "y": ["a"]}, [Tensor.of("t", np.zeros(8, np.float32))]
    )
    path = tmp_path / "cut.gguf"
    for length in range(len(whole) - 31):
        path.write_bytes(whole[:length])
        with pytest.raises(errors.ModelLoadFailed, match="no GGUF file that can be used"):
            read_gguf(path)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "too short"),
        (b"GGML" + bytes(60), "not GGUF"),
        (b"<!DOCTYPE html><html>" + bytes(60), "not GGUF"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0) + bytes(60), "version is 1"),
        (b"GGUF" + struct.pack(">IQQ", 3, 0, 0) + bytes(60), "big-endian"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 0) + bytes(60), "claims"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60) + bytes(60), "claims"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 62) + bytes(60), "a text in it has"),
        (b"GGUF" + struct.pack("<IQQQ4sIIQ", 3, 0, 1, 4, b"abcd", 9, 8, 1 << 62) + bytes(60), "claims"),
        (b"GGUF" + struct.pack("<IQQQ4sIIQ", 3, 0, 1, 4, b"abcd", 9, 10, 50) + bytes(60), "ends inside"),
        (b"GGUF" + struct.pack("<IQQQ4sI", 3, 0, 1, 4, b"abcd", 99) + bytes(60), "unknown type 99"),
        (b"GGUF" + struct.pack("<IQQQ1sI", 3, 1, 0, 1, b"t", 99) + bytes(60), "99 dimensions"),
        (b"GGUF" + struct.pack("<IQQQ1sIQIQ", 3, 1, 0, 1, b"t", 1, 32, 77, 0) + bytes(60), "the type 77"),
        (
            b"GGUF" + struct.pack("<IQQQ1sIQIQ", 3, 1, 0, 1, b"t", 1, 1 << 60, 0, 0) + bytes(60),
            "as large as it says",
        ),
    ],
)
def test_hostile_headers_are_refused_with_a_sentence(tmp_path: Path, data: bytes, said: str):
    """Nothing is allocated on the word of a file."""
    path = tmp_path / "bad.gguf"
    path.write_bytes(data)
    with pytest.raises(errors.ModelLoadFailed, match=said):
        read_gguf(path)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=6))
def test_damaged_bytes_never_raise_anything_else(tmp_path_factory: pytest.TempPathFactory, damage):
    """Any byte of the header may be wrong."""
    data = bytearray(
        header(METADATA | {"tokenizer.tokens": ["a"]}, [Tensor.of("t", np.zeros(8, np.float32))])
    )
    for position, value in damage:
        data[position % len(data)] = value
    path = tmp_path_factory.getbasetemp() / "damaged.gguf"
    path.write_bytes(data)
    try:
        found = read_gguf(path)
        assert found.quant
        check_complete(found)
    except errors.ModelLoadFailed:
        pass


def test_a_missing_file_is_told(tmp_path: Path):
    """With the system's reason."""
    with pytest.raises(errors.ModelLoadFailed, match="cannot be read"):
        read_gguf(tmp_path / "none.gguf")
