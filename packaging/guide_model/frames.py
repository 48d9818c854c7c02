"""Ways to ask: sentence frames around a phrase, and the slips of people who type. Knows no fact.

`FRAMES` are used in training; `HELD_OUT` never are, and the evaluation asks with them.
"""

from __future__ import annotations

import random

FRAMES: dict[str, tuple[str, ...]] = {
    "what": (
        "What is {}?", "What's {}?", "what is {}", "Tell me {}.", "{}?", "{}", "Which is {}?", "I need to know {}.",
        "Do you know {}?", "Can you tell me {}?", "Please tell me {}.", "Say, what is {}?", "{} please", "I forgot {}.",
        "Remind me of {}.", "I'd like to know {}.", "What about {}?", "Explain {}.", "Give me {}.", "Hi, what is {}?",
        "I have a question about {}.", "What exactly is {}?", "And {}?", "Info about {}", "What would be {}?",
        "My neighbour wonders about {}.", "She wants to know: what is {}?", "We spoke about {}.", "There is {}; tell me about it.",
        "Inform me of {}.", "Is there something to know about {}?", "A word about {}, please.", "{} - what is that?",
        "My boss asks about {}.", "Let me know {}.", "I am looking for {}.", "My question is about {}.", "Now {}?",
        "Somebody asked me for {}.", "Can you say what {} is?", "I read about {}; what is it?", "Help me with {}.",
    ),
    "how": (
        "How do I {}?", "How can I {}?", "How to {}", "how to {}?", "I want to {}.", "What do I type to {}?",
        "Please tell me how to {}.", "Show me how to {}.", "How does one {}?", "Help me {}.", "I would like to {}.",
        "What must I do to {}?", "{}", "{}?", "Is there a way to {}?", "Can you help me {}?", "Steps to {}",
        "Best way to {}?", "I need to {}.", "How should I {}?", "Can you explain how to {}?", "Can I {}?",
        "Hello, how do I {}?", "What is the way to {}?", "I don't know how to {}.", "I am trying to {}.", "where do I {}",
        "How would I {}?", "We want to {}, how?",
        "My friend wants to {}.", "My team has to {}.", "Where is described how to {}?", "I have to {} today.", "Let me {}.",
        "Tell me what to do to {}.", "What is needed to {}?", "The task: {}.", "Is it hard to {}?", "Which command do I use to {}?",
        "Walk me through how to {}.", "Our admin asked me to {}.", "A colleague told me to {}.", "Today I must {}.", "She wants to {}.",
        "Is there a trick to {}?", "How do people {}?", "Describe how to {}.", "What would I do to {}?", "It is time to {}.",
        "Say how I {}.", "You should tell me how to {}.", "I cannot {}.", "Does anybody know how to {}?", "My aim is to {}.",
    ),
    "can": (
        "Can I {}?", "Is it possible to {}?", "May I {}?", "Am I able to {}?", "Could I {}?", "Am I allowed to {}?",
        "Does localllm let me {}?", "{}?", "Can you {}?", "I wonder if I can {}.", "I want to {}, is that possible?",
        "Hi, can I {}?", "is it ok to {}", "Can one {}?", "Can we {}?", "How can I {}?",
        "Am I free to {}?", "I would like to {}; does it work?", "Do you think I can {}?", "Say whether I can {}.",
        "My friend wants to {}. Possible?", "Will I be able to {}?", "They say I can {}.", "It would be nice to {}.",
    ),
    "does": (
        "Does localllm {}?", "Can localllm {}?", "Will localllm {}?", "does it {}", "I wonder if localllm can {}.",
        "localllm {}?", "Is localllm able to {}?", "Can it {}?", "Do you know if localllm can {}?", "Can this program {}?",
        "Will it {}?", "Can you {}?", "Does this {}?", "So it can {}?",
        "They say that localllm can {}.", "Is it so that localllm can {}?", "Could it {}?", "Tell me if localllm can {}.",
        "I read that it can {}.", "Should localllm {}?", "I hope that localllm can {}.", "Somebody told me it can {}.",
    ),
    "error": (
        "{}", "I get this: {}", "{}. What now?", "{}, what should I do?", "Help: {}", "It says: {}", "error: {}",
        "{} - how do I fix it?", "Problem: {}.", "What does \"{}\" mean?", "Why do I see {}?", "{}!", "Why: {}?",
        "I have a problem: {}", "{}. How can I fix this?", "Something is wrong: {}", "Hello, {}. Any idea?", "Fix {}",
        "When I try it: {}", "{} why?",
        "{} - what did I do wrong?", "{} - please help", "{} - since yesterday", "{} - and I do not know why", "My laptop says: {}",
        "{} every time", "{} on my machine", "{}, I give up", "Our server shows: {}", "The log has this: {}", "Just now: {}",
        "A user wrote: {}", "{} - is that normal?", "{} - no idea", "how come: {}", "{} after the update",
        "Since today: {}", "{} again and again", "My friend gets this: {}", "Now I see this: {}", "The message: {}", "{} all the time",
        "Yesterday it worked, now {}", "I always get {}", "What does it mean: {}", "{} and nothing works", "Somebody reports {}",
    ),
    "ask": (
        "{}", "{}", "{}", "{}", "Hi, {}", "Hello! {}", "Quick question: {}", "{} Thanks!", "Tell me, {}", "Please, {}",
        "Something else, {}", "What I ask is: {}", "{} Nobody could tell me.", "{} I searched for it.", "{} The docs are long.",
        "Let me ask: {}", "{} I did not see it.", "One question: {}", "{} We are curious.", "Still unclear: {}", "And also, {}",
        "Hey, {}", "{} Please explain.", "OK, {}", "Question: {}", "I wonder: {}", "So, {}",
        "Another question: {}", "{} I am new.", "Next: {}", "My friend asks: {}", "{} I need to know.", "Now my question: {}",
    ),
    "key": ("{}", "{}?", "{} please", "{} localllm", "localllm {}", "{} help", "info {}", "{}!", "{} ?", "about {}",
            "something about {}", "{}, in short", "find {}", "search for {}", "{} docs", "explain {}", "{} info", "question: {}", "{}, thx",
            "show {}", "hi, {}", "{}, details", "any info on {}", "what about {}", "interested in {}", "{}, please help", "hm, {}",
            "asking about {}", "{} explained", "i want {}", "{}, briefly", "learn about {}", "all about {}", "i search {}", "{} now", "quick: {}", "need {}", "tell me {}", "{} thanks", "topic {}"),
    "zh_what": (
        "{}是什么？", "{}是什么", "什么是{}？", "请问{}是什么？", "告诉我{}", "{}？", "{}", "请告诉我{}。", "我想知道{}。",
        "你知道{}吗？", "我同事问：{}是什么？", "解释一下{}", "请说明{}", "老师问{}", "能不能说一下{}？", "我不懂{}", "关于{}", "请介绍{}", "{}是多少？", "说说{}", "能告诉我{}吗？",
    ),
    "zh_how": (
        "怎么{}？", "如何{}？", "怎样{}？", "请问怎么{}？", "我想{}。", "我要{}", "{}怎么做？", "{}", "怎么{}", "如何{}",
        "请告诉我怎么{}。", "大家都怎么{}？", "我必须{}，怎么做？", "我朋友想{}", "今天要{}", "谁能告诉我怎么{}", "想{}，怎么弄？", "能不能{}？", "可以{}吗？", "我不会{}", "帮我{}", "{}的方法是什么？",
    ),
    "zh_ask": ("{}", "{}", "{}", "请问，{}", "你好，{}", "{}谢谢", "想问一下，{}", "问题：{}", "再问一个：{}", "请帮帮我，{}", "朋友问，{}", "你说，{}", "最后一个问题：{}", "请问{}", "我想问：{}"),
}  # fmt: skip

