from __future__ import annotations

import datetime
from typing import Any

import pytest

from localllm.chat.adapt import short_id
from localllm.chat.formats import by_name
from localllm.chat.template import CHATML, ChatTemplate
from localllm.errors import InvalidRequest, ModelLoadFailed
from tests.chat import local_templates
from tests.chat.transcript import TOOLS

HELLO: list[dict[str, Any]] = [{"role": "user", "content": "Hello"}]

# Strict, like Mistral's and Gemma's: no system, roles alternate, an own form for calls.
STRICT = """{{ bos_token }}{%- for m in messages %}
    {%- if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}
    {{- m.role + ': ' + m.content + '\n' }}
{%- endfor %}{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"""

QWEN_LIKE = """{%- if tools %}{{- 'TOOLS ' }}{% for t in tools %}{{ t | tojson }}{% endfor %}{{ '\n' }}{% endif %}
{%- for m in messages %}
    {{- '<|im_start|>' ~ m.role ~ '\n' ~ m.content }}
    {%- for c in m.tool_calls or [] %}
        {{- '<tool_call>' ~ c.function.name ~ ' ' ~ c.function.arguments | tojson ~ '</tool_call>' }}
    {%- endfor %}
    {{- '<|im_end|>\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\n' }}{% if enable_thinking is false %}{{- '<think></think>' }}{% endif %}
{%- endif %}"""

CALL: dict[str, Any] = {
    "role": "assistant",
    "content": "",
    "tool_calls": [
        {
            "id": "call_1",
            "type": "function",
            "function": {"name": "get_weather", "arguments": {"city": "Zürich"}},
        }
    ],
}
RESULT = {"role": "tool", "tool_call_id": "call_1", "name": "get_weather", "content": "21"}


def render(source: str, *args, **kwargs) -> str:
    return ChatTemplate(source, bos_token="<s>").render(*args, **kwargs)


def test_chatml_renders_a_chat():
    """The template of models that bring none."""
    assert render(CHATML, HELLO) == "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    assert render(CHATML, HELLO, add_generation_prompt=False) == "<|im_start|>user\nHello<|im_end|>\n"


def test_a_template_has_what_transformers_gives_it():
    """tojson without HTML escapes, the clock, loop controls, generation blocks, trimmed blocks, the token texts."""
    source = """{{ bos_token }}{{ {'a': '<ü>', 'b': [1]} | tojson }} {{ {'a': 1} | tojson(indent=2) }}
{% for i in range(9) %}
    {% if i == 1 %}{% continue %}{% elif i == 3 %}{% break %}{% endif %}
    {{- i }}
{%- endfor %}
{% generation %}{{ messages[0].content }}{% endgeneration %} {{ strftime_now('%Y') }} {{ missing }}"""
    year = datetime.datetime.now().year
    assert render(source, HELLO) == f'<s>{{"a": "<ü>", "b": [1]}} {{\n  "a": 1\n}}\n02Hello {year} '


def test_what_a_filter_yields_is_a_list_to_tojson():
    """`tools | map(attribute='function') | tojson` works as in other engines."""
    assert '"name": "now"' in render(
        "{{ messages[0].content }}{{ tools | map(attribute='function') | tojson }}", HELLO, TOOLS
    )


def test_template_kwargs_pass_through():
    """enable_thinking, reasoning_effort and any other reach the template; they cannot replace the messages."""
    assert render(QWEN_LIKE, HELLO, enable_thinking=False).endswith("<think></think>")
    assert render("{{ reasoning_effort }}{{ x }}", HELLO, reasoning_effort="high", x=1) == "high1"
    assert render("{{ bos_token }}{{ messages|length }}", HELLO, bos_token="no") == "<s>1"


def test_a_template_with_another_name_for_thinking_is_told_too():
    """DeepSeek reads `thinking`, MiniMax `thinking_mode`: the one switch works for all."""
    assert render("{{ thinking }}", HELLO, enable_thinking=True) == "True"
    assert render("{{ thinking_mode }}", HELLO, enable_thinking=False) == "disabled"
    assert render("{{ thinking is defined }}", HELLO) == "False"
    assert (
        render("{{ enable_thinking }}{{ thinking is defined }}", HELLO, enable_thinking=True) == "TrueFalse"
    )


