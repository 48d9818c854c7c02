"""A byte-level BPE vocabulary of any size, made by code, with ChatML and Hermes markers and a chat template.

A listed word is one token wherever a space stands before it (those merges come first and start at the space, so no
other merge is in their way); a large vocabulary also has JSON's punctuation and the words without the space.
Anything else falls back to bytes. Knows no model: shapes and weights are tests/tiny_models.py's.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from tests.gguf_writer import Scalar

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
MARKERS = ("<tool_call>", "</tool_call>", "<think>", "</think>", "<tool_response>", "</tool_response>")
NORMAL_TYPE, CONTROL_TYPE, USER_DEFINED_TYPE = 1, 3, 4

COMMON_WORDS = """
the of and to in is you that it he was for on are as with his they at be this have from or one had by word but not
what all were we when your can said there use an each which she do how their if will up other about out many then
them these so some her would make like him into time has look two more write go see number no way could people my
than first water been call who oil its now find long down day did get come made may part year man thing woman life
child world school state family student group country problem hand place case week company system program question
work government night point home room mother area money story fact month lot right study book eye job business issue
side kind head house service friend father power hour game line end member law car city community name president team
minute idea kid body information back parent face others level office door health person art war history party result
change morning reason research girl guy moment air teacher force education
"""
WORDS = COMMON_WORDS.split()
JSON_PIECES = ('":', '{"', '",', '":"', '","', '"}', '"]', '["', '"},', "},", "],", '},{"')

TEMPLATE = """
{%- macro system_text() -%}
{{ messages[0].content if messages and messages[0].role == 'system' else 'You are a helpful assistant.' }}
{%- endmacro -%}
{{- '<|im_start|>system\\n' ~ system_text() -}}
{%- if tools %}
  {{- '\\n\\nYou may call these functions:\\n<tools>' }}
  {%- for tool in tools %}{{ '\\n' ~ (tool | tojson) }}{% endfor %}
  {{- '\\n</tools>\\nTo call one, write <tool_call>{"name": …, "arguments": …}</tool_call>.' }}
{%- endif %}
{{- '<|im_end|>\\n' }}
{%- for message in messages if message.role != 'system' %}
  {%- if message.role == 'tool' %}
    {{- '<|im_start|>user\\n<tool_response>\\n' ~ message.content ~ '\\n</tool_response>' }}
  {%- else %}
    {{- '<|im_start|>' ~ message.role ~ '\\n' ~ (message.content or '') }}
    {%- for call in message.tool_calls or [] %}
      {{- '\\n<tool_call>\\n' ~ ({'name': call.function.name, 'arguments': call.function.arguments} | tojson) }}
      {{- '\\n</tool_call>' }}
    {%- endfor %}
  {%- endif %}
  {{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}
""".strip()


@dataclass(frozen=True)
class Vocabulary:
    """Token texts in id order (bytes, merges, then control tokens and markers), and the merges by rank."""

    tokens: tuple[str, ...]
    merges: tuple[str, ...]

    @property
    def num_plain(self) -> int:
        """How many ids, from 0 on, stand for text: the rest are control tokens and markers."""
        return len(self.tokens) - len(CONTROL) - len(MARKERS)

    def id_of(self, token: str) -> int:
        return self.tokens.index(token)

    def metadata(self, pre: str = "gpt-2") -> dict[str, Scalar | list[Scalar]]:
        """The `tokenizer.*` keys of a GGUF."""
        types = (
            [NORMAL_TYPE] * self.num_plain
            + [CONTROL_TYPE] * len(CONTROL)
            + [USER_DEFINED_TYPE] * len(MARKERS)
        )
        return {
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.pre": pre,
            "tokenizer.ggml.tokens": list(self.tokens),
            "tokenizer.ggml.token_type": list(types),
            "tokenizer.ggml.merges": list(self.merges),
            "tokenizer.ggml.bos_token_id": self.id_of("<|endoftext|>"),
            "tokenizer.ggml.eos_token_id": self.id_of("<|im_end|>"),
            "tokenizer.ggml.padding_token_id": self.id_of("<|endoftext|>"),
            "tokenizer.ggml.add_bos_token": False,
            "tokenizer.chat_template": TEMPLATE,
        }


def byte_letters() -> list[str]:
    """The printable letter that stands for each byte in a byte-level vocabulary, as GPT-2 chose them."""
    shown = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    hidden = itertools.count(0x100)
    return [chr(byte) if byte in shown else chr(next(hidden)) for byte in range(256)]


def build(num_tokens: int = 512) -> Vocabulary:
    """A vocabulary of exactly `num_tokens` tokens: 256 bytes, then pieces of words, then the markers."""
    special = CONTROL + MARKERS
    letters = byte_letters()
    tokens = dict.fromkeys(letters)
    num_plain = num_tokens - len(special)
    if num_plain < len(letters):
        raise ValueError(f"a byte-level vocabulary needs at least {len(letters) + len(special)} tokens")
    merges = []
    for left, right in itertools.takewhile(lambda _: len(tokens) < num_plain, _merges(letters[0x20])):
        if left + right not in tokens:
            tokens[left + right] = None
            merges.append(f"{left} {right}")
    return Vocabulary((*tokens, *special), tuple(merges))


def _merges(space: str) -> Iterator[tuple[str, str]]:
    """Every step from a first letter to a whole piece, letter by letter; repeats where pieces share a beginning."""
    spaced = (space + word for word in WORDS)
    made_up = (space + word for word in _made_up_words())
    for piece in itertools.chain(spaced, JSON_PIECES, WORDS, made_up):
        for i in range(1, len(piece)):
            yield piece[:i], piece[i]


def _made_up_words() -> Iterator[str]:
    """Words of two and more syllables, without end."""
    syllables = [a + b + c for c in ("", "n", "r", "s") for a in "bdfgklmnprstvz" for b in "aeiou"]
    for count in itertools.count(2):
        for parts in itertools.product(syllables, repeat=count):
            yield "".join(parts)
