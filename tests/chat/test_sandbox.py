"""A chat template comes with a downloaded model: a stranger's program must end soon, and stay small."""

from __future__ import annotations

import time

import pytest

from localllm.chat import limits
from localllm.chat.template import ChatTemplate
from localllm.errors import InvalidRequest, ModelLoadFailed

HELLO = [{"role": "user", "content": "Hello"}]
DOUBLING = "{% set ns = namespace(x=X) %}{% for i in range(60) %}{% set ns.x = STEP %}{% endfor %}"

HOSTILE = {
    "loops that write nothing": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "doubling with +": DOUBLING.replace("STEP", "ns.x + ns.x").replace("X", "'abc'"),
    "doubling with ~": DOUBLING.replace("STEP", "ns.x ~ ns.x").replace("X", "'abc'"),
    "doubling in a set block": "{% set ns = namespace(x='abc') %}{% for i in range(60) %}"
    "{% set t %}{{ ns.x }}{{ ns.x }}{% endset %}{% set ns.x = t %}{% endfor %}",
    "doubling a list of lists": DOUBLING.replace("STEP", "[ns.x, ns.x]").replace("X", "[1]") + "{{ ns.x }}",
    "doubling a dict": DOUBLING.replace("STEP", "dict(a=ns.x, b=ns.x)").replace("X", "1")
    + "{{ ns.x | tojson }}",
    "a list in itself": "{% set x = [] %}{% for i in range(99999) %}{{ x.append(x) }}{% endfor %}",
    "text times a number": "{{ 'x' * 10**9 }}",
    "a list times a number": "{{ [1] * 1000000000 }}",
    "a tower of powers": "{{ 9**9**9 }}",
    "a power of powers": "{{ (9**64)**64 }}",
    "center": "{{ 'x' | center(1000000000) }}",
    "ljust": "{{ 'x'.ljust(1000000000) }}",
    "format": "{{ '{:>1000000000}'.format(1) }}",
    "format by argument": "{{ '{:{}}'.format(1, 1000000000) }}",
    "percent": "{{ '%1000000000d' % 1 }}",
    "percent by argument": "{{ '%*d' % (1000000000, 1) }}",
    "format filter": "{{ '%1000000000d' | format(1) }}",
    "replace": "{% set s = 'a' * 100000 %}{{ s.replace('a', s) }}",
    "replace filter": "{% set s = 'a' * 100000 %}{{ s | replace('a', s) }}",
    "join": "{% set s = 'a' * 1000000 %}{{ s.join(['a'] * 100000) }}",
    "join text": "{% set s = 'a' * 100000 %}{{ s.join(s) }}",
    "join a generator": "{% set s = 'a' * 1000000 %}{{ s.join(range(99999) | map('string')) }}",
    "join filter": "{% set s = 'a' * 1000000 %}{{ range(99999) | join(s) }}",
    "indent": "{% set s = '\\n' * 1000000 %}{{ s | indent(10000) }}",
    "indent of JSON": "{{ [[1]] | tojson(indent=1000000000) }}",
    "mapped filters": "{{ range(99999) | map('center', 99999) | list | length }}",
    "endless recursion": "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
    "branching recursion": "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "recursive loops": "{% for a in range(999) recursive %}{{ loop(range(999)) }}{% endfor %}",
    "much output": "{% for a in range(99999) %}{{ 'x' * 99999 }}{% endfor %}",
    "slices kept": "{% set ns = namespace(l=[]) %}{% set r = 'a' * 10000000 %}"
    "{% for i in range(99999) %}{% set ns.l = ns.l + [r[1:]] %}{% endfor %}",
    "long scans": "{% set r = 'a' * 10000000 %}{% for i in range(99999) %}{% set x = r.count('ab') %}{% endfor %}",
    "filters over ranges": "{% for i in range(99999) %}{% set x = range(99999) | unique | list %}{% endfor %}",
    "a year of a billion digits": "{{ strftime_now('%1000000000Y') }}",
    "rounding": "{{ 1.5 | round(1000000000, 'floor') }}",
    "Python's internals": "{{ ''.__class__.__mro__ }}",
    "another file": "{% include '/etc/passwd' %}",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_template_ends_with_a_clear_error(source):
    """Within two seconds of work, without filling the memory, with an error for the person."""
    template = ChatTemplate(source)
    began = time.thread_time()
    with pytest.raises(InvalidRequest) as info:
        template.render(HELLO)
    assert time.thread_time() - began < 10 * limits.MAX_SECONDS  # the limits are 3 at most, together
    assert info.value.code in ("template_limit_exceeded", "template_refused")
    assert "chat template of this model" in info.value.message


@pytest.mark.parametrize("source", ["{{ " + "(" * 400 + "1" + ")" * 400 + " }}", "x" * 300_000])
def test_a_template_too_deep_or_too_long_does_not_load(source):
    """Compiling is bounded as well."""
    with pytest.raises(ModelLoadFailed, match="chat template"):
        ChatTemplate(source)


def test_a_long_honest_chat_renders():
    """The limits are far from what people do: a thousand turns, and a template that adds up its text."""
    source = """{% set ns = namespace(t='') %}
        {%- for m in messages %}{% set ns.t = ns.t + m.role + m.content %}{% endfor %}{{ ns.t }}"""
    turns = [{"role": ("user", "assistant")[i % 2], "content": "word " * 40} for i in range(600)]
    assert len(ChatTemplate(source).render(turns)) > 120_000


def test_large_numbers_in_a_schema_are_no_attack():
    """The bounds are for what operators and filters are asked to do, not for values that pass through."""
    assert ChatTemplate("{{ {'maximum': 2147483647} | tojson }}").render(HELLO) == '{"maximum": 2147483647}'
