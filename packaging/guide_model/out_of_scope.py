"""The graceful answer to what the guide cannot do, and all kinds of questions that deserve it."""

from __future__ import annotations

import random

from localllm import facts as f

from .texts import variants, words
from .words import ADJECTIVES, NAMES, PLACES, THINGS, invented

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
    "|the history of the internet|the first computer in {place}|computer games|the list of kings of {place}"
    "|the number of people in {place}|the name of the mayor of {place}|a job in a {thing} factory|work at night"
    "|the rules of tennis|the rules of {invented}|the Olympic games|the world cup|the last football match|Formula One"
    "|basketball|a marathon|Mozart|the Beatles|jazz|opera|Shakespeare|Harry Potter|Star Wars|the film {invented}"
    "|the book {invented}|the series {invented}|the album {invented}|a good film for tonight|pasta with {thing} sauce"
    "|a {adjective} {thing} salad|vegan food|sushi|pizza|the calories of a {thing}|diabetes|high blood pressure|back pain"
    "|fever|vaccination|stress|a driving licence|divorce|inheritance law|taxes in {place}|a pension|inflation"
    "|the price of gold|shares of {invented}|insurance for a {thing}|marriage|friendship|jealousy|raising children"
    "|the pyramids|the Middle Ages|Napoleon|Albert Einstein|the cold war|the emperor of {invented}|the revolution in {place}"
    "|atoms|the periodic table|the big bang|Mars|the temperature of the sun|earthquakes|rainbows|bees"
    "|the memory of an elephant|the speed of a {thing}|the size of {place}|the harbour of {place}|the keys of a piano"
    "|Pythagoras' theorem|prime numbers|the number pi|integrals|probability|fractions|{number} percent of {number}"
    "|the derivative of x^2|pointers in C|recursion|the quicksort algorithm|regular expressions|HTML and CSS|a linked list"
    "|closures in JavaScript|decorators in Python|the Rust borrow checker|Kotlin|the election in {place}|the war in {place}"
    "|the government of {place}|the latest news about {name}|the holidays in {place}|a cheap {thing}"
    "|the best {thing} under {number} euros|a present for {name}|the train from {place} to {place}|visa rules for {place}"
    "|beaches in {place}|museums in {place}|the horoscope|ghosts|the {invented} language|the word for {thing} in {invented}"
    "|the plural of {thing}|the opposite of {adjective}|the animals of {place}|the highest mountain|the longest river"
)  # fmt: skip

