"""JSON as text: a scanner that follows it as it comes and knows where a value ends or breaks, and a careful writer.

The scanner builds nothing: the text itself is what clients get. Knows no tool calls.
"""

from __future__ import annotations

import json
import re
from typing import Any


def dumps(value: Any) -> str:
    """JSON with readable characters. What UTF-8 cannot carry (half a surrogate pair) is escaped.

    Raises ValueError for what JSON has no word for: infinity, and trees too deep.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        return text if is_utf8(text) else json.dumps(value)
    except RecursionError:
        raise ValueError("too deep") from None


def is_utf8(text: str) -> bool:
    """False for text with half a surrogate pair, which no encoder takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_LITERALS = ("true", "false", "null")
_SPACE = " \t\n\r"
MAX_DEPTH = 200


class JsonScanner:
    """Feed it text with `scan`; it says how far the text belongs to the one JSON value it follows.

    is_complete: the value has ended. is_broken: the next character cannot continue it.
    """

    def __init__(self) -> None:
        self.is_complete = False
        self.is_broken = False
        self._stack: list[str] = []  # "{" and "["
        self._state = "value"
        self._word = ""  # the number or literal being read
        self._hex_left = 0

    def scan(self, text: str, start: int = 0) -> int:
        """The index after the last character that belongs to the value."""
        for index in range(start, len(text)):
            if self.is_complete or self.is_broken or not self._accept(text[index]):
                return index
        return len(text)

    def finish(self) -> None:
        """The text has ended: a number at the top is complete now."""
        if self._state == "word":
            self._end_word()

    def _accept(self, char: str) -> bool:
        """Takes one character, or refuses it: then the value is complete or broken."""
        if self._state == "word":
            if char.isascii() and (char.isalnum() or char in "+-."):
                self._word += char
                return self._check_word()
            self._end_word()
            if self.is_complete or self.is_broken:
                return False
        handler = getattr(self, f"_in_{self._state}")
        if not handler(char):
            self.is_broken = True
            return False
        return True

    def _in_string(self, char: str) -> bool:
        if char == "\\":
            self._state = "escape"
        elif char == '"':
            self._end_string()
        return char >= " "

    def _in_escape(self, char: str) -> bool:
        if self._hex_left:
            self._hex_left -= 1
            self._state = "escape" if self._hex_left else "string"
            return char in "0123456789abcdefABCDEF"
        if char == "u":
            self._hex_left = 4
            return True
        self._state = "string"
        return char in '"\\/bfnrt'

    def _end_string(self) -> None:
        if self._stack and self._stack[-1] == "key":
            self._stack.pop()
            self._state = "colon"
        else:
            self._end_value()

    def _in_value(self, char: str) -> bool:
        if char in _SPACE:
            return True
        if char in "{[":
            self._stack.append(char)
            self._state = "key_or_end" if char == "{" else "value_or_end"
            return len(self._stack) < MAX_DEPTH
        if char == '"':
            self._state = "string"
            return True
        if char in "-0123456789tfn":
            self._state, self._word = "word", char
            return True
        return False

    def _in_value_or_end(self, char: str) -> bool:
        return self._close() if char == "]" else self._in_value(char)

    def _in_key_or_end(self, char: str) -> bool:
        return self._close() if char == "}" else self._in_key(char)

    def _in_key(self, char: str) -> bool:
        if char == '"':
            self._stack.append("key")
            self._state = "string"
            return True
        return char in _SPACE

    def _in_colon(self, char: str) -> bool:
        if char == ":":
            self._state = "value"
        return char == ":" or char in _SPACE

    def _in_comma_or_end(self, char: str) -> bool:
        opened = self._stack[-1]
        if char == ",":
            self._state = "key" if opened == "{" else "value"
            return True
        if char == ("}" if opened == "{" else "]"):
            return self._close()
        return char in _SPACE

    def _close(self) -> bool:
        self._stack.pop()
        self._end_value()
        return True

    def _end_value(self) -> None:
        self._state = "comma_or_end"
        self.is_complete = not self._stack

    def _check_word(self) -> bool:
        is_number = self._word[0] in "-0123456789"
        if not is_number and not any(literal.startswith(self._word) for literal in _LITERALS):
            self.is_broken = True
        return not self.is_broken

    def _end_word(self) -> None:
        if self._word in _LITERALS or _NUMBER.fullmatch(self._word):
            self._end_value()
        else:
            self.is_broken = True
