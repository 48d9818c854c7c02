"""A chat template: messages → prompt text, as transformers renders it.

What a template cannot do is done for it (see capabilities.py and adapt.py): tools for a template without tool
support, a system message for one without a system role. What it refuses becomes an error that names the message.
Knows no tokenizer: the engine reads the special tokens out of the text.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from jinja2 import Template, meta

from localllm.chat import adapt, limits, sandbox
from localllm.chat.capabilities import Capabilities, probe
from localllm.chat.variables import filled_in
from localllm.errors import InvalidRequest, ModelLoadFailed

CHATML = """\
{%- for message in messages -%}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
"""

RESERVED = frozenset(
    {"messages", "tools", "add_generation_prompt", "continue_final_message", "bos_token", "eos_token"}
)
Message = dict[str, Any]
_ENVIRONMENT = sandbox.ChatEnvironment()
_CONTINUE_MARK = "~localllm~continues~here~ "  # ends in a space: a template that strips shows it by losing it


class ChatTemplate:
    """One model's template, compiled. Safe to share between threads.

    Raises ModelLoadFailed where the source is no Jinja template, saying the line and the reason.
    """

    def __init__(self, source: str, *, bos_token: str = "", eos_token: str = "") -> None:
        self.source = source
        self._constants = {"bos_token": bos_token, "eos_token": eos_token}
        self._template = _compile(source)
        self._reads = frozenset(meta.find_undeclared_variables(_ENVIRONMENT.parse(source)))

    @cached_property
    def capabilities(self) -> Capabilities:
        """What the template does with tools, system messages and tool results, found by rendering samples."""
        try:
            return probe(self._render_sample, self.source)
        except limits.TemplateLimit as error:
            raise _stopped(error) from error

    @property
    def supports_tools(self) -> bool:
        return self.capabilities.tools

    @property
    def supports_system(self) -> bool:
        return self.capabilities.system

    def render(
        self,
        messages: list[Message],
        tools: list[dict[str, Any]] | None = None,
        *,
        add_generation_prompt: bool = True,
        continue_final_message: bool = False,
        tool_syntax: adapt.ToolSyntax = adapt.HERMES,
        **template_kwargs: Any,
    ) -> str:
        """The prompt for messages that `normalise` has put in order.

        continue_final_message: the text ends inside the last message, so that the model goes on with it.
        tool_syntax: how calls are written where the template itself has no tools or no calls.
        Raises InvalidRequest(param="messages") where the template refuses.
        """
        kwargs = {key: value for key, value in template_kwargs.items() if key not in RESERVED}
        fitted = adapt.fit(messages, tools, self.capabilities, tool_syntax)
        if continue_final_message:
            return self._render_continued(fitted, kwargs)
        return _encodable(self._render_fitted(fitted, add_generation_prompt, kwargs))

    def _render_continued(self, fitted: adapt.Fitted, kwargs: dict[str, Any]) -> str:
        *earlier, last = fitted.messages
        text = last.get("content")
        if last["role"] != "assistant" or not isinstance(text, str):
            raise InvalidRequest(
                "continue_final_message needs an assistant message with text at the end.", param="messages"
            )
        marked = [*earlier, {**last, "content": text + _CONTINUE_MARK}]
        prompt = self._render_fitted(adapt.Fitted(marked, fitted.tools), False, kwargs)
        end = prompt.rfind(_CONTINUE_MARK.rstrip())
        if end < 0:
            raise InvalidRequest(
                "The chat template of this model leaves out the last message, so it cannot be continued.",
                param="continue_final_message",
            )
        is_stripped = not prompt.startswith(_CONTINUE_MARK, end)
        return _encodable(prompt[:end].rstrip() if is_stripped else prompt[:end])

    def _render_fitted(
        self, fitted: adapt.Fitted, add_generation_prompt: bool, kwargs: dict[str, Any]
    ) -> str:
        """The chat; where the template refuses it, in one of the other ways."""
        try:
            return self._render_plain(fitted.messages, fitted.tools, add_generation_prompt, kwargs)
        except limits.TemplateLimit as error:
            raise _stopped(error) from error
        except Exception as error:
            for other, variables in _other_ways(fitted, kwargs):
                with contextlib.suppress(Exception):
                    return self._render_plain(other.messages, other.tools, add_generation_prompt, variables)
            raise self._refusal(fitted, kwargs, error) from error

    def _render_sample(
        self,
        messages: list[Message],
        tools: list[dict[str, Any]] | None,
        add_prompt: bool,
        kwargs: dict[str, Any],
    ) -> str:
        return self._render_plain(messages, tools, add_prompt, kwargs, limits.MAX_PROBE_SECONDS)

    def _render_plain(
        self,
        messages: list[Message],
        tools: list[dict[str, Any]] | None,
        add_generation_prompt: bool,
        kwargs: dict[str, Any],
        max_seconds: float = limits.MAX_SECONDS,
    ) -> str:
        """The template alone. Raises whatever the template raises."""
        variables = {
            **kwargs, **self._constants, "messages": copy.deepcopy(messages), "tools": copy.deepcopy(tools),
            "add_generation_prompt": add_generation_prompt,
        }  # fmt: skip
        variables |= filled_in(variables, self._reads)
        with limits.budget(max_seconds) as budget:
            chunks, num_chars = [], 0
            for chunk in self._template.generate(variables):
                budget.step()
                num_chars += len(chunk)
                if num_chars > limits.MAX_OUTPUT_CHARS:
                    raise limits.TemplateLimit("it writes too much text")
                chunks.append(chunk)
            return "".join(chunks)

    def _refusal(self, fitted: adapt.Fitted, kwargs: dict[str, Any], error: Exception) -> InvalidRequest:
        """The error for the person: what the template said, and about which message."""
        reason = str(error).strip().rstrip(".") or type(error).__name__
        place = self._first_refused(fitted, kwargs, error)
        return InvalidRequest(
            f"The chat template of this model refuses {place}: {reason}.",
            param="messages",
            code="template_refused",
        )

    def _first_refused(self, fitted: adapt.Fitted, kwargs: dict[str, Any], error: Exception) -> str:
        """Which message made it fail: the last one of the shortest beginning that fails in the same way."""
        for end in range(1, min(len(fitted.messages), 50) + 1):
            try:
                self._render_plain(fitted.messages[:end], fitted.tools, False, kwargs)
            except Exception as other:  # noqa: BLE001 -- whatever a template raises
                if str(other) == str(error):
                    return _describe(fitted.messages[end - 1])
        return "these messages"


def _other_ways(
    fitted: adapt.Fitted, kwargs: dict[str, Any]
) -> Iterator[tuple[adapt.Fitted, dict[str, Any]]]:
    """What to try where a template refuses: missing turns bridged, late system messages as the user's, another effort.

    Clients send "medium" by default, and some templates know "low" and "high" alone.
    """
    early = adapt.without_late_system(fitted)
    for other in (early, adapt.bridged(fitted), adapt.bridged(early)):
        if other.messages != fitted.messages:
            yield other, kwargs
    if kwargs.get("reasoning_effort") is not None:
        rest = {key: value for key, value in kwargs.items() if key != "reasoning_effort"}
        yield fitted, {**rest, "reasoning_effort": "high"}
        yield fitted, rest


def _stopped(error: limits.TemplateLimit) -> InvalidRequest:
    return InvalidRequest(
        f"The chat template of this model was stopped: {error}. Set another chat_template for the model.",
        code="template_limit_exceeded",
    )


def _encodable(prompt: str) -> str:
    """Half a surrogate pair, as JSON may carry it, is no text: no tokenizer takes it."""
    return prompt.encode("utf-8", "replace").decode()


def _describe(message: Message) -> str:
    text = str(message.get("content") or "")
    beginning = text if len(text) <= 40 else text[:40] + "…"
    return (
        f'the {message["role"]} message "{beginning}"' if beginning else f"an empty {message['role']} message"
    )


def _compile(source: str) -> Template:
    if len(source) > limits.MAX_SOURCE_CHARS:
        raise ModelLoadFailed(
            f"The chat template has {len(source)} characters; at most {limits.MAX_SOURCE_CHARS} are allowed."
        )
    try:
        code = _ENVIRONMENT.compile_counted(source)
        return Template.from_code(_ENVIRONMENT, code, dict(_ENVIRONMENT.globals))
    except Exception as error:
        line = getattr(error, "lineno", None)
        where = f" in line {line}" if line else ""
        raise ModelLoadFailed(
            f"The chat template is broken{where}: {error}. Set another chat_template for the model."
        ) from error