HELD_OUT: dict[str, tuple[str, ...]] = {
    "what": (
        "Could you let me know {}?",
        "I am curious about {}.",
        "My friend asked me: what is {}?",
        "Now tell us {}.",
    ),
    "how": (
        "What are the steps to {}?",
        "Any idea how to {}?",
        "Explain to me how I {}.",
        "My boss wants me to {}.",
    ),
    "can": ("Would I be able to {}?", "Tell me if I can {}.", "My plan is to {}; does that work?"),
    "does": ("Is it true that localllm can {}?", "Would localllm {}?", "I heard that localllm can {}."),
    "error": ("Today I saw this: {}", "{} - it keeps happening", "My colleague reports: {}"),
    "ask": ("My question is this: {}", "One more thing, {}", "{} I could not find it."),
    "key": ("more about {}", "{}, quickly", "looking for {}"),
    "zh_what": ("麻烦说明一下{}", "我朋友问{}是什么"),
    "zh_how": ("有谁知道怎么{}", "我需要{}，该怎么办？"),
    "zh_ask": ("还有一个问题，{}", "麻烦你，{}"),
}

LETTERS = "abcdefghijklmnopqrstuvwxyz"


LEADS = (
    "Well, ", "Excuse me, ", "By the way, ", "Sorry, ", "Just curious: ", "Hm, ", "Dear guide, ", "As a beginner: ", "Hi! ",
    "On my laptop: ", "At work: ", "For a friend: ", "In short: ", "Guide, ", "I am new here. ", "Good morning. ", "Then ", "Oh, ",
    "I use localllm. ", "I tried it yesterday. ", "Maybe you know. ", "Let us see. ", "Listen, ", "First, ", "Last question: ",
)  # fmt: skip
TAILS = (
    " Thank you.", " I am new to this.", " Any hint?", " It is urgent.", " I am lost.", " Can you help?", " Please.", " I have no idea.",
    " I looked everywhere.", " Say it in one sentence.", " Just asking.", " Thanks in advance.", " I am on Windows.", " I am on a Mac.",
    " My friend wants to know.", " I did not find it in the docs.", " Be brief.", " Today.", " Really.", " That would help.",
)  # fmt: skip


