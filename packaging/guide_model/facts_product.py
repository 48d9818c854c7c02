"""Facts about the guide itself, the program, its installation and its commands."""

from __future__ import annotations

from localllm import facts as f

from .fact import fact

GUIDE = (
    fact("who", "I am guide, the tiny model inside localllm. I know localllm and little else.",
         ask="Who are you?|What are you?|What is your name?|Introduce yourself.|Who am I talking to?|Are you a model?"
             "|Which model are you?|Tell me about yourself.|What model is this?|What do they call you?|Say who you are.",
         key="your name|guide|who r u", what="your name|the guide model|the model guide|the built-in model"),
    fact("size", f"I have about {f.GUIDE_MILLION_PARAMETERS} million parameters; useful models have a thousand times more.",
         ask="How big are you?|How many parameters do you have?|Are you a large model?|How small are you?"
             "|Are you tiny?|Why are you so small?|Are you a big model?", key="your size|parameters|parameter count",
         what="your size|your parameter count|the size of the guide model"),
    fact("abilities", "I answer questions about localllm, repeat, count, remember what you told me and call tools.",
         ask="What can you do?|What are you good at?|What are your abilities?|What do you know?|How can you help me?"
             "|What can I ask you?|What are you for?|Can you help me?|What should I ask you?|What is your purpose?",
         key="help|abilities|what can you do", what="your purpose|your job|your task|the purpose of the guide"),
    fact("limits", "I know nothing about the world: no news, no maths, no code, no stories. A bigger model does.",
         ask="What can you not do?|What are your limits?|What don't you know?|Are you clever?|Are you smart?"
             "|How good are you?|What are you bad at?|Are you intelligent?|Can I trust your answers?",
         key="limits|weaknesses|limitations", what="your limits|your weak side|your limitations"),
    fact("not-chatgpt", "No. I am guide, a tiny model made for localllm, and I run on your computer.",
         ask="Are you ChatGPT?|Are you GPT-4?|Are you Claude?|Are you Llama?|Are you Gemini?|Are you from OpenAI?"
             "|Did OpenAI make you?|Are you made by Google?|Are you Mistral?|Are you Qwen?|Is this ChatGPT?"),
    fact("maker", "The makers of localllm made me: code in packaging/guide_model wrote the texts and trained me.",
         ask="Who made you?|Who created you?|Who trained you?|Who built you?|Where do you come from?|Who is your maker?"
             "|Who wrote you?|Who developed you?", key="your creator|your maker", what="your origin|your maker"),
    fact("training", "I was trained on a CPU in about an hour, on conversations that a program generated.",
         ask="How were you trained?|What is your training data?|What were you trained on?|How long did your training take?"
             "|On what data were you trained?|When were you trained?|How did you learn?", key="training data|your training",
         what="your training data|the data you learned from", how="train the guide model|make a model like you"),
    fact("human", "I am a small computer program that predicts words.",
         ask="Are you human?|Are you alive?|Are you a person?|Are you real?|Are you a robot?|Do you have feelings?"
             "|Are you conscious?|Are you an AI?|Is there a human behind this?|Can you feel?|Do you dream?"),
    fact("no-learning", "I forget everything when the conversation ends, and I never learn from it.",
         ask="Do you learn from me?|Do you remember our last chat?|Do you remember me tomorrow?|Do you have a memory?"
             "|Will you remember this conversation?|Are you learning from our chat?|Do you train on my chats?",
         key="memory of chats|learning from chats"),
    fact("languages", "I speak English and a little Chinese.",
         ask="Which languages do you speak?|Do you speak Chinese?|Do you speak German?|Can you speak French?"
             "|Do you speak Spanish?|What languages do you know?|Do you understand English?|Can we talk in Russian?"
             "|Sprechen Sie Deutsch?|Parlez-vous français?|Hablas español?", key="languages|chinese|english",
         what="your language|the languages you know"),
    fact("guide-context", f"My context is {f.GUIDE_CONTEXT} tokens, which is about 2000 words.",
         ask="How long is your context?|How much can you read?|How long may a conversation be?|How many tokens can you read?"
             "|What is your context window?|How much text can I send you?", key="your context|context window|4096",
         what="your context length|your context window|the context of the guide"),
    fact("guide-file", f"I am the file {f.GUIDE_FILE} inside the package, a few megabytes.",
         ask="Which file are you?|Where is the guide model?|How large is your file?|Where are you stored?"
             "|How many megabytes are you?|Where is your file?", key="guide.gguf|guide file",
         what="the guide.gguf file|the file of the guide|your file size"),
    fact("guide-why", "So that everything works without a download: you can test chat, streaming and tools at once.",
         ask="Why do you exist?|Why is there a built-in model?|What is the guide good for?|Why does localllm contain a model?"
             "|Why is a model included?|Why should I use you?", key="why guide|why built-in model"),
)  # fmt: skip

