"""Markdown of models → clean HTML, block by block, with highlighted code.

    render("# Hi")  →  [Block(html="<h1>Hi</h1>\\n", end_line=1)]

The blocks of an answer that is still being written stay as they are once another one follows; the page keeps them
and sends only the text from the last one on. What comes from a model is never trusted: raw HTML is shown as text,
images become links (a picture's address would tell a foreign server what was said), and nh3 has the last word.
Knows no Flask.
"""

from __future__ import annotations

from html import escape
from typing import Any

import msgspec
import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

MAX_TEXT_CHARS = 400_000
MAX_CODE_CHARS = 20_000  # longer code is shown without colours: each colour is an element of the page
CLASS_PREFIX = "tok-"
TAGS = {
    "a", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p",
    "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "title"},
    "ol": {"start"},
    "span": {"class"},
    "pre": {"class", "data-language"},
    "td": {"data-align"},
    "th": {"data-align"},
}
SCHEMES = {"http", "https", "mailto"}


class Block(msgspec.Struct, frozen=True):
    """One block of a text. end_line: the number of lines of the text that this and the blocks before it take."""

    html: str
    end_line: int


def render(text: str) -> list[Block]:
    """The text's blocks, clean."""
    if len(text) > MAX_TEXT_CHARS:
        return [Block(f"<pre>{escape(text)}</pre>", _num_lines(text))]
    tokens = _parser.parse(text)
    blocks, start = [], 0
    for index, token in enumerate(tokens):
        if token.level == 0 and token.nesting <= 0:
            opener = tokens[start] if token.map is None else token
            html = _parser.renderer.render(tokens[start : index + 1], _parser.options, {})
            end_line = opener.map[1] if opener.map else 0
            blocks.append(Block(_cleaner.clean(html), end_line))
            start = index + 1
    return blocks


def _num_lines(text: str) -> int:
    return text.count("\n") + 1


def _own_classes_only(tag: str, attribute: str, value: str) -> str | None:
    """A class of the page itself would let a text look like a part of it."""
    if attribute != "class":
        return value
    return " ".join(name for name in value.split() if name.startswith(CLASS_PREFIX)) or None


# ── how Markdown becomes HTML ───────────────────────────────────────────────────────────────────────────────


def _make_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    parser.add_render_rule("image", _image_as_link)
    parser.add_render_rule("fence", _code)
    parser.add_render_rule("code_block", _code)
    for cell in ("td_open", "th_open"):
        parser.add_render_rule(cell, _cell)
    return parser


def _image_as_link(
    self: RendererHTML, tokens: list[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    token = tokens[index]
    source = str(token.attrs.get("src", ""))
    return f'<a href="{escape(source)}">{escape(token.content or source)}</a>'


def _cell(self: RendererHTML, tokens: list[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    """Alignment without a style attribute, which the page's policy forbids."""
    token = tokens[index]
    style = str(token.attrs.get("style", ""))
    align = style.removeprefix("text-align:")
    return f'<{token.tag} data-align="{escape(align)}">' if align else f"<{token.tag}>"


def _code(self: RendererHTML, tokens: list[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    language = token.info.split()[0] if token.info.strip() else ""
    attribute = f' data-language="{escape(language[:30])}"' if language else ""
    return f"<pre{attribute}><code>{_highlighted(token.content, language)}</code></pre>\n"


def _highlighted(code: str, language: str) -> str:
    if not language or len(code) > MAX_CODE_CHARS:
        return escape(code)
    try:
        lexer: Any = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return escape(code)
    return highlight(code, lexer, _formatter)


_formatter = HtmlFormatter[str](nowrap=True, classprefix=CLASS_PREFIX)
_parser = _make_parser()
_cleaner = nh3.Cleaner(
    tags=TAGS,
    attributes=ATTRIBUTES,
    attribute_filter=_own_classes_only,
    url_schemes=SCHEMES,
    link_rel="noopener noreferrer nofollow",
    set_tag_attribute_values={"a": {"target": "_blank"}},
)
