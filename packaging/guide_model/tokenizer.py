"""Byte-level BPE, cut as llama.cpp cuts with `tokenizer.ggml.pre = qwen2` (every digit by itself).

Merges are learned inside runs of letters and of punctuation only. The few thousand words that people use most are one
token each. Every run of letters has a second token with a space before it, and the network knows which belong together
(`base_ids`): so a word has the same tokens after a space, a quote or an underscore, which is what copying it from a
question into a tool call needs.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers, trainers

from . import corpus
from . import tool_words as w
from .conversation import CONTROL_TOKENS, MARKUP_TOKENS
from .general_words import GENERAL

NUM_BASE_TOKENS = 6144  # control, markup, bytes and merges; the forms with a space come after them
VERBS = {
    word
    for family in w.FAMILIES.values()
    for phrases in family
    for phrase in phrases
    for word in phrase.split()
}
VERBS |= {*w.OWN_VERBS, *w.HELD_OUT_VERBS}
NOUNS = {*GENERAL, *w.NOUNS, *w.PARAMETERS, *w.HELD_OUT_NOUNS, *w.RESULT_KEYS, *w.CHOICES, *w.MODIFIERS}
WHOLE_WORDS = sorted(word for word in {*NOUNS, *VERBS, *map(str.capitalize, VERBS)} if word.isalpha())
NUM_SAMPLES = 6000  # conversations, about a million tokens
SELDOM = 30  # how often in them
REPEATS = 300  # of the words that must be one token
SPACE = "Ġ"  # the space, as byte-level BPE writes it

QWEN2 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
STRICT = r"\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s"


def cut_at(pattern: str) -> pre_tokenizers.PreTokenizer:
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), bytes_only])


def sample_texts(seed: int) -> list[str]:
    """Some of what the network will read."""
    rng = random.Random(f"tokenizer {seed}")
    texts = []
    for index in range(NUM_SAMPLES):
        conversation, more = corpus.episodes(rng, "tools" if index % 8 == 0 else "plain")
        for _ in range(4):
            conversation.messages += more()
        texts += [piece.text for piece in conversation.pieces()]
    return texts


def texts_to_merge(seed: int) -> list[str]:
    """Text to learn the merges from; every fact's answer is in it several times, and each whole word very often."""
    texts = [fact.answer for fact in corpus.FACTS for _ in range(10)]
    texts += sample_texts(seed)
    texts += [" ".join(WHOLE_WORDS)] * REPEATS
    markup = (*CONTROL_TOKENS, *MARKUP_TOKENS)
    for token in markup:
        texts = [text.replace(token, "\n") for text in texts]
    return texts


def learn(seed: int) -> Tokenizer:
    """Ids: control, markup, bytes, merges, and then every run of letters once more with a space before it."""
    texts = texts_to_merge(seed)
    added = [*CONTROL_TOKENS, *MARKUP_TOKENS]
    bare = Tokenizer(models.BPE())
    bare.pre_tokenizer = cut_at(STRICT)
    trainer = trainers.BpeTrainer(
        vocab_size=NUM_BASE_TOKENS - len(added),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    bare.train_from_iterator(texts, trainer)
    model = json.loads(bare.to_str())["model"]
    tokens = [token for token, _ in sorted(model["vocab"].items(), key=lambda item: item[1])]
    merges = [tuple(merge) for merge in model["merges"]]
    letters = [token for token in tokens if token.isascii() and token.isalpha()]
    spaced = [SPACE + part for part in letters]
    vocab = {token: index for index, token in enumerate([*added, *tokens, *spaced])}
    return assemble(vocab, [*merges, *((SPACE, part) for part in letters)])


def base_ids(tokenizer: Tokenizer) -> list[int]:
    """For every id, the id of the token without its space: its own where it has none."""
    vocab = tokenizer.get_vocab()
    in_order = sorted(vocab, key=vocab.__getitem__)
    return [vocab[t[1:]] if index >= NUM_BASE_TOKENS else index for index, t in enumerate(in_order)]


def seldom_ids(tokenizer: Tokenizer, seed: int) -> list[int]:
    """Base tokens that are hardly ever in what the network will read; most are words that only slots are filled with."""
    bases = base_ids(tokenizer)
    encodings = tokenizer.encode_batch(sample_texts(seed))
    counts = Counter(bases[token] for encoding in encodings for token in encoding.ids)
    return [token for token in range(NUM_BASE_TOKENS) if counts[token] < SELDOM]


def assemble(vocab: dict[str, int], merges: list[tuple[str, str]]) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    tokenizer.pre_tokenizer = cut_at(QWEN2)
    tokenizer.add_special_tokens(
        [AddedToken(t, special=True, normalized=False) for t in (*CONTROL_TOKENS, *MARKUP_TOKENS)]
    )
    return tokenizer


def load_or_learn(path: Path, seed: int) -> Tokenizer:
    """The tokenizer in this file; learned and written there first where it is missing."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        learn(seed).save(str(path))
    return Tokenizer.from_file(str(path))
