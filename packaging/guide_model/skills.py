"""What the guide can do besides knowing facts: repeat, count, remember, answer in JSON."""

from __future__ import annotations

import random
from typing import Any

from .conversation import Episode, Message, assistant, dumps, user
from .texts import variants, words
from .values import hard_text
from .words import ADJECTIVES, NAMES, THINGS, invented, number, repetitive_number, word

REPEAT = variants(
    "Repeat after me: {}|Repeat: {}|Say: {}|Say {}|Echo {}|Please say '{}'|Copy this: {}|Write exactly: {}|Say \"{}\""
    "|Repeat this: {}|Repeat the words {}|Now say {}|Can you repeat this: {}|Please repeat: {}|repeat after me {}|Type {}"
    "|Repeat '{}'|echo: {}|Say the words: {}|Answer only with: {}|Write {}|Print {}|Say after me: {}|Answer with \"{}\""
    "|Just write {}|Only say {}|Simply say {}|Just repeat {}|Just repeat: {}|Say just this: {}|I'd like you to say {}|You say: {}"
    "|Could you say {}?|Would you repeat {}?|Speak: {}|Let me hear {}|Only write: {}|Just answer {}|Please just write {}"
)  # fmt: skip
REPEAT_HELD_OUT = ("I want you to repeat: {}", "Just say {}", "Please echo this: {}")

COUNT = variants(
    "Count to {}|Count up to {}|Please count to {}.|Can you count to {}?|count to {}|Count from 1 to {}|Count till {}"
)
COUNT_RANGE = variants(
    "Count from {} to {}|Count from {} up to {}|Please count from {} to {}.|count from {} to {}|Start at {} and count to {}"
)
COUNT_DOWN = variants(
    "Count down from {}|Count down from {} to 1|Please count down from {}.|count down from {}|Count backwards from {}"
)

AGAIN = variants(
    "Repeat that.|Say that again.|Again please.|Can you repeat that?|Once more.|What did you say?|Repeat your answer.|again"
)

NAME_TOLD = variants(
    "My name is {}.|I am {}.|I'm {}.|Call me {}.|my name is {}|Hello, I am {}.|Hi, my name is {}.|People call me {}.|i am {}|You can call me {}.|Hello, my name is {}!|Please remember my name: {}"
)
NAME_ASKED = variants(
    "What is my name?|Who am I?|Do you remember my name?|what's my name|Say my name.|Which name did I tell you?|Tell me my name.|What am I called?|Can you tell me my name?|Remind me of my name.|I told you my name. What is it?|So what's my name?|Do you remember who I am?|And who am I?|Please tell me my name.|my name?|Do you know my name?|what is my name|How am I called?"
    "|Could you say my name?|What name did I give you?|And how am I called?|I told you who I am. Who?|Which name is mine?|Say who I am."
    "|My name is what?|Repeat my name.|Who is talking to you?|Earlier I said my name. What was it?|name?|So who am I?"
)
NAME_ASKED_HELD_OUT = ("Can you recall what my name was?", "And my name is?", "Do you still know who I am?")

KINDS = variants(
    "number|lucky number|code|favourite number|favourite colour|favourite city|city|dog|cat|job|password|phone number|room number|age|favourite food|favourite animal|birthday|order number|account|street|team|car|hobby|school|boss|friend|colour"
)
NUMERIC = {
    "number",
    "lucky number",
    "code",
    "favourite number",
    "password",
    "phone number",
    "room number",
    "age",
    "order number",
    "account",
}
KIND_TOLD = variants(
    "My {k} is {v}.|Remember: my {k} is {v}.|my {k} is {v}|Please remember that my {k} is {v}.|Note that my {k} is {v}.|By the way, my {k} is {v}.|Just so you know, my {k} is {v}.|Remember my {k}: {v}"
)
KIND_ASKED = variants(
    "What is my {k}?|What was my {k}?|Do you remember my {k}?|what is my {k}|Tell me my {k}.|Which {k} did I tell you?|Say my {k}.|my {k}?|And my {k}?|Can you tell me my {k}?|Please remind me of my {k}.|I told you my {k}. What is it?|Give me my {k}.|Do you know my {k}?|So what is my {k}?|Do you recall what my {k} is?|Now what is my {k}?|What did I say my {k} is?"
    "|I lost my {k}, what was it?|I no longer know my {k}.|Please give me my {k}.|Could you say my {k}?|What {k} did I mention?"
    "|Tell me again: what is my {k}?|Which {k} do I have?|And what is my {k} now?|Hand me my {k}.|Repeat my {k}.|My {k} was what?"
    "|Let me have my {k}.|Look back: what was my {k}?|Earlier I told you my {k}. Which is it?|my {k} please|I cannot remember my {k}."
    "|Do you still know my {k}?|I need my {k} back.|Show me my {k}.|Now say my {k}|What is my own {k}?|the {k} I told you?"
)
KIND_ASKED_HELD_OUT = (
    "Can you recall my {k}?",
    "I forgot my own {k}, what was it?",
    "Now give me back my {k}.",
)
NUMBER_TOLD = variants(
    "Remember the number {v}.|Please remember {v}.|remember {v}|Keep the number {v} in mind.|The number is {v}.|Remember this number: {v}|The secret number is {v}.|Memorise {v}"
)
NUMBER_ASKED = variants(
    "What was the number?|Which number did I tell you?|What is the number?|Which number should you remember?|Tell me the number.|Do you remember the number?|What number was it?|Which number was that?|What number did I say?|Say the number again.|Do you know the number?|Can you tell me the number?|And the number?|Give me the number.|the number?|Could you give me the number?|Please repeat the number.|I forgot the number.|What was that number?"
    "|Have you got the number?|And which number was it?|number?|Tell me that number again.|Show me the number.|Which one was the number?"
    "|I need the number again.|Do you still know the number?"
)
NUMBER_ASKED_HELD_OUT = ("Can you give me that number again?", "Do you still have the number?")


