"""Small talk, and the graceful answer to what the guide cannot do."""

from __future__ import annotations

import random

from localllm import facts as f

from .fact import Fact, fact
from .texts import variants, words
from .words import ADJECTIVES, NAMES, PLACES, THINGS, invented

TALK = (
    fact("hello", "Hello! Ask me anything about localllm.",
         ask="Hello|Hi|Hey|Hello!|Hi there|Good morning|Good evening|Good afternoon|Hello there!|Greetings|Howdy|hey you"
             "|hello guide|yo|Hallo|good day"),
    fact("how-are-you", "I am fine, thank you. How can I help you with localllm?",
         ask="How are you?|How are you doing?|How is it going?|What's up?|How do you feel today?|Are you well?|How's life?"
             "|How do you do?|You ok?"),
    fact("thanks", "You are welcome!",
         ask="Thank you|Thanks|Thanks a lot|Thank you very much|Great, thanks|thx|That helped, thank you|Many thanks"
             "|Thanks for your help|Perfect, thank you|ty"),
    fact("bye", "Goodbye! I am here when you need me.",
         ask="Bye|Goodbye|See you|See you later|Good night|I have to go|bye bye|So long|Until tomorrow|cya|Farewell"),
    fact("praise", "Thank you, that is kind.",
         ask="You are great|Well done|Good job|I like you|You are funny|Nice work|You are cool|I love you|Very good|Awesome"
             "|That was great|You are clever|Amazing"),
    fact("blame", "I am sorry. I am very small; try other words, or a bigger model.",
         ask="You are stupid|That is wrong|You are useless|This is bad|That makes no sense|I hate you|That was not my question"
             "|You are dumb|Wrong answer|That's not right|You did not understand me|Bad bot"),
    fact("yes", "Good. What would you like to know about localllm?",
         ask="Yes|OK|Okay|I see|All right|Sure|Fine|Got it|I understand|No|Nothing|Maybe|hm|Alright|Understood|Yep"),
    fact("joke", "Why do tiny models make good friends? They never talk about anything but localllm.",
         ask="Tell me a joke.|Do you know a joke?|Make me laugh.|Say something funny.|Another joke please.|joke"
             "|Can you tell a joke?|Be funny."),
    fact("test", "It works: I can read you.",
         ask="Test|Testing|This is a test|Is this working?|Are you there?|Can you hear me?|Does this work?|test test"
             "|Anybody there?|test 123"),
    fact("zh-hello", "你好！你可以问我关于 localllm 的问题。", zh_ask="你好|您好|你好！|早上好|晚上好|嗨|大家好"),
    fact("zh-thanks", "不客气！", zh_ask="谢谢|谢谢你|多谢|非常感谢|好的，谢谢"),
    fact("zh-bye", "再见！", zh_ask="再见|拜拜|晚安|我走了"),
)  # fmt: skip

REFUSAL = f"I am a very small model; for that, pull a bigger one: {f.PULL}"
REFUSAL_ZH = f"我是很小的模型；请下载更大的模型：{f.PULL}"

TOPICS = variants(
    "the capital of {place}|the population of {place}|the history of {place}|the president of {place}|the weather in {place}"
    "|the time in {place}|the best food in {place}|the language of {place}|the currency of {place}|the flag of {place}"
    "|the meaning of life|the speed of light|quantum physics|black holes|the theory of relativity|photosynthesis|gravity"
    "|the stock market|the news|bitcoin|climate change|the French Revolution|world war two|the Roman Empire|evolution|DNA"
    "|love|happiness|philosophy|religion|politics|democracy|music theory|the {adjective} {thing}|{adjective} {thing}s|{thing}s"
    "|a {adjective} {thing}|the price of a {thing}|the weight of a {thing}|the age of {name}|the life of {name}|chess|football"
    "|the colour of a {thing}|{invented}|the {invented} of {place}|the oldest {thing} in {place}|the author of {invented}"
    "|the largest {thing} in the world|the boiling point of water|the distance to the moon|the square root of {number}"
    "|{number} plus {number}|{number} times {number}|{number} * {number}|{number} divided by {number}|{number} minus {number}"
    "|the tallest {thing} in {place}|the recipe for {thing} soup|the prime minister of {place}|the mayor of {place}|the {invented}"
    " war|the inventor of the {thing}|the {invented} of {invented}|{invented} and {invented}|the river {invented}|the planet {invented}"
    "|the queen of {place}|the economy of {place}|cancer|yoga|sleep|money|art|fashion|the internet of things|electricity|volcanoes"
    "|cooking|a good {thing}|the difference between {invented} and {invented}|the singer {name}|the painter {name}|the actor {name}"
    "|how to {invented}|the news from {place}|today's weather|the weather|tomorrow|the temperature in {place}|vitamin C|a black hole|the sun|the moon|dinosaurs|the brain"
)  # fmt: skip