def ask(rng: random.Random, kind: str, phrase: str, frames: dict[str, tuple[str, ...]] = FRAMES) -> str:
    """One question: the phrase in a frame of its kind, starting with a capital where the frame does.

    In training some have words before or after that mean nothing, so that the phrase is what counts.
    """
    frame = rng.choice(frames[kind])
    text = frame.format(phrase)
    if frame[0] == "{" and rng.random() < 0.5:
        text = text[0].upper() + text[1:]
    if frames is not FRAMES or kind == "key" or kind.startswith("zh"):
        return text
    chance = rng.random()
    if chance < 0.12:
        return rng.choice(LEADS) + text
    return text + rng.choice(TAILS) if chance < 0.22 else text


def typo(rng: random.Random, word: str) -> str:
    """The word with one slip of the finger."""
    at = rng.randrange(len(word) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == 1:
        return word[:at] + word[at + 1 :]
    if kind == 2:
        return word[: at + 1] + word[at:]
    return word[:at] + rng.choice(LETTERS) + word[at + 1 :]


def roughen(rng: random.Random, text: str) -> str:
    """What people really type: lower case, no punctuation, a typo, shouting. Half of the time: the text as it is."""
    kind = rng.random()
    if kind < 0.5:
        return text
    if kind < 0.68:
        text = text.lower()
    elif kind < 0.71:
        text = text.upper()
    if rng.random() < 0.6:
        text = text.rstrip("?.!。？ ")
    if rng.random() < 0.45:
        text = with_typo(rng, text)
    return text or "?"


def with_typo(rng: random.Random, text: str) -> str:
    words = text.split(" ")
    long_words = [i for i, word in enumerate(words) if len(word) > 4 and word.isascii() and word.isalpha()]
    if long_words:
        at = rng.choice(long_words)
        words[at] = typo(rng, words[at])
    return " ".join(words)
