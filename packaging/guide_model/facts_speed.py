"""Facts about speed, memory and privacy."""

from __future__ import annotations

from localllm import facts as f

from .fact import fact

SPEED = (
    fact("gpu", f"Set {f.KEY_GPU_LAYERS} of the model in {f.CATALOG_FILE}; {f.DOCTOR} shows the devices.",
         how="use my GPU|use the graphics card|run on the GPU|offload layers to the GPU|set GPU layers|enable the GPU"
             "|make it use my video card"
             "|turn on GPU acceleration|put the model onto the video card", what="the GPU layers setting|GPU offload|n_gpu_layers", key="gpu|graphics card"
         "|gpu layers|offload|n_gpu_layers", ask="Does it use my GPU?|Is my GPU used?"
             "|My graphics card is idle, how do I get it to work?|It only uses the CPU although I have a GPU."
             "|How many layers go to the GPU, and where do I set it?|Can I move part of the model to the video card?"
             "|I've a good GPU, how can localllm use it?|Where do I turn on GPU acceleration?"
             "|Only my processor is busy, the GPU does nothing.|Which setting puts layers on the graphics card?"
             "|How do I get the model into VRAM?|Is GPU acceleration possible?", does="use my GPU|use the GPU",
         error="the GPU is not used|my graphics card does nothing"),
    fact("cuda", "Nvidia cards work with a build for CUDA; the README says which flag to use.",
         ask="Does it support CUDA?|Does it run on Nvidia cards?|Does my RTX work?|Is CUDA supported?"
             "|I own an RTX 4090, how do I make use of it?|What must I do to get my GeForce going?"
             "|Does localllm run on an Nvidia GPU?|Which build do I need for my Nvidia card?|How do I compile it with CUDA?"
             "|Does it work with an RTX 3060?|I've an Nvidia GPU, what's the flag for the build?"
             "|Is there support for GeForce cards?|Where is the flag for CUDA described?|Do I need a special build for Nvidia?",
         how="use CUDA|use my Nvidia GPU|build with CUDA|enable CUDA|use my RTX card|get CUDA support"
             "|make my GeForce work|install it with CUDA",
         key="cuda|nvidia|rtx|geforce", what="CUDA support|the CUDA flag",
         does="work with Nvidia"),
    fact("metal", "On a Mac, Metal is used by itself; you need not do anything.",
         ask="Does it use Metal?|Does it support Apple Silicon?|Does it run fast on an M2?|Is the Mac GPU used?"
             "|Does my MacBook's GPU work?"
             "|I have a MacBook with an M3, is the GPU used?|Must I turn on Metal myself?"
             "|Do I have to set anything for the GPU on a Mac?|Does my MacBook Pro use its graphics chip?"
             "|Is acceleration on by default on a Mac?|Is Apple's GPU supported?|Will it be quick on my M1?"
             "|On macOS, how do I get the GPU going?|Does it take advantage of Apple chips?"
             "|What do I do for GPU support on a Mac mini?", how="use Metal|use the GPU of my Mac|enable Metal|use Apple Silicon",
         key="metal|apple silicon|m1|m2|mac gpu", what="Metal support",
         does="use the GPU of a Mac|run well on Apple chips"),
    fact("no-gpu", "A CPU is enough; small models run well on it.",
         ask="Do I need a GPU?|Does it run without a GPU?|Is a CPU enough?|Can it run on the CPU?|Is a graphics card needed?"
             "|Do I need a graphics card?"
             "|My laptop has no graphics card, does it still work?|I only have a CPU, is that a problem?"
             "|Does it work on an old computer without a graphics card?|Is a GPU mandatory?"
             "|Can I run models on the processor alone?|I don't own a GPU, can I use localllm anyway?"
             "|Must I buy a graphics card?|Does localllm need a graphics card?"
             "|There's only integrated graphics in my PC, will it do?|Is it usable with just a processor?"
             "|Do small models run well on a plain CPU?", does="run without a GPU|work on a CPU only", key="cpu only|without gpu|no gpu",
         can="use it without a graphics card|run models on just a CPU"),
    fact("devices", f"{f.DOCTOR} lists the devices and their free memory.",
         ask="Which devices are found?|Which GPU does localllm see?|How much GPU memory is free?|Is my GPU found?"
             "|Does it see my graphics card?"
             "|How do I know that my graphics card is recognised?|How much VRAM is free right now?"
             "|How can I check if my GPU is visible?|Which hardware did localllm detect?|Does localllm notice my GPU?"
             "|Is there a command that shows my GPUs?|Where can I see the free memory of the graphics card?"
             "|It does not seem to see my GPU, how can I check?|I have two graphics cards, are both detected?"
             "|Print the devices it found.", how="see my devices|see the GPU|check that the GPU is found"
             "|list the GPUs|check how much VRAM is free|see which hardware was detected",
         what="the list of devices|the free GPU memory", key="devices|gpu found|free vram"),
    fact("faster", "Use a smaller model or quant, put layers on the GPU, and set threads to the number of real cores.",
         how="make it faster|speed it up|get more tokens per second|improve the speed|increase the speed|make answers faster"
             "|get quicker answers|boost the performance",
         error="it is slow|the answers are slow|generation is very slow|it is too slow|only 2 tokens per second"
               "|my model is so slow"
             "|every answer takes minutes|it lags|it is way too slow on my laptop", key="slow|speed|faster|performance|tokens per second", ask="Why is it so slow?"
             "|It takes ages to write an answer.|My answers crawl, what can I do?|Why does it lag so much?"
             "|It writes one word per second.|What can I do against slow answers?"
             "|Generation is a pain, any tips for more speed?|Can I get it to write quicker?|How do I tune the performance?"
             "|The model is sluggish on my laptop.|Words come out very slowly.|ChatGPT is much quicker, how do I speed this up?"
             "|It's taking forever to finish a reply."),
    fact("speed-shown", f"{f.CHAT} shows the tokens per second after each answer.",
         ask="How fast is my model?|Where do I see the speed?|Is the speed shown?|Where are tokens per second shown?"
             "|How many tokens per second do I get?"
             "|Where can I read how quick my model is?|Is there a figure for tokens per second somewhere?"
             "|How do I benchmark a model?|I'd like to compare the speed of two models.|Does it print how fast it was?"
             "|How do I find out how many tokens per second I get?|Can I see the speed after an answer?"
             "|What is my tokens per second rate, where is it printed?|Which command tells me the speed of generation?"
             "|How can I tell if my model became faster?", how="measure the speed|see the speed|see tokens per second"
             "|benchmark my model|compare the speed of models|find out the tokens per second",
         key="see speed|measure speed|tokens/s"),
    fact("first-answer", "The first request loads the model; after that it stays in memory and answers faster.",
         ask="Why is the first answer slow?|Why does the first request take long?|Why do I wait at the first message?"
             "|Why is only the first reply slow?"
             "|It takes forever until the first word shows up, later it's quick."
             "|Why is the beginning slow and then everything is fast?|Only my first question takes long, why?"
             "|The first prompt after starting takes ages.|Why is the second answer so much quicker than the first?"
             "|Is it normal that the first reply needs half a minute?|After a pause the next answer is slow, why?"
             "|Why does it hang at my first question?|What happens during the long wait at the first request?"
             "|Does the model have to warm up?|Why do I wait so long before the first reply?", error="the first answer takes long|the first request is slow"
         "|the first message is slow"
             "|nothing happens for a minute after my first message|the first reply lags", key="first answer slow|loading time|cold start"),
    fact("prefix", "What two prompts share at their beginning is computed once and used again.",
         ask="Is there a prompt cache?|Is the prompt computed again each time?|Does it cache prompts?|What is cached?"
             "|What is prefix caching?"
             "|Is a long system prompt processed anew for each request?"
             "|Does it remember the beginning of a prompt it has seen before?|Are repeated prompts faster?"
             "|Does it read the whole history again at every turn?|Is the start of the conversation computed once only?"
             "|What does cached_tokens mean?|How does the prompt cache work?|Does a shared beginning save time?"
             "|My prompts all start the same way, does that help?|Is the KV cache reused?", what="the prompt cache|the prefix cache|prefix caching|cached_tokens"
             "|the KV cache|the reuse of prompts",
         does="cache prompts|reuse the prompt"
             "|reuse the beginning of a prompt", key="prompt cache|prefix cache|kv cache|cached_tokens"),
    fact("long-prompt", "Long prompts are read in pieces, so running streams go on meanwhile.",
         ask="Does a long prompt block others?|Do long prompts stop other streams?|What happens with a very long prompt?"
             "|Does one long prompt hold up everybody?"
             "|If somebody sends a huge document, do the others have to wait?|Does a giant prompt freeze everybody else?"
             "|My colleague pastes whole books, does that stop my stream?|How are very long prompts processed?"
             "|Will my stream pause while a long text is read?|Is a huge prompt read in one go?"
             "|Do other users notice when I send a long text?|What is chunked prefill?|Can a long document block the server?"
             "|Does everybody wait while it reads a big prompt?", what="chunked prefill|prefill", key="long prompt|chunked prefill",
         does="freeze while reading a long prompt|read long prompts in chunks"),
)  # fmt: skip