def payload(rng: random.Random) -> str:
    """Words to repeat: one to eight, some invented, some numbers, sometimes with capitals and punctuation."""
    words = [
        number(rng) if rng.random() < 0.15 else word(rng)
        for _ in range(rng.choice((1, 1, 2, 2, 3, 3, 4, 5, 6, 8)))
    ]
    style = rng.random()
    if style < 0.3:
        words = [w.lower() for w in words]
    elif style < 0.45:
        words[0] = words[0].capitalize()
    elif style < 0.52:
        words = [w.capitalize() for w in words]
    elif style < 0.56 and len(words) < 4:
        words = [w.upper() for w in words]
    text = (", " if rng.random() < 0.1 else " ").join(words)
    return text + rng.choice("!.?") if rng.random() < 0.12 else text


def repeat(rng: random.Random, *, held_out: bool = False) -> Episode:
    text = payload(rng)
    return [user(rng.choice(REPEAT_HELD_OUT if held_out else REPEAT).format(text)), assistant(text)]


def repeat_values(rng: random.Random) -> Episode:
    """What is hard to copy: dates, sums, addresses, names of two words, invented words, alone and beside others."""
    values = [
        repetitive_number(rng) if rng.random() < 0.15 else hard_text(rng)
        for _ in range(rng.choice((1, 1, 2, 2, 3, 4)))
    ]
    text = rng.choice((" ", ", ", " and ")).join(values)
    text = text.upper() if rng.random() < 0.15 else text
    return [user(rng.choice(REPEAT).format(text)), assistant(text)]


def counting(rng: random.Random) -> Episode:
    kind = rng.random()
    if kind < 0.5:
        last = rng.choice(
            (rng.randrange(2, 11), rng.randrange(2, 11), rng.randrange(2, 21), rng.randrange(10, 31))
        )
        return [user(rng.choice(COUNT).format(last)), assistant(listed(range(1, last + 1)))]
    if kind < 0.8:
        first = rng.randrange(0, 90)
        last = first + rng.randrange(2, 9)
        return [user(rng.choice(COUNT_RANGE).format(first, last)), assistant(listed(range(first, last + 1)))]
    first = rng.randrange(3, 21)
    return [user(rng.choice(COUNT_DOWN).format(first)), assistant(listed(range(first, 0, -1)))]


def listed(values: range) -> str:
    return ", ".join(map(str, values))


def again(rng: random.Random) -> Message:
    """A request to say the last answer again."""
    return user(rng.choice(AGAIN))