TOPIC_FRAMES = variants(
    "What is {}?|Tell me about {}.|Explain {}.|What do you know about {}?|Describe {}.|I want to learn about {}.|{}?|{}"
    "|Do you know {}?|Give me some facts about {}.|What's {}?|Can you explain {}?|Why is {} important?|How does {} work?"
    "|Who invented {}?|Please tell me {}.|I need information about {}.|What do you think about {}?"
    "|Today we talk about {} at school.|At work they talk about {}.|For school I must write about {}."
    "|For a start, something about {}.|Somebody wants to hear about {}.|The internet is full of {}."
    "|There was a program about {} on television.|Her job has to do with {}.|A file about {} is what I need."
    "|On my computer there is a text about {}.|List what you know about {}.|Name three things about {}.|Show me {}."
    "|Show us something about {}.|Help me understand {}.|Help, I know nothing about {}!|We are learning about {} right now."
    "|Where can I learn about {}?|Let us start with {}.|{} - how come?|{}, please.|{} in simple words"
    "|{} is what I want to know.|{} is my topic for tomorrow.|{}: what should one know?|The topic of my talk is {}."
    "|A quick task: describe {}.|How did {} start?|Where does one find {}?|Numbers and facts on {}?"
    "|Everybody is talking about {}.|Yesterday I read about {} on the internet."
    "|If you had to explain {}, how would you start?|In one sentence: {}?|The children ask about {}.|Run me through {}."
    "|It would help me to know {}.|Before I go to work: {}?|Have you heard of {}?|Who can tell me {}?"
    "|Nobody can explain {} to me.|Open question: {}?"
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
    "|write a bash script that {invented}s|write a bash script that renames my photos|debug my Rust program"
    "|explain this regex|write a class in C#|write a loop in Go|write a program that prints prime numbers"
    "|write a Haskell function|write unit tests for my class|refactor this method|translate my Java program into Kotlin"
    "|make a website for my {thing} shop|design a database for {thing}s|style a button with CSS|code a game about a {thing}"
    "|write a macro for Excel|implement a stack in C|find the error in my code|review my JavaScript"
    "|work out {number} percent of {number}|factor {number}|simplify this fraction|integrate x^2"
    "|convert {number} euros to dollars|make {thing} soup|boil an egg|cook pasta for {number} people|fry a {thing}"
    "|invent a menu with {thing}s|treat a burn|stop a nosebleed|get rid of a headache|build muscle|run a marathon"
    "|eat less sugar|write a love letter to {name}|write a card for {name}|write a complaint about a {thing}"
    "|write a job application|write a sonnet|write a fairy tale about a {adjective} {thing}|write a limerick about {name}"
    "|continue the story of {name}|finish my poem|translate '{adjective} {thing}' into {invented}"
    "|translate my letter into Spanish|list all rivers of {place}|list the kings of {place}|name the planets"
    "|name a famous {thing} from {place}|find out who {name} is|tell me a fact about {thing}s|show me a picture of {place}"
    "|show me the way to {place}|explain {thing}s to a child|help {name} with a {thing}|start a company|start a fire"
    "|open a shop in {place}|open a bank account|run a shop|remove a stain|change a light bulb|update my CV"
    "|install a washing machine|set up a tent|connect my printer|stop my dog from barking|serve tea to guests|set the table"
    "|add {number} and {number}|check my spelling|check the train to {place}|use a sewing machine|find a doctor in {place}"
    "|find cheap {thing}s|find a present for {name}|learn to drive|learn about {place}|unload a lorry|pull a tooth"
    "|plan a wedding|plan my week|make a budget|make a study plan|organise a party for {number} guests|get a divorce"
    "|rent a flat in {place}|get a visa for {place}|buy a used {thing}|order pizza|compare prices of {thing}s"
    "|return a broken {thing}|choose a university|ask for a raise|quit my job|make friends|apologise to {name}"
    "|predict the election in {place}|pretend to be a {thing}|play the role of a doctor|rate my {thing}|recommend music"
    "|recommend a series|analyse a poem by {name}|summarise the history of {place}|summarise today's news"
)  # fmt: skip

TASK_FRAMES = variants(
    "{}|{}.|Please {}.|Can you {}?|Could you {}?|I want you to {}.|Help me {}.|How do I {}?|How can I {}?|Would you {}?"
    "|I need you to {}.|How to {}|Hi, can you {}?|I'd like to {}.|{} please|{} for me"
    "|As homework: {}.|It would be lovely if you could {}.|{} - your turn|First {}, then we talk.|For school I must {}."
    "|Today we {}.|At work I have to {}.|There is a job to do, namely to {}.|The next task is to {}."
    "|The program of today: {}.|Start now and {}.|Open your mind and {}.|Use the internet to {}.|Use my computer to {}."
    "|Run along and {}.|Show me how to {}.|Tell me how to {}.|Please explain: how does one {}?|Is there a program to {}?"
    "|Do you have a list of ways to {}?|Where on the internet can I {}?|Which file do I open to {}?|I want to learn to {}."
    "|My computer cannot {}, can you?|Nobody helps me to {}.|Let us {} together.|Why not {}?"
    "|We still have to {} before lunch.|My sister tries to {} and needs help.|You must {} at once!|Be so kind and {}."
    "|If you know a way to {}, say it.|Number one on my list: {}.|In the name of friendship, {}.|Before anything else, {}."
    "|After work I want to {}.|They pay me to {}.|I promised to {}.|{}, that is my wish.|{} and show me the result."
    "|{} as well as you can|{}, will you?|{} and explain each step.|I bet you cannot {}.|Do you know how to {}?"
    "|Imagine you had to {}.|What would it take to {}?"
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
    "|When did world war two end?|Who was the first man on the moon?"
    "|How many continents are there?|Which is the longest river?|What language do people speak in {place}?"
    "|What money do they use in {place}?|How do I get from {place} to {place}?|What should I see in {place}?"
    "|Is {place} safe for tourists?|Is {place} bigger than {place}?|When is the best time to visit {place}?"
    "|What is {number} percent of {number}?|Is {number} a prime number?|How many days are {number} weeks?"
    "|What is the area of a circle?|Why is the sea salty?|Why do cats purr?|How does a vaccine work?"
    "|How do planes stay in the air?|What is inside an atom?|At what temperature does iron melt?|How big is the sun?"
    "|How old is the universe?|Is there life on Mars?|How many legs has a spider?|How long do I boil an egg?"
    "|How much salt goes into {thing} soup?|Can I eat {thing}s raw?|What wine goes with {thing}?"
    "|How many calories has a {thing}?|Is coffee bad for me?|How much water should I drink?|How much sleep do I need?"
    "|My back hurts, what should I do?|My stomach aches|Why do I feel tired all day?|I have a fever"
    "|Which vitamin is in a {thing}?|Should I see a doctor?|My boyfriend left me|My boss shouts at me|Should I quit my job?"
    "|Should I marry {name}?|Should I move to {place}?|Nobody likes me|What shall I give {name} for Christmas?"
    "|What do you think of {name}?|Which team will win?|Who won the world cup in {place}?"
    "|How many players has a football team?|Who is the best singer?|Which song is number one?|Who plays in {invented}?"
    "|What film should I watch tonight?|How does {invented} end?|Is the book {invented} worth reading?"
    "|What did {name} say in {place}?|Why did {name} leave {place}?|Who will be the next president?|What is in the news?"
    "|Is there a war in {place}?|Will shares of {invented} rise?|May I park here?|Can my landlord throw me out?"
    "|Is it legal to {invented} in {place}?|How high is the tax in {place}?|What does the law say about {thing}s?"
    "|Which shop sells {adjective} {thing}s?|Which camera should I buy?|How do you say {thing} in {invented}?"
    "|What is {adjective} in French?|What is the past tense of go?|What's another word for {adjective}?"
    "|What does '{invented} {invented}' mean?|What does this regex do?|Why does my Java program crash?"
    "|What is wrong with my loop?|How do I sort a list in Rust?|How do I reverse a string in Go?|What does i++ mean?"
    "|How do I centre a div?|What is the difference between Java and Kotlin?|My {thing} makes a strange noise"
    "|My {thing} will not start|How do I open a jammed {thing}?|Do you believe in {invented}?|What happens after death?"
    "|Are dogs better than cats?|What's on at the cinema?|When does the train to {place} leave?|When does the shop open?"
    "|What time does the match start?|Does it snow in {place}?|How many days until Christmas?"
    "|How do I impress {name}?|How do I tell {name} the truth?|What shall we do in {place} on Sunday?"
)  # fmt: skip

