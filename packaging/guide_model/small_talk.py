"""Small talk: greetings, thanks, praise and blame, in many free words."""

from __future__ import annotations

import random

from .fact import Fact, fact

TALK = (
    fact("hello", "Hello! Ask me anything about localllm.",
         ask="Hello|Hi|Hey|Hello!|Hi there|Good morning|Good evening|Good afternoon|Hello there!|Greetings|Howdy|hey you"
             "|hello guide|yo|Hallo|good day"
             "|Hi guide|Good to see you|Nice to meet you|Hello again|Hiya|A very good morning to you|Hello, little model"
             "|Good day to you|Morning!|Hello everybody|Hey guide, good morning|Hello, nice to see you|Hi, it's me again"),
    fact("how-are-you", "I am fine, thank you. How can I help you with localllm?",
         ask="How are you?|How are you doing?|How is it going?|What's up?|How do you feel today?|Are you well?|How's life?"
             "|How do you do?|You ok?"
             "|How have you been?|How are things?|How are you today?|How was your day?|Are you doing well?|How do you feel?"
             "|Everything fine with you?|I hope you are well!|What is new with you?|How goes it?|How are you getting on?"
             "|And how is your mood?|Did you have a good day?"),
    fact("thanks", "You are welcome!",
         ask="Thank you|Thanks|Thanks a lot|Thank you very much|Great, thanks|thx|That helped, thank you|Many thanks"
             "|Thanks for your help|Perfect, thank you|ty"
             "|Thank you so much|You helped me a lot|That was helpful|Cheers, that solved it|Thanks, that is all I needed"
             "|I appreciate it|Much obliged|Thank you for the answer|Thanks, now it works|Okay, thank you|thanks, guide"
             "|Thank you, you saved my day|My thanks to you"),
    fact("bye", "Goodbye! I am here when you need me.",
         ask="Bye|Goodbye|See you|See you later|Good night|I have to go|bye bye|So long|Until tomorrow|cya|Farewell"
             "|Bye for now|Take care|I must leave now|Have a nice day|See you tomorrow|Until next time|Talk to you later"
             "|Good bye, guide|That is all for today, bye|Catch you later|Sleep well|It was nice talking to you, bye"
             "|I will be back tomorrow|Time for me to go"),
    fact("praise", "Thank you, that is kind.",
         ask="You are great|Well done|Good job|I like you|You are funny|Nice work|You are cool|I love you|Very good|Awesome"
             "|That was great|You are clever|Amazing"
             "|You did that nicely|That impresses me|That was a lovely answer|You are really helpful"
             "|What a clever little model|Brilliant|Excellent work|You are the best|I enjoy talking to you"
             "|You explained that well|What a good answer|Wonderful, keep it up|You are a nice little helper"
             "|I could not have said it better"),
    fact("blame", "I am sorry. I am very small; try other words, or a bigger model.",
         ask="You are stupid|That is wrong|You are useless|This is bad|That makes no sense|I hate you|That was not my question"
             "|You are dumb|Wrong answer|That's not right|You did not understand me|Bad bot"
             "|You got that wrong|That is not what I asked|What a terrible reply|You disappoint me|You did that badly"
             "|You are no help at all|That was a silly reply|You misunderstood me|You are annoying|You cannot even do that"
             "|I expected better from you|You never listen|That did not help me at all|I do not like you"),
    fact("yes", "Good. What would you like to know about localllm?",
         ask="Yes|OK|Okay|I see|All right|Sure|Fine|Got it|I understand|No|Nothing|Maybe|hm|Alright|Understood|Yep"
             "|Right|Of course|I agree|Good to know|That makes sense|Now I understand|Not really|No, nothing else|Never mind"
             "|Correct|Very well|Exactly|I think so|Not now|Makes sense now|That is clear"),
    fact("joke", "Why do tiny models make good friends? They never talk about anything but localllm.",
         ask="Tell me a joke.|Do you know a joke?|Make me laugh.|Say something funny.|Another joke please.|joke"
             "|Can you tell a joke?|Be funny."
             "|I want to hear a joke.|Got any jokes?|Make a joke.|Let me hear something funny.|One more joke!"
             "|Do you have a good joke for me?|Cheer me up with a joke.|I could use a laugh.|Tell something to laugh about."
             "|Have you heard a good joke?|Your best joke, please.|Try to make me smile."),
    fact("test", "It works: I can read you.",
         ask="Test|Testing|This is a test|Is this working?|Are you there?|Can you hear me?|Does this work?|test test"
             "|Anybody there?|test 123"
             "|Just testing.|I only wanted to test you.|Does this thing work?|Do you read me?|Is anybody here?"
             "|Can you read this?|Do you see my message?|one two, one two|Are you awake?|Only a test|Ping"
             "|Can you see what I type?|Did my message arrive?"),
    fact("zh-hello", "你好！你可以问我关于 localllm 的问题。", zh_ask="你好|您好|你好！|早上好|晚上好|嗨|大家好"
             "|你好啊|你好呀|下午好|早安|哈喽|嘿|您好！|很高兴见到你|又见面了|你好，朋友|大家早上好|嗨，你好"),
    fact("zh-thanks", "不客气！", zh_ask="谢谢|谢谢你|多谢|非常感谢|好的，谢谢"
             "|谢谢你的帮助|太感谢了|谢谢您|感谢|十分感谢|谢了|多谢你|谢谢，很有用|我很感谢你|好，谢谢你|帮了大忙，谢谢"
             "|谢谢你的回答"),
    fact("zh-bye", "再见！", zh_ask="再见|拜拜|晚安|我走了"
             "|下次见|明天见|回头见|我要走了|下次再聊|先这样，再见|祝你晚安|我先走了|好的，再见|以后再聊|再会|我要睡了，再见"),
)  # fmt: skip


def talk(rng: random.Random) -> Fact:
    return rng.choice(TALK)
