"""/tokenize, /detokenize and /apply-template, in llama.cpp's shapes."""

from __future__ import annotations


def test_text_becomes_tokens_and_text_again(real):
    """A round trip on a real vocabulary, with and without /v1."""
    tokens = real.post("/tokenize", {"model": "tiny", "content": "Hello, wörld"}).json["tokens"]
    assert tokens
    assert all(type(token) is int for token in tokens)
    assert real.post("/v1/detokenize", {"model": "tiny", "tokens": tokens}).json == {
        "content": "Hello, wörld"
    }


def test_pieces_come_as_text_or_as_bytes(real):
    """A token that is part of a character has no text of its own."""
    pairs = real.post("/tokenize", {"model": "tiny", "content": "aé€", "with_pieces": True}).json["tokens"]
    pieces = [pair["piece"] for pair in pairs]
    joined = b"".join(p.encode() if isinstance(p, str) else bytes(p) for p in pieces)
    assert joined.decode() == "aé€"
    assert all(type(pair["id"]) is int for pair in pairs)


def test_special_tokens_are_read_where_it_was_asked_for(real):
    """llama.cpp's default is to read them."""

    def count(**fields: bool) -> int:
        body = {"model": "tiny", "content": "<|im_end|>"} | fields
        return len(real.post("/tokenize", body).json["tokens"])

    assert count() == 1
    assert count(parse_special=False) > 1


def test_a_template_is_applied_and_not_answered(client, engine):
    """The very prompt that a chat would have."""
    body = {"messages": [{"role": "user", "content": "Hi"}]}
    prompt = client.post("/apply-template", body).json["prompt"]
    client.post("/v1/chat/completions", body)
    assert prompt == engine.submits[-1].prompt


def test_wrong_fields_are_named(client):
    """As everywhere."""
    assert client.post("/tokenize", {}).error["param"] == "content"
    assert client.post("/tokenize", {"content": 5}).error["param"] == "content"
    assert client.post("/detokenize", {"tokens": ["a"]}).error["param"] == "tokens"
    assert client.post("/detokenize", {"tokens": "a"}).error["param"] == "tokens"
    assert client.post("/apply-template", {}).error["param"] == "messages"
    assert client.post("/tokenize", {"content": "x", "model": "nope"}).status == 404