PRIVACY = (
    fact("privacy", "Your prompts and answers never leave your computer.",
         ask="Does my data leave my computer?|Is my data sent anywhere?|Are my chats uploaded?|Is it private?|Who reads my"
             " chats?|Are my prompts sent to a server?|Do you send my data away?|Is my data safe?|Do you spy on me?"
             "|Can anyone else read what I write?|Does anything I type go to the internet?|Where do my prompts go?"
             "|Can I use it with confidential documents?|Is it ok to paste company secrets?|Does OpenAI get to see my prompts?"
             "|Are my conversations kept secret?|Do my chats stay on my machine?|Who can see my prompts?"
             "|Will my texts be used to train some model in the cloud?|Is anything sent to the cloud?"
             "|I work with patient data, is that safe here?",
         does="send my data to the cloud|upload my chats|share my data|send data to OpenAI"
             "|leak my data|keep my chats private", key="privacy|data|private|cloud",
         what="the privacy policy"),
    fact("offline", "Once installed, localllm works without any network.",
         ask="Does it work offline?|Do I need the internet?|Can I use it without internet?|Is a network needed?"
             "|Does it run on a plane?"
             "|Can I pull the network cable?|Does it still answer in airplane mode?"
             "|My computer has no internet, can I use localllm?|Do I have to be online?"
             "|Does localllm need an internet connection?|Will it work in a place with no wifi?"
             "|Does it need a connection while I chat?|Is a permanent internet connection required?"
             "|Our lab has no network, can we run it there?|I'm often on a train without a signal, does it run?"
             "|What works without a connection?", does="work offline|run without internet|work without a network connection",
         can="use it offline|use it on a plane|unplug the network"
             "|use it on an air-gapped machine|chat in airplane mode", key="offline|internet|no network"),
    fact("telemetry", "There is no telemetry, no account and no tracking.",
         ask="Is there telemetry?|Does it phone home?|Do I need an account?|Do I have to register?|Are there ads?"
             "|Does it collect statistics?|Do I need to sign up?|Do I need to log in?"
             "|Do you collect any statistics about me?|Must I create an account first?|Is there any tracking?"
             "|Does the program report back to its makers?|Is my usage recorded somewhere?|Does it show advertisements?"
             "|Do I have to give my email address?|Does it send usage statistics?|Can I use it without registering?"
             "|Are analytics built in?|Is a subscription or login needed?", does="collect usage data|track me"
         "|phone home|send telemetry"
             "|gather statistics about users", key="telemetry|tracking|account|registration|login"),
    fact("open-network", "Then a key is required; one is made and shown, and every request must carry it.",
         ask="Is it safe to listen on the network?|What happens if I listen on 0.0.0.0?|Is the network use protected?"
             "|Is there a password?|Why is a key generated?|Why do I suddenly need a key?"
             "|I opened the server to my network and now it wants a key.|Why does it show me a key when I use --host 0.0.0.0?"
             "|Can anybody in the office use it once I open it to the LAN?|Is it dangerous to share the server on my wifi?"
             "|What protects the server when it listens on the network?|How are strangers kept out if I share it on the LAN?"
             "|Do other computers need a key?|After sharing it with my team a key was printed, what for?"
             "|Is a key compulsory on the network?|Do my colleagues have to send a key?",
         how="protect the server|secure the server|set a password"
             "|keep strangers out when I share it|make sharing on the network safe", key="security|password|protect|safe on network"),
    fact("set-key", f"{f.SERVE} --api-key KEY sets a key that every client must send.",
         how="set an API key|set my own key|choose the key|require a key|use a key of my own|protect the API with a key"
             "|define the key for clients|start the server with a fixed key",
         what="the --api-key option|--api-key", key="set key|--api-key|own key", ask="Can I choose the key myself?"
         "|Which option sets the key?|How do I make clients send a key?"
             "|I'd like to decide what the key is.|Can I replace the generated key with my own?"
             "|Which flag of serve takes a key?|Where do I enter the key that clients shall send?|Can the server demand a key?"
             "|I want everybody to use the key 'secret', how?|How can I give the server a fixed key?"
             "|Is there a way to define an API key?|What do I add to serve so that a key is needed?|Can I pick my own API key?",
         can="set the API key myself"),
    fact("guard", "It checks the Host and Origin of requests, so that web pages you visit cannot use it.",
         ask="Can a website use my server?|Is it safe against web pages?|What about DNS rebinding?|Is it secure?"
             "|What does the guard do?|Can a web page attack it?"
             "|Could a bad web page talk to my local server?|Am I protected from malicious sites?"
             "|Can JavaScript on some page abuse localllm?|Why does it look at the Host header?"
             "|Why is the Origin of a request checked?|Is there protection against CSRF?"
             "|How does it keep websites away from my server?|If I surf to an evil site, can it use my models?"
             "|What stops a web page from using localllm?|Is my browser a danger for the server?", what="the Host check|the guard|the protection against"
         " web pages|DNS rebinding"
             "|the Origin check|the protection against malicious sites", key="dns rebinding|csrf|host check|guard"
             "|malicious web page"),
)  # fmt: skip

FACTS = SPEED + PRIVACY