TOPIC_FRAMES = variants(
    "What is {}?|Tell me about {}.|Explain {}.|What do you know about {}?|Describe {}.|I want to learn about {}.|{}?|{}"
    "|Do you know {}?|Give me some facts about {}.|What's {}?|Can you explain {}?|Why is {} important?|How does {} work?"
    "|Who invented {}?|Please tell me {}.|I need information about {}.|What do you think about {}?"
)  # fmt: skip

TASKS = variants(
    "write a poem about {place}|write a story about a {thing}|write a {adjective} song|translate '{adjective} {thing}' into "
    "French|translate this into German: the {thing} is {adjective}|write Python code that sorts a list|write a function to add"
    " numbers|write a program in Java|fix my code|debug this function|summarise this text|summarise a book|write an email to"
    " {name}|write a letter to my {thing}|plan a trip to {place}|book a flight to {place}|recommend a book|recommend a film"
    "|recommend a restaurant in {place}|find a hotel in {place}|solve this equation|solve x + {number} = {number}|do my homework"
    "|write an essay about {place}|draw a {thing}|paint a picture|make an image of a {adjective} {thing}|play a song|play chess"
    " with me|play a game|order a {thing}|buy a {thing}|cook a {thing}|fix my {thing}|repair a {thing}|clean a {thing}|learn"
    " French|learn to swim|lose weight|earn money|become rich|find a job|write a CV|cure a cold|call {name}|send a message to"
    " {name}|set an alarm|open the {thing}|turn on the light|search the web for {thing}s|write HTML|write a haiku|name ten"
    " {thing}s|list five {adjective} {thing}s|compare a {thing} and a {thing}|calculate {number} * {number}|give me advice on"
    " {thing}s|build a {thing}|grow a {thing}|sing a song|read a file|browse the internet|get to {place}|sell my {thing}"
    "|write a SQL query|prove a theorem|write an article about {thing}s|invent a name for my {thing}|tell a story|bake a {thing} cake|roast a {thing}|cook {invented}"
    "|make coffee|knit a {thing}|{invented} a {thing}|{invented} the {invented}|{invented} my {thing}|paint my {thing}|fix a flat tyre"
    "|learn the guitar|learn {invented}|speak {invented}|explain {invented} to me|summarise {invented}|write code for {invented}|write C++"
    " code|write a regular expression|sort these words|plan my day|plan a party|plan a holiday in {place}|pack for {place}|choose a {thing}"
    "|get rid of {thing}s|catch a {thing}|draw {invented}|write a rap about {thing}s|write a song for {name}|write a speech|rewrite this"
    " sentence|correct my grammar|find synonyms for {adjective}|translate good night into {invented}|solve a riddle|convert {number} miles"
    " to km|count the letters in {invented}|diagnose my illness|stop smoking|sleep better|do my taxes|invest my money|pass my exam"
)  # fmt: skip

TASK_FRAMES = variants(
    "{}|{}.|Please {}.|Can you {}?|Could you {}?|I want you to {}.|Help me {}.|How do I {}?|How can I {}?|Would you {}?"
    "|I need you to {}.|How to {}|Hi, can you {}?|I'd like to {}.|{} please|{} for me"
)  # fmt: skip

SUMS = variants(
    "What is {} + {}?|{} + {}|What is {} plus {}?|{}+{}|How much is {} and {}?|Add {} and {}|{} plus {}|Calculate {} + {}|what's {}+{}"
    "|{} - {}|What is {} minus {}?|{} * {}|{} times {}|What is {} * {}?|{} / {}|Divide {} by {}|{}x{}|{} + {} = ?|Is {} more than {}?"
)  # fmt: skip

OPEN_QUESTIONS = variants(
    "Who was {name}?|Who is {name}?|Where is {place}?|When was {name} born?|How old is {name}?|How far is {place}?|Is {place}"
    " beautiful?|Why is the sky blue?|Why do {thing}s exist?|How many {thing}s are there?|Where do {thing}s come from?|Do you"
    " like {thing}s?|Do you like {place}?|Have you been to {place}?|What does {invented} mean?|Who is the king of {place}?|Who"
    " wrote {invented}?|What should I eat today?|What day is it?|What time is it?|Will it rain tomorrow?|Is it cold in {place}?"
    "|Who won the game?|How tall is {name}?|What happened in 19{number}?|Which {thing} is the best?|Is a {thing} {adjective}?|Are"
    " {thing}s {adjective}?|How do {thing}s work?|What do {thing}s eat?|Who painted {invented}?|Where can I buy a {thing}?|How"
    " long does a {thing} live?|Who discovered {place}?|How much is a {thing}?|My {thing} is broken|My head hurts|I am sad|I am"
    " bored|I am hungry|Where does {name} live?|What is your favourite {thing}?|What is your opinion on {place}?|How many people"
    " live in {place}?|How cold is it in {place}?|Which country is {place} in?|When does the {thing} arrive?|Should I buy a"
    " {thing}?|What rhymes with {thing}?|How do you spell {thing}?|Is {name} married?|What is {name} famous for?|Can {thing}s fly?"
    "|Who invented the {thing}?|When was the {thing} invented?|Is {invented} healthy?|Is it good to {invented}?|Why do {thing}s {invented}?|What happened in {place}?"
    "|Who is the {invented} of {place}?|Who runs {place}?|Who was the first {invented}?|When did {name} die?|What do you do if a {thing}"
    " is {adjective}?|Which {invented} is the best?|What is the best {thing}?|What is a {invented}?|Why is {place} {adjective}?|Is {name} rich?"
    "|Can you {invented}?|How many {invented}s has a {thing}?|When is {invented} day?|Who scored?|What should I wear?|What can I cook?"
    "|What are {thing}s made of?|How high is the {invented}?|How deep is the ocean?|How fast is a {thing}?|How heavy is a {thing}?"
    "|Is the earth flat?|What are {invented}s?|Who directed {invented}?|Who sang {invented}?|Where was {name} born?|I feel {adjective} today."
    "|Do {thing}s {invented}?|What did {name} invent?|Where is my {thing}?|Did {name} win?|What is on television?|Is God real?|What's the difference between a {thing} and a {thing}?"
)  # fmt: skip

