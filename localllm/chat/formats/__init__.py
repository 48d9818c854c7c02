"""Output formats: one small file per syntax in which models write calls and thinking.

`detect` picks the format from the markers in the model's own chat template; the catalog may name another.
"""

from __future__ import annotations

from localllm.chat.formats.apertus import Apertus
from localllm.chat.formats.base import Format
from localllm.chat.formats.command_r import CommandR7B, CommandRPlus
from localllm.chat.formats.deepseek import DeepSeekV3, DeepSeekV31
from localllm.chat.formats.functionary import FunctionaryV31, FunctionaryV32
from localllm.chat.formats.gemma4 import FunctionGemma, Gemma4
from localllm.chat.formats.glm import Glm45, Hunyuan3
from localllm.chat.formats.harmony import Harmony
from localllm.chat.formats.hermes import Hermes
from localllm.chat.formats.invoke import DeepSeekV4, DeepSeekV32, MiniCpm5, MiniMaxM2
from localllm.chat.formats.json_families import (
    Functools,
    GigaChat,
    Granite3,
    MiniMaxM1,
    Nemotron,
    Phi4,
    ToolCallsList,
)
from localllm.chat.formats.kimi import KimiK2
from localllm.chat.formats.kimi_k3 import KimiK3
from localllm.chat.formats.llama3 import Llama3Json
from localllm.chat.formats.minimax_m3 import MiniMaxM3
from localllm.chat.formats.mistral import MistralList, MistralNamed
from localllm.chat.formats.muse import MuseGlimmer
from localllm.chat.formats.plain import Plain
from localllm.chat.formats.python_calls import Lfm2, LlamaPythonic
from localllm.chat.formats.qwen3_coder import Qwen3Coder, SeedOss
from localllm.chat.formats.solar import SolarOpen
from localllm.errors import ConfigError
from localllm.nearest import did_you_mean

__all__ = ["Format", "by_name", "detect", "names"]

# Each format with the texts a template must contain to be its own. The first row that fits wins, so what is
# unmistakable stands above what others contain as well.
_DETECTION: tuple[tuple[Format, tuple[str, ...]], ...] = (
    (Harmony(), ("<|channel|>", "<|message|>", "<|start|>assistant")),
    (DeepSeekV4(), ("｜DSML｜", "tool_calls>")),
    (DeepSeekV32(), ("｜DSML｜",)),
    (DeepSeekV3(), ("<｜tool▁calls▁begin｜>", "```json")),
    (DeepSeekV31(), ("<｜tool▁calls▁begin｜>",)),
    (KimiK2(), ("<|tool_calls_section_begin|>",)),
    (KimiK3(), ("<|open|>", "<|sep|>", "'call'")),
    (MiniMaxM3(), ("]<]minimax[>[",)),
    (SolarOpen(), ("<|tool_call:begin|>", "<|tool_call:args|>")),
    (MiniMaxM2(), ("<minimax:tool_call>",)),
    (SeedOss(), ("<seed:tool_call>",)),
    (MuseGlimmer(), ("<atem:function_calls>",)),
    (MiniCpm5(), ('<function name="', '<param name="')),
    (Hunyuan3(), ("<arg_key{}>", "<tool_sep{}>")),
    (Glm45(), ("<arg_key>", "<arg_value>")),
    (Qwen3Coder(), ("<function=", "<parameter=")),
    (FunctionaryV31(), ("<function=",)),
    (FunctionaryV31(), ("start_tag => `<function`",)),
    (FunctionaryV32(), (">>>all",)),
    (Gemma4(), ("<|tool_call>", '<|"|>')),
    (FunctionGemma(), ("<start_function_call>",)),
    (MistralNamed(), ("[TOOL_CALLS]", "[ARGS]")),
    (MistralList(), ("[TOOL_CALLS]",)),
    (CommandR7B(), ("<|START_ACTION|>",)),
    (CommandRPlus(), ("Action:", "tool_name")),
    (Lfm2(), ("<|tool_call_start|>",)),
    (Lfm2(), ("List of tools: ",)),
    (Apertus(), ("<|tools_prefix|>",)),
    (GigaChat(), ("<|role_sep|>",)),
    (Nemotron(), ("<TOOLCALL>",)),
    (Phi4(), ("<|tool_call|>", "<|/tool_call|>")),
    (Phi4(), ("<|tool|>", "<|/tool|>")),
    (Granite3(), ("<|tool_call|>",)),
    (Functools(), ("functools",)),
    (ToolCallsList(), ("<tool_calls>[",)),
    (MiniMaxM1(), ("<tool_calls>",)),
    (LlamaPythonic(), ("<|python_start|>",)),
    (LlamaPythonic(), ("[func_name1(",)),
    (Llama3Json(), ('"parameters":', "ipython")),
    (Hermes(), ("<tool_call>",)),
)
_BY_NAME = {format_.name: format_ for format_ in (Hermes(), *(row[0] for row in _DETECTION), Plain())}

# Markers around the thinking. A template may have any of them, whatever its calls look like.
_REASONING = (
    ("<seed:think>", "</seed:think>"),
    ("<mm:think>", "</mm:think>"),
    ("[THINK]", "[/THINK]"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]"),
    ("<thinking>", "</thinking>"),
    ("<think>", "</think>"),
)


# Formats whose thinking is written in one way, whatever the template shows of it.
OWN_THINKING = (Plain, Harmony, Gemma4, Hunyuan3, FunctionaryV32, KimiK3, MiniMaxM3, MuseGlimmer, SolarOpen)


def names() -> list[str]:
    """What `tool_format` in the catalog may say."""
    return list(_BY_NAME)


def by_name(name: str, template_source: str = "") -> Format:
    """The format of that name, with the thinking markers of the template. Raises ConfigError with the nearest match."""
    if name not in _BY_NAME:
        raise ConfigError(f"There is no output format {name!r}.{did_you_mean(name, _BY_NAME)}")
    return _with_markers(_BY_NAME[name], template_source)


def detect(template_source: str) -> Format:
    """The format whose markers the template has; Hermes where it has none, as for templates without tools."""
    fitting = (row[0] for row in _DETECTION if all(marker in template_source for marker in row[1]))
    return _with_markers(next(fitting, _BY_NAME["hermes"]), template_source)


def _with_markers(format_: Format, template_source: str) -> Format:
    """Formats with markers of their own keep them; the others take the template's."""
    if format_.reasoning is not None and format_.reasoning[0] in template_source:
        return format_
    if isinstance(format_, OWN_THINKING):
        return format_
    markers = next(
        (pair for pair in _REASONING if pair[0] in template_source and pair[1] in template_source), None
    )
    if markers is not None:
        return format_.with_reasoning(markers)
    return format_.without_thinking() if template_source else format_