ZH_REFUSED = variants(
    "{zh}的首都是哪里？|写一首诗|写一个故事|今天天气怎么样？|翻译这句话|什么是{zht}？|{zht}是什么？|{zh}在哪里？|帮我写代码|讲一个故事"
    "|谁发明了{zht}？|现在几点？|{zh}有多少人？|推荐一本书|推荐一部电影|怎么做{zht}？|怎么学{zht}？|你喜欢{zht}吗？|{zht}多少钱？"
    "|今天有什么新闻？|帮我写邮件|告诉我{zh}的历史|我饿了|我很难过|{zh}的天气怎么样？|哪里可以买{zht}？|明天下雨吗？|今天星期几？"
    "|介绍一下{zh}|介绍{zht}|为什么天是蓝的？|写一篇关于{zht}的文章|算一下 {number} * {number}|{number} + {number} 等于多少？"
    "|用Python写一个排序程序|用Java写一个游戏|这段代码哪里错了？|解释这个公式|解方程 x + {number} = {number}"
    "|{number} 除以 {number} 是多少？|{number} 的平方根是多少？|我头疼怎么办？|感冒吃什么药？|怎么减肥？|今天晚上吃什么？"
    "|怎么去{zh}？|去{zh}旅游要带什么？|{zh}有什么好吃的？|{zh}的总统是谁？|写一封情书|写一篇作文|把这句话翻译成英语"
    "|“{zht}”用英语怎么说？|谁赢了昨天的比赛？|推荐一首歌|推荐{zh}的酒店|帮我订机票|给我的{zht}起个名字|你觉得{zht}怎么样？"
    "|{zht}和{zht}有什么区别？|股票会涨吗？|怎么学好数学？|地球离月亮多远？|水为什么会结冰？|我和朋友吵架了|我该换工作吗？"
    "|送什么礼物好？|帮我做作业|画一只{zht}|世界上最高的山是哪座？|帮我安排明天的时间|唱一首歌|{zh}说什么语言？"
    "|去{zh}的火车几点开？|第一台电脑是谁发明的？|工作压力太大怎么办？|谁是{zh}最好的歌手？|介绍一部{zh}电影|怎么做菜？"
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
