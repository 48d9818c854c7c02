"""Messages and tools → the text the model reads, cut into pieces that say which tokens it must learn to write.

The same text comes from the chat template that travels in the GGUF (`TEMPLATE`); a test compares the two.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

IM_START, IM_END, END_OF_TEXT = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
CONTROL_TOKENS = (END_OF_TEXT, IM_START, IM_END)
MARKUP_TOKENS = ("<tools>", "</tools>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")

TOOLS_BEFORE = "You may call these functions:\n<tools>"
TOOLS_AFTER = (
    '\n</tools>\nTo call one, answer:\n<tool_call>\n{"name": NAME, "arguments": {...}}\n</tool_call>'
)

TEMPLATE = """\
{%- if messages[0].role == 'system' or messages[0].role == 'developer' %}
    {%- set system = messages[0].content %}
    {%- set rest = messages[1:] %}
{%- else %}
    {%- set system = '' %}
    {%- set rest = messages %}
{%- endif %}
{%- if system or tools %}
    {{- '<|im_start|>system\\n' + system }}
    {%- if tools %}
        {{- ('\\n\\n' if system else '') + TOOLS_BEFORE }}
        {%- for tool in tools %}
            {%- set f = tool.function if tool.function is defined else tool %}
            {%- set words %}
                {%- for c in f.name %}
                    {%- if c != c | lower and not loop.first and loop.previtem != loop.previtem | upper %}{{- ' ' }}{%- endif %}
                    {{- ' ' if c in '_-./' else c | lower }}
                {%- endfor %}
            {%- endset %}
            {{- '\\n{"description": ' + ((f.description + ': ' if f.description else '') + words) | tojson }}
            {{- ', "name": ' + f.name | tojson + ', "arguments": {' }}
            {%- for key, schema in ((f.parameters.properties if f.parameters else {}) or {}) | items %}
                {{- (', ' if not loop.first else '') + key | tojson + ': ' }}
                {{- (schema.enum | join('|') if schema.enum else schema.type or 'any') | string | tojson }}
            {%- endfor %}
            {{- '}}' }}
        {%- endfor %}
        {{- TOOLS_AFTER }}
    {%- endif %}
    {{- '<|im_end|>\\n' }}
{%- endif %}
{%- for message in rest %}
    {%- if message.role == 'tool' %}
        {%- if loop.first or loop.previtem.role != 'tool' %}{{- '<|im_start|>user' }}{%- endif %}
        {{- '\\n<tool_response>\\n' + message.content + '\\n</tool_response>' }}
        {%- if loop.last or loop.nextitem.role != 'tool' %}{{- '<|im_end|>\\n' }}{%- endif %}
    {%- else %}
        {{- '<|im_start|>' + message.role + '\\n' + (message.content or '') }}
        {%- for call in message.tool_calls or [] %}
            {%- set c = call.function if call.function is defined else call %}
            {{- ('\\n' if message.content or not loop.first else '') + '<tool_call>\\n{"name": ' + c.name | tojson }}
            {{- ', "arguments": ' + (c.arguments if c.arguments is string else c.arguments | tojson) }}
            {{- '}\\n</tool_call>' }}
        {%- endfor %}
        {{- '<|im_end|>\\n' }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}
""".replace("TOOLS_BEFORE", repr(TOOLS_BEFORE)).replace("TOOLS_AFTER", repr(TOOLS_AFTER))

Message = dict[str, Any]
Tool = dict[str, Any]
Episode = list[Message]


# Weights of tokens that the model writes, of an argument's value and name, and of those that decide what it does.
WRITTEN, VALUED, NAMED, CHOSEN = 1.0, 2.0, 3.0, 4.0


@dataclass(frozen=True)
class Piece:
    """Text between which no token may reach over. `weight`: how much each of its tokens counts; 0 is only read."""

    text: str
    weight: float = 0.0


@dataclass
class Conversation:
    """Messages as OpenAI's API has them, and the tools offered with them."""

    messages: list[Message] = field(default_factory=list)
    tools: list[Tool] = field(default_factory=list)

    def pieces(self) -> list[Piece]:
        """The whole conversation as the template writes it."""
        pieces, rest = [], self.messages
        system = ""
        if rest and rest[0]["role"] == "system":
            system, rest = rest[0]["content"], rest[1:]
        if system or self.tools:
            pieces.append(Piece(system_text(system, self.tools)))
        for index, message in enumerate(rest):
            previous = rest[index - 1]["role"] if index else ""
            following = rest[index + 1]["role"] if index + 1 < len(rest) else ""
            pieces += message_pieces(message, previous, following)
        return pieces


