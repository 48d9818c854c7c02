"""Byte-level BPE of 2048 tokens, cut as llama.cpp cuts with `tokenizer.ggml.pre = qwen2` (every digit by itself).

Merges are learned inside runs of letters and of punctuation only; a space is joined to whole frequent words
afterwards. So an unseen word has the same tokens after a space, a quote or an underscore, which is what copying
it from a question into a tool call needs.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers, trainers

from . import corpus
from .conversation import CONTROL_TOKENS, MARKUP_TOKENS

VOCAB_SIZE = 2048
NUM_SPACED_WORDS = 300
TINY_WORDS = frozenset(
    [
        "a",
        "an",
        "am",
        "as",
        "at",
        "be",
        "by",
        "do",
        "go",
        "he",
        "if",
        "in",
        "is",
        "it",
        "me",
        "my",
        "no",
        "of",
        "on",
        "or",
        "so",
        "to",
        "up",
        "us",
        "we",
        "I",
        "It",
        "Is",
        "Do",
    ]
)
SPACE = "Ġ"  # the space, as byte-level BPE writes it

QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
STRICT = r"\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s"


def cut_at(pattern: str) -> pre_tokenizers.PreTokenizer:
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), bytes_only])


def sample_texts(seed: int, count: int = 6000) -> list[str]:
    """Text to learn the merges from; every fact's answer is in it several times."""
    rng = random.Random(f"tokenizer {seed}")
    texts = [fact.answer for fact in corpus.FACTS for _ in range(10)]
    for index in range(count):
        conversation, more = corpus.episodes(rng, "tools" if index % 8 == 0 else "plain")
        for _ in range(4):
            conversation.messages += more()
        texts += [piece.text for piece in conversation.pieces()]
    markup = (*CONTROL_TOKENS, *MARKUP_TOKENS)
    for token in markup:
        texts = [text.replace(token, "\n") for text in texts]
    return texts


def learn(seed: int) -> Tokenizer:
    """A tokenizer of exactly VOCAB_SIZE tokens; ids: control, markup, bytes, merges, words with a space."""
    texts = sample_texts(seed)
    added = [*CONTROL_TOKENS, *MARKUP_TOKENS]
    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = cut_at(STRICT)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE - len(added) - NUM_SPACED_WORDS,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bare.train_from_iterator(texts, trainer)
    model = json.loads(bare.to_str())["model"]
    tokens = [token for token, _ in sorted(model["vocab"].items(), key=lambda item: item[1])]
    merges = [tuple(merge) for merge in model["merges"]]
    spaced = frequent_spaced_words(bare, texts)
    vocab = {
        token: index for index, token in enumerate([*added, *tokens, *(SPACE + word for word in spaced)])
    }
    return assemble(vocab, [*merges, *((SPACE, word) for word in spaced)])


def frequent_spaced_words(bare: Tokenizer, texts: list[str]) -> list[str]:
    """The tokens that most often follow a space as whole words."""
    counts: Counter[str] = Counter()
    for encoding in bare.encode_batch(texts):
        tokens = [*encoding.tokens, ""]
        triples = zip(tokens, tokens[1:], tokens[2:], strict=False)
        counts.update(word for before, word, after in triples if before == SPACE and not after.isalpha())
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    words = [
        word
        for word, _ in ranked
        if word.isascii() and word.isalpha() and (len(word) > 2 or word in TINY_WORDS)
    ]
    return words[:NUM_SPACED_WORDS]


def assemble(vocab: dict[str, int], merges: list[tuple[str, str]]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.pre_tokenizer = cut_at(QWEN2)
    tokenizer.add_special_tokens(
        [AddedToken(t, special=True, normalized=False) for t in (*CONTROL_TOKENS, *MARKUP_TOKENS)]
    )
    assert tokenizer.get_vocab_size() == VOCAB_SIZE, tokenizer.get_vocab_size()
    return tokenizer


def load_or_learn(path: Path, seed: int) -> Tokenizer:
    """The tokenizer in this file; learned and written there first where it is missing."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        learn(seed).save(str(path))
    return Tokenizer.from_file(str(path))
