"""What models of each family write, and what it means. Written here, in the shape of the families' documentation."""

from __future__ import annotations

import msgspec

from localllm.chat.tools import read_tools

TOOLS = read_tools(
    [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "city": {"type": "string"},
                        "days": {"type": "integer"},
                        "places": {"type": "array", "items": {"type": "object"}},
                    },
                    "required": ["city"],
                },
            },
        },
        {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}},
    ]
)


class Transcript(msgspec.Struct, frozen=True):
    """A text of one format. calls: (name, arguments as JSON text). prompt: the end of the prompt before it."""

    format: str
    text: str
    content: str = ""
    reasoning: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    prompt: str = ""


ZURICH = ("get_weather", '{"city": "Zürich"}')
NOW = ("now", "{}")

TRANSCRIPTS = (
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
    Transcript(
        "glm",
        "<think>hm</think>\n<tool_call>get_weather\n<arg_key>city</arg_key>\n<arg_value>Zürich</arg_value>\n"
        "<arg_key>days</arg_key>\n<arg_value>2</arg_value>\n</tool_call>\n<tool_call>now\n</tool_call>",
        "",
        "hm",
        (("get_weather", '{"city": "Zürich", "days": 2}'), NOW),
    ),
    Transcript("glm", "A <tool_call>tag\n of text", "A <tool_call>tag\n of text"),
    Transcript(
        "hy3",
        "<tool_calls:opensource>\n<tool_call:opensource>get_weather<tool_sep:opensource>\n<arg_key:opensource>city"
        "</arg_key:opensource>\n<arg_value:opensource>Zürich</arg_value:opensource>\n</tool_call:opensource>\n"
        "</tool_calls:opensource>",
        calls=(ZURICH,),
    ),
    Transcript(
        "command-r",
        'Action: ```json\n[\n    {\n        "tool_name": "get_weather",\n        "parameters": {"city": "Zürich"}\n'
        "    }\n]```",
        calls=(ZURICH,),
    ),
    Transcript(
        "command-r7b",
        '<|START_THINKING|>I will look.<|END_THINKING|><|START_ACTION|>[\n    {"tool_call_id": "0", "tool_name": '
        '"get_weather", "parameters": {"city": "Zürich"}},\n    {"tool_call_id": '
        '"1", "tool_name": "now", "parameters": {}}\n]'
        "<|END_ACTION|>",
        "",
        "I will look.",
        (ZURICH, NOW),
    ),
    Transcript(
        "command-r7b",
        "<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>It is warm.<|END_RESPONSE|>",
        "It is warm.",
        "hm",
    ),
    Transcript(
        "granite3",
        '<think>hm</think><response>Look.</response><|tool_call|>[{"name": "now", "arguments": {}}]',
        "Look.",
        "hm",
        (NOW,),
    ),
    Transcript("phi4", '<|tool_call|>[{"name": "now", "arguments": {}}]<|/tool_call|>', calls=(NOW,)),
    Transcript(
        "functools", ' functools[{"name": "get_weather", "arguments": {"city": "Zürich"}}]', calls=(ZURICH,)
    ),
    Transcript(
        "nemotron",
        '<think>hm</think>\n\n<TOOLCALL>[{"name": "now", "arguments": {}}]</TOOLCALL>',
        "",
        "hm",
        (NOW,),
    ),
    Transcript(
        "tool-calls-list",
        'Yes <tool_calls>[{"name": "now", "arguments": {}, "id": "1"}]</tool_calls>',
        "Yes",
        calls=(NOW,),
    ),
    Transcript(
        "minimax-m1",
        '<tool_calls>\n{"name": "get_weather", "arguments": {"city": '
        '"Zürich"}}\n{"name": "now", "arguments": {}}\n</tool_calls>',
        calls=(ZURICH, NOW),
    ),
    Transcript(
        "minimax-m2",
        'hm\n</think>\n\n<minimax:tool_call>\n<invoke name="get_weather">\n<parameter name="city">Zürich</parameter>\n'
        '<parameter name="days">x</parameter>\n</invoke>\n</minimax:tool_call>',
        "",
        "hm",
        (("get_weather", '{"city": "Zürich", "days": "x"}'),),
        "<think>\n",
    ),
    Transcript(
        "atem",
        '<atem:function_calls>\n<atem:invoke name="get_weather">\n<atem:parameter name="city">Zürich</atem:parameter>\n'
        "</atem:invoke>\n</atem:function_calls>",
        calls=(ZURICH,),
    ),
    Transcript(
        "minicpm",
        '<function name="get_weather"><param name="city"><![CDATA[Zürich]]></param><param '
        'name="days">1</param></function>'
        '<function name="now"></function>',
        calls=(("get_weather", '{"city": "Zürich", "days": 1}'), NOW),
    ),
    Transcript(
        "kimi-k2",
        "Look.<|tool_calls_section_begin|><|tool_call_begin|>functions.get_weather:0<|tool_call_argument_begin|>"
        '{"city": "Zürich"}<|tool_call_end|><|tool_call_begin|>functions.now:1<|tool_call_argument_begin|>{}'
        "<|tool_call_end|><|tool_calls_section_end|>",
        "Look.",
        calls=(ZURICH, NOW),
    ),
    Transcript(
        "functionary-v3.1",
        'Look.<function=get_weather>{"city": "Zürich"}</function>',
        "Look.",
        calls=(ZURICH,),
    ),
    Transcript(
        "functionary-v3.2",
        'all\nLook.\n>>>get_weather\n{"city": "Zürich"}\n>>>now\n{}',
        "Look.",
        calls=(ZURICH, NOW),
    ),
    Transcript("functionary-v3.2", "all\nJust text >>> here", "Just text >>> here"),
    Transcript(
        "gemma4",
        '<|channel>thought\nhm\n<channel|><|tool_call>call:get_weather{city:<|"|>Zürich, "x"<|"|>,days:2,'
        'places:[{a:<|"|>b<|"|>,ok:true},{}]}<tool_call|>',
        "",
        "hm",
        (("get_weather", '{"city": "Zürich, \\"x\\"", "days": 2, "places": [{"a": "b", "ok": true}, {}]}'),),
    ),
    Transcript(
        "gemma4",
        "<|tool_call>call:get_weather{places:[}]}<tool_call|>",
        "}]}<tool_call|>",
        calls=(("get_weather", '{"places": ['),),
    ),
    Transcript(
        "function-gemma",
        "<start_function_call>call:get_weather{city:<escape>Zürich<escape>}<end_function_call>",
        calls=(ZURICH,),
    ),
    Transcript(
        "apertus",
        '<|inner_prefix|>hm<|inner_suffix|>Look.<|tools_prefix|>[{"get_weather": {"city": "Zürich"}}, {"now": {}}]'
        "<|tools_suffix|>",
        "Look.",
        "hm",
        (ZURICH, NOW),
    ),
    Transcript("gigachat", 'function call<|role_sep|>\n{"name": "now", "arguments": {}}', calls=(NOW,)),
    Transcript(
        "atem",
        " to=self<|message|>hm<|eom|><|start|>assistant to=user<|message|>Look.<|eom|><|start|>assistant "
        'to=get_weather<|message|><atem:function_calls>\n<atem:invoke name="get_weather">\n'
        '<atem:parameter name="city">Zürich</atem:parameter>\n</atem:invoke>\n</atem:function_calls>',
        "Look.",
        "hm",
        (ZURICH,),
        "<|start|>assistant",
    ),
    Transcript("atem", " to the letter", " to the letter", prompt="<|start|>assistant"),
    Transcript(
        "kimi-k3",
        "hm<|close|>think<|sep|><|open|>response<|sep|>Look.<|close|>response<|sep|><|open|>tools<|sep|>"
        '<|open|>call tool="get_weather" index="1"<|sep|><|open|>argument key="city" type="string"<|sep|>Zürich'
        '<|close|>argument<|sep|><|open|>argument key="days" type="number"<|sep|>3<|close|>argument<|sep|>'
        '<|close|>call<|sep|><|open|>call tool="now" index="2"<|sep|><|open|>json type="object"<|sep|>{}'
        "<|close|>json<|sep|><|close|>call<|sep|><|close|>tools<|sep|><|close|>message<|sep|>",
        "Look.",
        "hm",
        (("get_weather", '{"city": "Zürich", "days": 3}'), NOW),
        '<|open|>message role="assistant"<|sep|><|open|>think<|sep|>',
    ),
    Transcript(
        "kimi-k3",
        "Look.<|close|>response<|sep|><|close|>message<|sep|>",
        "Look.",
        prompt='<|open|>message role="assistant"<|sep|><|open|>response<|sep|>',
    ),
    Transcript(
        "minimax-m3",
        '<mm:think>hm</mm:think>Look.]<]minimax[>[<tool_call>\n]<]minimax[>[<invoke name="get_weather">'
        "]<]minimax[>[<city>Zürich]<]minimax[>[</city>]<]minimax[>[<places>]<]minimax[>[<item>]<]minimax[>[<a>1"
        "]<]minimax[>[</a>]<]minimax[>[<b>]<]minimax[>[<item>x]<]minimax[>[</item>]<]minimax[>[</b>"
        "]<]minimax[>[</item>]<]minimax[>[</places>]<]minimax[>[</invoke>\n"
        ']<]minimax[>[<invoke name="now">]<]minimax[>[</invoke>\n]<]minimax[>[</tool_call>',
        "Look.",
        "hm",
        (("get_weather", '{"city": "Zürich", "places": [{"a": 1, "b": ["x"]}]}'), NOW),
    ),
    Transcript(
        "solar-open",
        "<|think|>hm<|end|><|begin|>assistant<|tool_calls|><|tool_call:begin|>a1b2c3d4e5<|tool_call:name|>get_weather"
        '<|tool_call:args|>{"city": "Zürich"}<|tool_call:end|><|tool_call:begin|>f6g7h8i9j0<|tool_call:name|>now'
        "<|tool_call:args|>{}<|tool_call:end|><|calls|>",
        "",
        "hm",
        (ZURICH, NOW),
    ),
    Transcript("solar-open", "<|content|>Look.<|end|>", "Look."),
)
