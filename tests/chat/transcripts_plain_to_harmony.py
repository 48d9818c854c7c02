"""What models write, I: Qwen, Llama, LFM, Mistral, DeepSeek, gpt-oss."""

from __future__ import annotations

from tests.chat.transcript import NOW, ZURICH, Transcript

PLAIN_TO_HARMONY = (
    Transcript("plain", "Hello, <tool_call> is a tag.\n", "Hello, <tool_call> is a tag.\n"),
    Transcript(
        "hermes",
        '<think>\nThe user asks.\n</think>\n\nLet me look.\n<tool_call>\n{"name": "get_weather", "arguments": '
        '{"city": "Zürich"}}\n</tool_call>\n<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>\n',
        "Let me look.",
        "The user asks.",
        (ZURICH, NOW),
    ),
    Transcript(
        "hermes",
        'I see.</think>\n<tool_call>{"arguments": {"city": "Zürich"}, "name": "get_weather"}',
        "",
        "I see.",
        (ZURICH,),
        "assistant\n<think>\n",
    ),
    Transcript(
        "hermes",
        '<tool_call>\n{"name": "get_weather", "arguments": "{\\"city\\": \\"Zürich\\"}"}\n</tool_call>',
        calls=(ZURICH,),
    ),
    Transcript("hermes", '<tool_call>{"name": "now"}</tool_call> done', "done", calls=(NOW,)),
    Transcript("hermes", "A <tool_call> {oops} </tool_call> B", "A <tool_call> {oops} </tool_call> B"),
    Transcript("hermes", 'cut <tool_call>{"name": "get_w', 'cut <tool_call>{"name": "get_w'),
    Transcript("hermes", "1 < 2 and <thin", "1 < 2 and <thin"),
    Transcript(
        "qwen3-coder",
        "<think>\nhm\n</think>\n\n<tool_call>\n<function=get_weather>\n<parameter=city>\nZürich\n</parameter>\n"
        '<parameter=days>\n3\n</parameter>\n<parameter=places>\n[{"a": 1}]\n</parameter>\n</function>\n</tool_call>',
        "",
        "hm",
        (("get_weather", '{"city": "Zürich", "days": 3, "places": [{"a": 1}]}'),),
    ),
    Transcript(
        "qwen3-coder",
        'Now:\n<function=get_weather>\n<parameter=city>\nline "1"\nline 2 </param\n</parameter>\n</function>',
        "Now:",
        calls=(("get_weather", '{"city": "line \\"1\\"\\nline 2 </param"}'),),
    ),
    Transcript("qwen3-coder", "<tool_call>\n<function=now>\n</function>\n</tool_call>", calls=(NOW,)),
    Transcript("qwen3-coder", "Use <function=f> in XML.", "Use <function=f> in XML."),
    Transcript(
        "seed-oss",
        "<seed:think>hm</seed:think>\n<seed:tool_call>\n<function=get_weather>\n<parameter=city>Zürich</parameter>\n"
        "</function>\n</seed:tool_call>",
        "",
        "hm",
        (ZURICH,),
    ),
    Transcript("llama3-json", '{"name": "get_weather", "parameters": {"city": "Zürich"}}', calls=(ZURICH,)),
    Transcript(
        "llama3-json",
        '{"type": "function", "name": "now", "parameters": {}}; {"name": '
        '"get_weather", "parameters": {"city": "Zürich"}}',
        calls=(NOW, ZURICH),
    ),
    Transcript("llama3-json", '{"name": "Bob", "age": 3}', '{"name": "Bob", "age": 3}'),
    Transcript(
        "llama3-json", 'It is {"name": "now", "parameters": {}}', 'It is {"name": "now", "parameters": {}}'
    ),
    Transcript("llama3-json", '<|python_tag|>get_weather.call(city="Zürich")', calls=(ZURICH,)),
    Transcript("llama3-json", '<|python_tag|>{"name": "now", "parameters": {}}', calls=(NOW,)),
    Transcript(
        "llama-pythonic",
        "[get_weather(city='Zürich', days=2, places=[{'a': (1, None)}]), now()]",
        calls=(("get_weather", '{"city": "Zürich", "days": 2, "places": [{"a": [1, null]}]}'), NOW),
    ),
    Transcript(
        "llama-pythonic", '<|python_start|>[get_weather(city="Zürich")]<|python_end|>', calls=(ZURICH,)
    ),
    Transcript("llama-pythonic", "[1](https://example.com) says so", "[1](https://example.com) says so"),
    Transcript(
        "lfm2",
        'Sure.<|tool_call_start|>[get_weather(city="a, b) \\"c\\"")]<|tool_call_end|>Done.',
        "Sure.Done.",
        calls=(("get_weather", '{"city": "a, b) \\"c\\""}'),),
    ),
    Transcript(
        "mistral",
        '[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "Zürich"}, "id": "abcdefgh1"}]',
        calls=(ZURICH,),
    ),
    Transcript(
        "mistral-args",
        '[THINK]hm[/THINK]Look:[TOOL_CALLS]get_weather[CALL_ID]abcdefgh1[ARGS]{"city": '
        '"Zürich"}[TOOL_CALLS]now[ARGS]{}',
        "Look:",
        "hm",
        (ZURICH, NOW),
    ),
    Transcript(
        "deepseek-v3",
        "hm</think>\n\n<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>get_weather\n```json\n"
        '{"city": "Zürich"}\n```<｜tool▁call▁end｜>\n<｜tool▁call▁begin｜>function<｜tool▁sep｜>now\n```json\n{}\n```'
        "<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
        "",
        "hm",
        (ZURICH, NOW),
        "<｜Assistant｜><think>\n",
    ),
    Transcript(
        "deepseek-v3.1",
        '<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>get_weather<｜tool▁sep｜>{"city": "Zürich"}<｜tool▁call▁end｜>'
        "<｜tool▁call▁begin｜>now<｜tool▁sep｜>{}<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
        calls=(ZURICH, NOW),
    ),
    Transcript(
        "deepseek-v3.2",
        'Look.\n\n<｜DSML｜function_calls>\n<｜DSML｜invoke name="get_weather">\n<｜DSML｜parameter name="city" '
        'string="true">Zürich</｜DSML｜parameter>\n<｜DSML｜parameter '
        'name="days" string="false">2</｜DSML｜parameter>\n'
        "</｜DSML｜invoke>\n</｜DSML｜function_calls>",
        "Look.",
        calls=(("get_weather", '{"city": "Zürich", "days": 2}'),),
    ),
    Transcript(
        "deepseek-v4",
        '<think>hm</think><｜DSML｜tool_calls>\n<｜DSML｜invoke name="now">\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>',
        "",
        "hm",
        (NOW,),
    ),
    Transcript(
        "harmony",
        "<|channel|>analysis<|message|>Need weather.<|end|><|start|>assistant<|channel|>commentary<|message|>Looking."
        "<|end|><|start|>assistant<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>"
        '{"city": "Zürich"}<|call|>',
        "Looking.",
        "Need weather.",
        (ZURICH,),
    ),
    Transcript(
        "harmony",
        " to=functions.now<|channel|>commentary json<|message|>{}<|call|>",
        calls=(NOW,),
    ),
    Transcript(
        "harmony",
        "<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>It is <b>warm</b>.",
        "It is <b>warm</b>.",
        "hm",
    ),
)