def test_continue_final_message_ends_inside_the_last_message():
    """No end marker follows the text, so the model goes on with it; its last space is kept."""
    messages = [*HELLO, {"role": "assistant", "content": "It is "}]
    assert render(CHATML, messages, continue_final_message=True).endswith("<|im_start|>assistant\nIt is ")


def test_a_template_that_strips_the_last_message_is_continued_without_its_space():
    """The prompt is what the template would have made of it."""
    source = "{% for m in messages %}[{{ m.content | trim }}]{% endfor %}"
    messages = [*HELLO, {"role": "assistant", "content": "It is "}]
    assert render(source, messages, continue_final_message=True) == "[Hello][It is"


def test_continuing_needs_an_assistant_message_at_the_end():
    """Anything else is a mistake in the request."""
    with pytest.raises(InvalidRequest) as info:
        render(CHATML, HELLO, continue_final_message=True)
    assert info.value.param == "messages"


def test_what_the_template_refuses_names_the_message():
    """The person reads what the template said, and about which message."""
    messages = [
        *HELLO,
        {"role": "assistant", "content": "Yes?"},
        {"role": "assistant", "content": "Still here."},
    ]
    with pytest.raises(
        InvalidRequest, match=r'refuses the assistant message "Still here\.": Roles must'
    ) as info:
        render(STRICT, messages)
    assert info.value.status == 400
    assert info.value.param == "messages"


def test_a_history_with_a_missing_turn_is_bridged_where_the_template_insists():
    """A person who stopped the model in the middle of a call can write on."""
    source = """{% set ns = namespace(i=0) %}{% for m in messages %}
        {%- if m.role in ('user', 'assistant') and not m.tool_calls %}
            {%- if (m.role == 'user') != (ns.i % 2 == 0) %}{{ raise_exception('alternate!') }}{% endif %}
            {%- set ns.i = ns.i + 1 %}
        {%- endif %}
        {{- m.role ~ ' ' ~ m.content }}{{ m.tool_calls[0].function | tojson if m.tool_calls }};{% endfor %}"""
    assert render(source, [*HELLO, CALL, RESULT, *HELLO]).endswith(";tool 21;assistant …;user Hello;")
    assert render(source, [{"role": "assistant", "content": "Hi"}]) == "user …;assistant Hi;"


def test_a_template_that_fails_is_a_client_error_too():
    """An undefined attribute or a wrong type inside the template is no crash of the server."""
    with pytest.raises(InvalidRequest, match="refuses the user message"):
        render("{{ messages[0].content + 1 }}", HELLO)


def test_a_broken_template_says_the_line():
    """The model does not load, and the person knows why."""
    with pytest.raises(ModelLoadFailed, match="broken in line 2"):
        ChatTemplate("{% if x %}\n{% endfor %}")


def test_messages_are_not_changed_by_the_template():
    """A template may pop from its lists; the next rendering sees the same chat."""
    template = ChatTemplate("{{ messages.pop().content }}{{ messages | length }}")
    messages = [dict(HELLO[0])]
    assert template.render(messages) == template.render(messages) == "Hello0"
    assert messages == HELLO


def test_half_a_surrogate_pair_becomes_text():
    """JSON can carry what no tokenizer takes."""
    assert render("{{ messages[0].content }}", [{"role": "user", "content": "a\ud800"}]) == "a?"


def test_a_template_without_system_role_gets_the_system_text_in_the_first_user_turn():
    """Gemma and old Mistral: the instruction still reaches the model."""
    prompt = render(STRICT, [{"role": "system", "content": "Be brief."}, *HELLO])
    assert prompt == "<s>user: Be brief.\n\nHello\nassistant:"