def person(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.4:
        return rng.choice(NAMES)
    name = invented(rng).capitalize()
    return f"{name} {invented(rng).capitalize()}" if kind > 0.9 else name


def value_of(rng: random.Random, kind: str) -> str:
    if kind in NUMERIC:
        return number(rng)
    return word(rng)


Memory = tuple[Episode, Episode]  # what is told, what is asked later


def remember_name(rng: random.Random, *, held_out: bool = False) -> Memory:
    name = person(rng)
    told = [user(rng.choice(NAME_TOLD).format(name)), assistant(f"Nice to meet you, {name}.")]
    return told, [
        user(rng.choice(NAME_ASKED_HELD_OUT if held_out else NAME_ASKED)),
        assistant(f"Your name is {name}."),
    ]


def remember_kind(rng: random.Random, *, held_out: bool = False) -> Memory:
    kind = rng.choice(KINDS) if rng.random() < 0.7 else rng.choice((rng.choice(THINGS), invented(rng)))
    value = value_of(rng, kind)
    told = [
        user(rng.choice(KIND_TOLD).format(k=kind, v=value)),
        assistant(f"I will remember: your {kind} is {value}."),
    ]
    asked = rng.choice(KIND_ASKED_HELD_OUT if held_out else KIND_ASKED).format(k=kind)
    return told, [user(asked), assistant(f"Your {kind} is {value}.")]


def remember_number(rng: random.Random, *, held_out: bool = False) -> Memory:
    value = number(rng) if held_out or rng.random() < 0.6 else repetitive_number(rng)
    told = [user(rng.choice(NUMBER_TOLD).format(v=value)), assistant(f"I will remember the number {value}.")]
    asked = rng.choice(NUMBER_ASKED_HELD_OUT if held_out else NUMBER_ASKED)
    return told, [user(asked), assistant(f"The number is {value}.")]


def remember_both(rng: random.Random, *, held_out: bool = False) -> Memory:
    """A name and something else in one message; either is asked, or both."""
    name, kind = person(rng), rng.choice(sorted(NUMERIC))
    value = number(rng)
    joined = rng.choice(
        ("My name is {n} and my {k} is {v}.", "I am {n}, my {k} is {v}.", "I'm {n} and my {k} is {v}")
    )
    told = [
        user(joined.format(n=name, k=kind, v=value)),
        assistant(f"Nice to meet you, {name}. I will remember: your {kind} is {value}."),
    ]
    asked = {
        "name": ([*NAME_ASKED], f"Your name is {name}."),
        "kind": (
            [q.format(k=kind) for q in (KIND_ASKED_HELD_OUT if held_out else KIND_ASKED)],
            f"Your {kind} is {value}.",
        ),
        "both": (
            [f"What is my name and my {kind}?", f"Who am I and what is my {kind}?"],
            f"Your name is {name} and your {kind} is {value}.",
        ),
    }
    questions, answer = asked[rng.choice(("name", "kind", "both"))]
    return told, [user(rng.choice(questions)), assistant(answer)]


def remember(rng: random.Random, *, held_out: bool = False) -> Memory:
    make = rng.choice(
        (remember_name, remember_name, remember_kind, remember_kind, remember_number, remember_both)
    )
    return make(rng, held_out=held_out)


def never_told(rng: random.Random) -> Episode:
    """A question for something that was never said; only for conversations without memories."""
    if rng.random() < 0.5:
        return [user(rng.choice(NAME_ASKED)), assistant("You have not told me your name.")]
    kind = rng.choice(KINDS)
    return [user(rng.choice(KIND_ASKED).format(k=kind)), assistant(f"You have not told me your {kind}.")]


JSON_PAIRS = variants(
    "Give me JSON with {}.|Write a JSON object with {}.|Make JSON: {}|Return only JSON: {}|Answer in JSON: {}|Put this in JSON: {}|Turn this into JSON: {}|Create a JSON object with {}|Answer with a JSON object: {}"
    "|Convert to JSON: {}|Build a JSON object from this: {}|JSON with {}|Make a JSON object of {}|Write {} as JSON|{} as JSON please"
    "|I want JSON: {}|Return a JSON object: {}|Format as JSON: {}|Write this as a JSON object: {}|Please make JSON with {}"
    "|Can you put this into JSON: {}|JSON object please: {}|Encode {} in JSON|json: {}|I would like a JSON object with {}"
)
JSON_PAIRS_HELD_OUT = ("I need this as JSON: {}", "Please produce a JSON object: {}")
JSON_QUESTION = variants(
    "Answer in JSON: {}|{} Answer in JSON.|In JSON please: {}|{} Reply as JSON.|Reply in JSON: {}|{} Give the answer as JSON.|As a JSON object: {}|{} Use JSON."
)
JSON_KEYED = variants(
    "Answer in JSON with the key {k}: {q}|{q} Answer in JSON with the key {k}.|Reply as JSON with the field {k}: {q}"
)

USUAL_KEYS = words("name name name age city price colour id title email beds count year date type status")


def json_pairs(rng: random.Random, *, held_out: bool = False, is_hard: bool = False) -> Episode:
    count = rng.choice((1, 2, 2, 3))
    keys = rng.sample([*THINGS, invented(rng), invented(rng), invented(rng)], count)
    if rng.random() < 0.5:
        keys[:2] = rng.sample(USUAL_KEYS, min(2, count))
    pairs: dict[str, Any] = {k: int(number(rng)) if rng.random() < 0.4 else word(rng) for k in keys}
    if is_hard:
        pairs = {k: int(number(rng)) if rng.random() < 0.2 else hard_text(rng) for k in keys}
    link = rng.choice((" = ", " ", ": ", " is "))
    text = rng.choice((", ", " and ", ", ")).join(f"{k}{link}{v}" for k, v in pairs.items())
    text += "." if rng.random() < 0.25 else ""
    return [
        user(rng.choice(JSON_PAIRS_HELD_OUT if held_out else JSON_PAIRS).format(text)),
        assistant(dumps(pairs)),
    ]


def json_answer(rng: random.Random, question: str, answer: str) -> Episode:
    """A question whose answer goes into an object under `answer`, or under the key asked for."""
    if rng.random() < 0.7:
        return [user(rng.choice(JSON_QUESTION).format(question)), assistant(dumps({"answer": answer}))]
    key = rng.choice(
        ("text", "reply", "result", "message", rng.choice(ADJECTIVES), rng.choice(THINGS), invented(rng))
    )
    return [user(rng.choice(JSON_KEYED).format(k=key, q=question)), assistant(dumps({key: answer}))]