def system_text(system: str, tools: list[Tool]) -> str:
    text = f"{IM_START}system\n{system}"
    if tools:
        listed = "".join("\n" + tool_line(tool["function"]) for tool in tools)
        text += ("\n\n" if system else "") + TOOLS_BEFORE + listed + TOOLS_AFTER
    return f"{text}{IM_END}\n"


def tool_line(function: Tool) -> str:
    """One line of JSON: what the tool is for, then a call of it that has types, or what to choose from, for values.

    So a call is mostly a copy of the end of its tool's line. What it is for ends with the words of its name: where the
    name begins, a reader of the line knows already what it is about, and needs that to choose among names.
    """
    spoken = name_in_words(function["name"])
    description = f"{function['description']}: {spoken}" if function.get("description") else spoken
    properties = (function.get("parameters") or {}).get("properties") or {}
    arguments = {name: value_type(schema) for name, schema in properties.items()}
    return dumps({"description": description, "name": function["name"], "arguments": arguments})


def name_in_words(name: str) -> str:
    """get_tram_times, getTramTimes → get tram times."""
    words = ""
    for before, letter in zip(" " + name, name, strict=False):
        if letter != letter.lower() and words and before != before.upper():
            words += " "
        words += " " if letter in "_-./" else letter.lower()
    return words


def value_type(schema: dict[str, Any]) -> str:
    """What an argument may be, in a word: its choices, or its type."""
    return "|".join(map(str, schema["enum"])) if schema.get("enum") else str(schema.get("type") or "any")


def message_pieces(message: Message, previous: str, following: str) -> list[Piece]:
    role = message["role"]
    if role == "assistant":
        return [Piece(f"{IM_START}assistant\n"), *answer_pieces(message), Piece("\n")]
    if role == "tool":
        head = "" if previous == "tool" else f"{IM_START}user"
        tail = "" if following == "tool" else f"{IM_END}\n"
        return [Piece(f"{head}\n<tool_response>\n{message['content']}\n</tool_response>{tail}")]
    return [Piece(f"{IM_START}{role}\n{message['content']}{IM_END}\n")]


def answer_pieces(message: Message) -> list[Piece]:
    """The assistant's own words and its tool calls; names and values count more, for they must be looked up."""
    text = message.get("content") or ""
    pieces: list[Piece] = []
    for call in message.get("tool_calls") or []:
        function = call["function"]
        pieces.append(Piece(text + ("\n" if text else "") + '<tool_call>\n{"name": "', WRITTEN))
        pieces.append(Piece(function["name"], CHOSEN))
        text = '", "arguments": {'
        for position, (name, value) in enumerate(function["arguments"].items()):
            pieces += [Piece(text + (', "' if position else '"'), WRITTEN), Piece(name, NAMED)]
            before, inside, text = value_parts(dumps(value))
            pieces += [Piece(f'": {before}', WRITTEN), Piece(inside, VALUED)] if inside else []
            text = text if inside else f'": {text}'
        text += "}}\n</tool_call>"
    return [*pieces, Piece(text + IM_END, WRITTEN)]


def value_parts(written: str) -> tuple[str, str, str]:
    """A value in JSON: the quote before it, what is inside, and the rest. Only where no token reaches over these borders."""
    quote = '"' if written.startswith('"') else ""
    inside = written[len(quote) : len(written) - len(quote)]
    is_apart = inside[:1].isdigit() or bool(quote and inside[:1].isalpha())
    return (quote, inside, quote) if is_apart and inside[-1].isalnum() else ("", "", written)


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def user(text: str) -> Message:
    return {"role": "user", "content": text}


def assistant(text: str) -> Message:
    return {"role": "assistant", "content": text}


def calls(*functions: tuple[str, dict[str, Any]]) -> Message:
    """An assistant message that calls these functions."""
    return {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": f"call_{i}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for i, (name, arguments) in enumerate(functions)
        ],
    }


def tool_result(text: str) -> Message:
    return {"role": "tool", "tool_call_id": "call_0", "content": text}