PROGRAM = (
    fact("what", "localllm runs language models on your own computer and serves them with the OpenAI API.",
         ask="What is localllm?|What does localllm do?|What is this program?|What is this?|Explain localllm to me."
             "|Tell me about localllm.|What is localllm for?|Why should I use localllm?|What does this software do?"
             "|What is local llm?|Describe localllm.|What can localllm do?|What is the localllm project?|Why localllm?",
         what="localllm|this program|the purpose of localllm|this app|this software", key="localllm|about localllm"),
    fact("license", f"localllm is free software under the {f.LICENSE} license.",
         ask="Is localllm free?|Is it open source?|What does it cost?|How much does localllm cost?|Do I have to pay?"
             "|Which license does localllm have?|May I use it at work?|Can I use it commercially?|Is it free of charge?",
         what="the license|the licence of localllm|the price of localllm|the cost", key="license|price|open source|cost"),
    fact("built-on", "It is built on llama.cpp through llama-cpp-python, with Flask for the API.",
         ask="What is localllm built on?|Which engine does localllm use?|Does it use llama.cpp?|What runs the models?"
             "|Which libraries does it use?|Is it based on llama.cpp?|What is under the hood?|Which backend is used?",
         what="the engine of localllm|the backend|the inference library|llama.cpp", key="backend|engine|llama.cpp|flask"),
    fact("language", f"localllm is written in Python; it needs Python {f.MIN_PYTHON} or newer.",
         ask="Which Python do I need?|What Python version is needed?|What language is localllm written in?"
             "|Which version of Python does it need?|Does it need Python?|Is Python 3.10 enough?|Is it written in Python?",
         what="the Python version|the minimum Python version|the programming language", key="python version|python"),
    fact("systems", "localllm runs on Linux, macOS and Windows.",
         ask="Does it run on Windows?|Does it run on a Mac?|Does it work on Linux?|Which systems are supported?"
             "|Which operating systems does it support?|Is there a Windows version?|Does localllm run on macOS?",
         does="run on Windows|work on macOS|run on Linux|support Windows|run on my Mac|run on Ubuntu",
         key="windows|macos|linux|operating systems|supported systems", what="the supported systems"),
    fact("requirements", f"A computer with Python {f.MIN_PYTHON} or newer, and memory for the model you want to run.",
         ask="What do I need to run localllm?|What are the requirements?|Will my laptop do?|Which hardware do I need?"
             "|Do I need a special computer?|Is my computer good enough?|What hardware is needed?",
         what="the requirements|the system requirements|the hardware needed", key="requirements|hardware"),
    fact("install", f"Get the source and run: {f.START}. It sets everything up and starts localllm.",
         how="install localllm|set up localllm|get started|start for the first time|install it|install this program"
             "|run it the first time|begin with localllm|set it up on my computer|install this", ask="How do I begin?"
             "|Where do I start?|What is the first step?|I am new here, what now?", what="the installation|the first step",
         key="install|setup|getting started|installation|quickstart"),
    fact("start-py", f"{f.START_SCRIPT} makes a private environment, installs localllm in it and starts it.",
         ask="What does start.py do?|What is start.py?|Why is there a start.py?|What happens when I run start.py?"
             "|What does packaging/start.py do?|What is the start script?", what="start.py|packaging/start.py|the start script",
         key="start.py|start script"),
    fact("start-words", f"Write them after the script: {f.START} chat or {f.START} serve.",
         how="pass options to start.py|give a command to start.py|use start.py with chat|use start.py with serve"
             "|pass a command to the start script|run a command through start.py",
         ask="Does start.py take arguments?|Can start.py take words?", key="start.py arguments|start.py options"),
    fact("pip", "Yes: in the source folder, pip install . installs the command localllm.",
         ask="Can I use pip?|Does pip install work?|Can I install it with pip?|Is there a pip package?",
         how="install it with pip|use pip|install into my own environment|pip install localllm", key="pip|pip install"),
    fact("uv", "Yes: uv run localllm works, and start.py uses uv where it finds it.",
         ask="Can I use uv?|Does it work with uv?|Does start.py use uv?|Is uv supported?", how="use uv|run it with uv"
         "|install it with uv", key="uv|uv run"),
    fact("first-slow", "The first start may compile llama.cpp, which takes minutes. Later starts take about a second.",
         ask="Why is the first start so slow?|How long does the installation take?|Why does the setup take so long?"
             "|How long is the first start?|Is it always this slow to start?|Why does it compile?|What is it compiling?",
         error="the first start takes very long|installing takes forever|it compiles for minutes",
         key="slow first start|compile time|slow installation"),
    fact("compiler", "Install a C++ compiler and CMake, then run start.py again; it says what your system needs.",
         error="no compiler found|CMake is missing|cmake not found|the compile fails|compilation of llama.cpp failed"
               "|gcc not found|no C++ compiler|building llama-cpp-python failed", key="compiler|cmake|build failed",
         ask="Do I need a compiler?|Do I need CMake?"),
    fact("update", f"Get the newest source, then run {f.START} again.",
         how="update localllm|upgrade localllm|get the newest version|install a new version|update it|upgrade it",
         ask="Is there an update?|Does it update itself?", key="update|upgrade|new version"),
    fact("uninstall", f"Delete the source folder and the folders that {f.PATHS} shows.",
         how="uninstall localllm|remove localllm|delete localllm|get rid of localllm|remove everything|uninstall it",
         key="uninstall|remove localllm|deinstall"),
    fact("tests", f"Run {f.START_TEST}; it installs what the tests need and runs them.",
         how="run the tests|test localllm|run the test suite|check that all tests pass|start the tests",
         ask="Does it have tests?|Are there tests?", key="tests|test suite|run tests|pytest"),
    fact("architecture", "Read ARCHITECTURE.md: it shows the rooms of the code and the path of a request.",
         ask="How does localllm work inside?|Where is the architecture described?|How is the code organised?"
             "|How is the code structured?|Where do I find the design?|Which file explains the code?",
         how="understand the code|read the code", what="the architecture|the code structure|the design of the program",
         key="architecture|design|code structure|ARCHITECTURE.md"),
    fact("process", "Each loaded model has its own process, so that a crash of one never hurts the others.",
         ask="Why are there several processes?|Why does each model have a process?|What happens if a model crashes?"
             "|Does a crash kill the server?|What is the engine process?|Can one model crash another?",
         what="the engine process|the process of a model", key="engine process|crash of a model|processes"),
    fact("bug", f"Describe what you did, and add the output of {f.DOCTOR}.",
         how="report a bug|report a problem|write a bug report|get support|tell you about a bug|file an issue",
         ask="I found a bug.|Where do I report bugs?|What do I put in a bug report?", key="bug report|bug|support"),
)  # fmt: skip