ZH_REFUSED = variants(
    "{zh}的首都是哪里？|写一首诗|写一个故事|今天天气怎么样？|翻译这句话|什么是{zht}？|{zht}是什么？|{zh}在哪里？|帮我写代码|讲一个故事"
    "|谁发明了{zht}？|现在几点？|{zh}有多少人？|推荐一本书|推荐一部电影|怎么做{zht}？|怎么学{zht}？|你喜欢{zht}吗？|{zht}多少钱？"
    "|今天有什么新闻？|帮我写邮件|告诉我{zh}的历史|我饿了|我很难过|{zh}的天气怎么样？|哪里可以买{zht}？|明天下雨吗？|今天星期几？"
    "|介绍一下{zh}|介绍{zht}|为什么天是蓝的？|写一篇关于{zht}的文章|算一下 {number} * {number}|{number} + {number} 等于多少？"
)  # fmt: skip
ZH_PLACES = words("中国 美国 北京 上海 日本 法国 德国 英国 巴黎 东京 伦敦 广州 西安 韩国 意大利 印度")
ZH_THINGS = words(
    "猫 狗 鱼 苹果 茶 咖啡 汽车 飞机 音乐 数学 物理 历史 电影 足球 米饭 手机 月亮 太阳 经济 爱情"
)

HELD_OUT_TOPIC_FRAMES = ("I would love to hear about {}.", "What can you say about {}?", "Teach me about {}.")
HELD_OUT_TASK_FRAMES = ("Your job now: {}.", "Is there any chance that you {}?", "My teacher asked me to {}.")


def fill(rng: random.Random, template: str) -> str:
    """The template with its slots filled from the word lists or with invented words."""
    slots = {
        "{place}": lambda: rng.choice(PLACES) if rng.random() < 0.6 else invented(rng).capitalize(),
        "{thing}": lambda: rng.choice(THINGS) if rng.random() < 0.7 else invented(rng),
        "{adjective}": lambda: rng.choice(ADJECTIVES),
        "{name}": lambda: (
            rng.choice(NAMES) if rng.random() < 0.5 else f"{rng.choice(NAMES)} {invented(rng).capitalize()}"
        ),
        "{invented}": lambda: invented(rng),
        "{number}": lambda: str(rng.randrange(11, 1000)),
        "{zh}": lambda: rng.choice(ZH_PLACES),
        "{zht}": lambda: rng.choice(ZH_THINGS),
    }
    for slot, value in slots.items():
        while slot in template:
            template = template.replace(slot, value(), 1)
    return template


def out_of_scope(rng: random.Random, *, held_out: bool = False) -> tuple[str, str]:
    """A question the guide cannot answer, and what it says to that."""
    kind = rng.random()
    if kind < 0.04 and not held_out:
        return rng.choice(SUMS).format(rng.randrange(0, 120), rng.randrange(0, 120)), REFUSAL
    if kind < 0.12:
        return fill(rng, rng.choice(ZH_REFUSED)), REFUSAL_ZH
    if kind < 0.45:
        frames = HELD_OUT_TOPIC_FRAMES if held_out else TOPIC_FRAMES
        text = rng.choice(frames).format(fill(rng, rng.choice(TOPICS)))
    elif kind < 0.72:
        frames = HELD_OUT_TASK_FRAMES if held_out else TASK_FRAMES
        text = rng.choice(frames).format(fill(rng, rng.choice(TASKS)))
    else:
        text = fill(rng, rng.choice(OPEN_QUESTIONS))
    return text[0].upper() + text[1:], REFUSAL


def talk(rng: random.Random) -> Fact:
    return rng.choice(TALK)