def test_a_template_without_tools_renders_them_honestly():
    """Tools, calls and results are all there, in the syntax the parser reads."""
    prompt = render(STRICT, [*HELLO, CALL, RESULT], TOOLS)
    assert prompt.startswith("<s>user: # Tools")
    assert '"name": "get_weather"' in prompt
    assert (
        'assistant: <tool_call>\n{"name": "get_weather", "arguments": {"city": "Zürich"}}\n</tool_call>'
        in prompt
    )
    assert "user: Result of get_weather:\n<tool_response>\n21\n</tool_response>\nassistant:" in prompt


def test_missing_call_support_is_filled_in_with_the_syntax_of_the_model():
    """A history looks like what the model itself would have written."""
    prompt = render(STRICT, [*HELLO, CALL, RESULT], TOOLS, tool_syntax=by_name("lfm2"))
    assert 'assistant: <|tool_call_start|>[get_weather(city="Zürich")]<|tool_call_end|>' in prompt


def test_a_template_with_tools_gets_them_itself():
    """Nothing is added where the template can do it."""
    template = ChatTemplate(QWEN_LIKE)
    assert template.supports_tools
    assert template.supports_system
    prompt = template.render([*HELLO, CALL, RESULT], TOOLS)
    assert prompt.startswith("TOOLS {")
    assert '<tool_call>get_weather {"city": "Zürich"}</tool_call>' in prompt
    assert "<|im_start|>tool\n21<|im_end|>" in prompt
    assert "# Tools" not in prompt


def test_a_template_that_adds_up_arguments_gets_them_as_text():
    """Some templates take the arguments as JSON text; which, is found by trying."""
    source = QWEN_LIKE.replace("c.function.arguments | tojson", "(' ' + c.function.arguments)")
    assert ChatTemplate(source).capabilities.arguments == "text"
    assert '{"city": "Zürich"}</tool_call>' in render(source, [*HELLO, CALL, RESULT], TOOLS)


def test_malformed_arguments_of_an_earlier_turn_are_kept_as_text():
    """One bad turn does not make every later request fail."""
    function = {"name": "get_weather", "arguments": '{"city": '}
    bad = {**CALL, "tool_calls": [{**CALL["tool_calls"][0], "function": function}]}
    assert '{\\"city\\": ' in render(QWEN_LIKE, [*HELLO, bad, RESULT], TOOLS)


def test_a_template_that_shows_one_call_per_message_gets_one_each():
    """gpt-oss: several calls become several messages, each with its result behind it."""
    source = """{% for m in messages %}{% if m.tool_calls %}
        {%- set c = m.tool_calls[0].function %}<{{ c.name }} {{ c.arguments | tojson }}>{% endif %}
        {{- m.role ~ ' ' ~ m.content }};{% endfor %}"""
    call = CALL["tool_calls"][0]
    two = {**CALL, "content": "Look", "tool_calls": [call, {**call, "id": "call_2"}]}
    results = [{**RESULT, "tool_call_id": "call_2", "content": "two"}, {**RESULT, "content": "one"}]
    said = '<get_weather {"city": "Zürich"}>assistant'
    assert render(source, [*HELLO, two, *results, *HELLO]) == (
        f"user Hello;{said} ;tool two;{said} Look;tool one;user Hello;"
    )


def test_reasoning_beside_content_is_left_out_where_the_template_refuses_it():
    """gpt-oss takes a message with calls only with one of the two; the history still renders."""
    source = (
        QWEN_LIKE.replace(
            "{%- for c in",
            "{%- if m.thinking and m.content and m.tool_calls %}{{ raise_exception('no') }}{% endif %}{%- for c in",
        )
        + "{# message.thinking #}"
    )
    both = {**CALL, "content": "Look", "reasoning_content": "hm"}
    assert "Look" in render(source, [*HELLO, both, RESULT], TOOLS)


def test_a_template_that_insists_on_short_ids_gets_them():
    """Mistral's check for nine characters passes whatever ids the client uses; call and result stay a pair."""
    source = """{% for m in messages %}{% for c in m.tool_calls or [] %}
        {%- if c.id | length != 9 %}{{ raise_exception('ids must have length 9!') }}{% endif %}
        {{- c.id }} {{ c.function.name }} {{ c.function.arguments | tojson }}
    {%- endfor %}{{ m.role }} {{ m.content }} {{ m.tool_call_id }} {% endfor %}"""
    assert render(source, [*HELLO, CALL, RESULT], TOOLS).split().count(short_id("call_1")) == 2
    assert short_id("abcdefgh1") == "abcdefgh1"


