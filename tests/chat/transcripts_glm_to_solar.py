"""What models write, II: GLM, Command R, Granite, MiniMax, Gemma, Kimi, Solar and others."""

from __future__ import annotations

from tests.chat.transcript import NOW, ZURICH, Transcript

GLM_TO_SOLAR = (
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