COMMANDS = (
    fact("run", f"Type {f.RUN} without a command: it serves and opens the page in your browser.",
         how="start localllm|run localllm|launch localllm|open localllm|start the program|start it|open the app",
         ask="What happens when I type localllm?|What does localllm do without a command?", key="start|launch|run"),
    fact("serve", f"{f.SERVE} starts the server on {f.ORIGIN}.",
         how="start the server|run the server|launch the server|serve a model|start the API server|run a local server"
             "|make the API available|serve models", what="localllm serve|the serve command|serve",
         ask="What does localllm serve do?|Which command starts the server?", key="serve|server|start server"),
    fact("stop", "Press Ctrl-C in the terminal where localllm runs.",
         how="stop the server|stop localllm|quit localllm|end the program|shut down the server|close localllm|exit localllm"
             "|turn it off|terminate the server|shut it down", key="stop|quit|shutdown|exit|stop server"),
    fact("commands", f"The commands are {', '.join(f.COMMANDS)}. Try {f.RUN} --help.",
         ask="Which commands are there?|What commands exist?|What commands does localllm have?|What can I type?"
             "|How do I get help on the command line?|Where is the help?", what="the list of commands|the commands|the CLI"
         "|the command line interface", how="see all commands|see the help|list the commands", key="commands|cli|--help"),
    fact("chat", f"{f.CHAT} starts a conversation in the terminal.",
         how="chat in the terminal|chat on the command line|talk to a model in the terminal|use the chat command"
             "|chat without a browser|have a conversation in the terminal|start a chat", what="localllm chat|the chat command",
         ask="What does localllm chat do?|Which command starts a chat?", key="chat|terminal chat|console chat"),
    fact("one-shot", f'Put the question behind it: {f.CHAT} "What is localllm?"',
         how="ask one question|ask a single question|ask from a script|get one answer and exit|use chat with a prompt"
             "|send one prompt from the shell", what="one-shot chat|a one-shot prompt", key="one-shot|single question"),
    fact("stop-answer", "Press Ctrl-C: it stops the answer, not the program.",
         how="stop an answer|cancel an answer|interrupt the model|stop the generation in the terminal|stop it from talking"
             "|abort an answer|interrupt an answer in chat", key="cancel answer|interrupt|stop generating",
         error="the model does not stop talking|it keeps generating"),
    fact("leave-chat", "Type /exit.",
         how="leave the chat|end the conversation|exit the chat|quit the conversation|get out of the chat|finish the chat",
         key="leave chat|exit chat|/exit|quit chat", ask="How do I get out of the conversation?|Which word ends the chat?"
         "|How does the chat end?"),
    fact("list", f"{f.LIST} shows every model you have.",
         how="list my models|see my models|show all models|find out which models I have|see the installed models"
             "|list the models", what="localllm list|the list command|the list of models", key="list|list models|my models",
         ask="Which models do I have?|Which models are installed?|What does localllm list do?"),
    fact("json-out", "Add --json to the command, for example localllm list --json.",
         how="get output for a script|get JSON from the command line|parse the output of a command|use the CLI in a script"
             "|get machine-readable output", what="the --json option|--json", key="--json|json output|scripting"),
    fact("paths", f"{f.PATHS} shows where the catalog, the models and the logs are.",
         ask="Where are my files?|Where does localllm keep its files?|Where is the data folder?|Which folders does it use?"
             "|Where is everything stored?|Where are the files of localllm?|What does localllm paths do?",
         how="find the data folder|find the files of localllm|see the folders", what="the data folder|localllm paths"
         "|the location of the files", key="paths|folders|data folder|file locations"),
    fact("logs", f"In the log folder; {f.PATHS} shows where that is.",
         ask="Where are the logs?|Where is the log file?|Is there a log?|Where does it write logs?",
         how="find the logs|see the log|read the log file", what="the log folder|the log file", key="logs|log file|log folder"),
    fact("doctor", f"{f.DOCTOR} checks Python, llama.cpp, devices, memory, the catalog and the port.",
         ask="What does localllm doctor do?|What does the doctor check?|Is my setup all right?|What is localllm doctor?"
             "|Is everything working?|Is my installation ok?", what="localllm doctor|the doctor command|the doctor",
         how="check my setup|diagnose a problem|check my installation|find out what is wrong|test my setup",
         key="doctor|diagnose|diagnostics|check setup"),
    fact("port", f"The default port is {f.DEFAULT_PORT}.",
         ask="Which port does localllm use?|On which port does it listen?|What port is it?|Which port is the server on?",
         what="the port|the default port|the port number|localllm's port|the port of the server", key="port|default port"),
    fact("change-port", f"{f.SERVE} --port 8080 listens on another port.",
         how="change the port|use another port|use a different port|set the port|run on port 8080|listen on another port"
             "|pick a port|choose the port", what="the --port option|--port", key="change port|other port|--port|set port"),
    fact("address", f"{f.ORIGIN}, or {f.ORIGIN.replace('localhost', f.DEFAULT_HOST)}.",
         ask="Where is the page?|Which address do I open?|What is the URL?|Where can I reach localllm?|Which URL do I open"
             " in the browser?", how="open the page|open the web page|reach the server in the browser",
         what="the address|the URL|the web address|the address of the page|the address of the server", key="url|address|page"),
    fact("host", f"{f.SERVE} --host 0.0.0.0 listens for other computers; then a key is needed.",
         how="reach it from another computer|use it from my phone|listen on the network|share it in my network|set the host"
             "|serve to other machines|allow other computers|open it to my LAN|connect from another device",
         what="the --host option|--host", key="--host|network|lan|remote access|0.0.0.0|phone"),
    fact("default-host", f"Only your own computer: localllm listens on {f.DEFAULT_HOST} unless you say otherwise.",
         ask="Who can reach the server?|Is it open to the network?|On which address does it listen?|Can others see it?"
             "|Is the server public?|Which host is the default?|Can strangers use my server?",
         what="the default host|the listen address", key="default host|listen address|bind address"),
    fact("serve-model", f"{f.SERVE} --model ID loads it; it answers requests that name no model.",
         how="choose the model at start|serve a certain model|start with another model|pick the model to serve"
             "|start the server with my model", what="the --model option|--model", key="--model|choose model at start"),
)  # fmt: skip

FACTS = GUIDE + PROGRAM + COMMANDS