def test_a_template_that_wants_parts_gets_parts():
    """A few templates read content only as a list."""
    source = "{% for m in messages %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}"
    assert render(source, HELLO) == "Hello"


def test_a_template_that_cannot_take_none_for_tools_gets_an_empty_list():
    """`tool_use` templates loop over the tools without looking."""
    assert render("{% for t in tools %}{% endfor %}{{ messages[0].content }}", HELLO) == "Hello"


@pytest.mark.parametrize("case", local_templates.CASES)
def test_the_local_check_tells_rendered_from_wrong(case):
    """The check that is run on the templates of the wild finds what is missing."""
    assert local_templates.outcome(CHATML, case) == "rendered"
    assert local_templates.outcome(STRICT, case) == "rendered"
    assert local_templates.outcome("{{ raise_exception('no') }}", case).startswith("refused: ")
    assert local_templates.outcome("nothing of it", case).startswith("WRONG")


LATE = [
    {"role": "system", "content": "A"},
    *HELLO,
    {"role": "assistant", "content": "Hi"},
    {"role": "system", "content": "B"},
    {"role": "user", "content": "And now?"},
]
ONLY_FIRST = (
    "{% if loop.index0 and m.role == 'system' %}{{ raise_exception('System comes first') }}{% endif %}"
)
IN_FRONT = "{% for m in messages if m.role == 'system' %}{{ m.content }} {% endfor %}"


def test_a_late_system_message_stays_in_its_place_where_the_template_shows_it():
    """ChatML and its like."""
    assert "Hi<|im_end|>\n<|im_start|>system\nB<|im_end|>" in render(CHATML, LATE)


@pytest.mark.parametrize(
    "source",
    [
        "{% for m in messages %}" + ONLY_FIRST + "[{{ m.role }}: {{ m.content }}]{% endfor %}",
        "[system: A]{# #}{% for m in messages if m.role != 'system' %}[{{ m.role }}: {{ m.content }}]{% endfor %}",
        IN_FRONT + "{% for m in messages if m.role != 'system' %}[{{ m.role }}: {{ m.content }}]{% endfor %}",
    ],
    ids=["refused", "left out", "moved to the front"],
)
def test_elsewhere_it_becomes_the_users_so_that_what_stands_before_it_stays(source):
    """The prompt of the turn before is a prefix of this one, and is found in the cache."""
    template = ChatTemplate(source)
    before, now = template.render(LATE[:3]), template.render(LATE)
    assert now.startswith(before)
    assert now[len(before) :] == "[user: B\n\nAnd now?]"


def test_an_effort_that_the_template_does_not_know_is_no_reason_to_refuse():
    """Codex sends "medium" with every request; Kimi K3 and Hy3 know other words."""
    source = (
        "{% if reasoning_effort not in ['low', 'high'] %}{{ raise_exception('no such effort') }}{% endif %}"
        "{{ messages[0].content }} {{ reasoning_effort }}"
    )
    assert render(source, HELLO, reasoning_effort="medium") == "Hello high"
    silent = (
        "{% if reasoning_effort is defined %}{{ raise_exception('no') }}{% endif %}{{ messages[0].content }}"
    )
    assert render(silent, HELLO, reasoning_effort="medium") == "Hello"


def test_a_late_system_message_that_is_refused_in_its_place_becomes_the_users():
    """A template may allow one between some turns and not behind others."""
    source = (
        "{% for m in messages %}{% if m.role == 'system' and loop.last %}{{ raise_exception('not last') }}{% endif %}"
        "[{{ m.role }}: {{ m.content }}]{% endfor %}"
    )
    assert render(source, LATE).count("[system:") == 2
    assert render(source, LATE[:-1]).endswith("[assistant: Hi][user: B]")
