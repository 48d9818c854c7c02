"""Facts about the program and its installation."""

from __future__ import annotations

from localllm import facts as f

from .fact import fact

FACTS = (
    fact("what", "localllm runs language models on your own computer and serves them with the OpenAI API.",
         ask="What is localllm?|What does localllm do?|What is this program?|What is this?|Explain localllm to me."
             "|Tell me about localllm.|What is localllm for?|Why should I use localllm?|What does this software do?"
             "|What is local llm?|Describe localllm.|What can localllm do?|What is the localllm project?|Why localllm?"
             "|What kind of program is this?|What is the idea of localllm?|What did I just install?"
             "|What would I use localllm for?|Give me an overview of localllm.|What is localllm good for?"
             "|Explain this app to me.|What's this tool for?|What does the app do?|In one sentence, what is localllm?"
             "|I have never heard of localllm.|What problem does localllm solve?|What does this thing do?"
             "|What am I looking at?",
         what="localllm|this program|the purpose of localllm|this app|this software|this tool|the localllm app"
              "|the idea behind localllm",
         key="localllm|about localllm|overview of localllm"),
    fact("license", f"localllm is free software under the {f.LICENSE} license.",
         ask="Is localllm free?|Is it open source?|What does it cost?|How much does localllm cost?|Do I have to pay?"
             "|Which license does localllm have?|May I use it at work?|Can I use it commercially?|Is it free of charge?"
             "|Do I need to buy a licence?|Is there a fee?|Can my company use localllm?|Is commercial use allowed?"
             "|Is the source code open?|Is it gratis?|Is there a paid version?|Do I need a subscription?"
             "|Am I allowed to change the code?|Under which terms may I use it?|Is there a trial period?"
             "|Does it cost anything?|Under which license is it published?",
         what="the license|the licence of localllm|the price of localllm|the cost",
         key="license|price|open source|cost|free|pricing|commercial use|subscription",
         can="use it for free|use localllm in my company|modify the source|use it in a commercial product"),
    fact("built-on", "It is built on llama.cpp through llama-cpp-python, with Flask for the API.",
         ask="What is localllm built on?|Which engine does localllm use?|Does it use llama.cpp?|What runs the models?"
             "|Which libraries does it use?|Is it based on llama.cpp?|What is under the hood?|Which backend is used?"
             "|Which engine is inside?|What does the inference?|Which technology is behind localllm?|Is llama.cpp inside?"
             "|Which web framework does it use?|Does it use Flask?|What does localllm depend on?"
             "|Which software computes the answers?|Is it a wrapper around llama.cpp?|Which runtime runs the models?"
             "|What powers localllm?|Is llama-cpp-python used?",
         what="the engine of localllm|the backend|the inference library|llama.cpp|the runtime|the underlying engine"
              "|the dependencies",
         key="backend|engine|llama.cpp|flask|llama-cpp-python|runtime|dependencies"),
    fact("language", f"localllm is written in Python; it needs Python {f.MIN_PYTHON} or newer.",
         ask="Which Python do I need?|What Python version is needed?|What language is localllm written in?"
             "|Which version of Python does it need?|Does it need Python?|Is Python 3.10 enough?|Is it written in Python?"
             "|Do I need Python?|Which Python works?|Will Python 3.12 do?|What is the oldest Python it accepts?"
             "|Which programming language is it in?|Do I have to install Python first?|Is my Python new enough?"
             "|What's the lowest Python version for localllm?|In which language was this program written?"
             "|Is it coded in Rust or Python?|Can I run it with Python 3.13?",
         what="the Python version|the minimum Python version|the programming language|the required Python"
              "|the language of the source code",
         key="python version|python|python 3.12|which python|programming language",
         does="need Python|run on Python 3.12"),
    fact("systems", "localllm runs on Linux, macOS and Windows.",
         ask="Does it run on Windows?|Does it run on a Mac?|Does it work on Linux?|Which systems are supported?"
             "|Which operating systems does it support?|Is there a Windows version?|Does localllm run on macOS?"
             "|Is my operating system supported?|I have Windows 11, is that fine?|Does it work on my MacBook?"
             "|Can I run it on Debian?|Will it run under Windows 10?|Is there a Mac version?|On which platforms does it run?"
             "|Which OS do I need?|I use Fedora, will localllm work?|Is Linux supported?|Is it for Windows only?",
         does="run on Windows|work on macOS|run on Linux|support Windows|run on my Mac|run on Ubuntu|run on Debian"
              "|run under Windows 11|work on an Apple computer|run on my operating system",
         key="windows|macos|linux|operating systems|supported systems|os|platforms|mac|ubuntu|operating system",
         what="the supported systems",
         can="use it on Windows|use it on a Mac|run it on Linux"),
    fact("requirements", f"A computer with Python {f.MIN_PYTHON} or newer, and memory for the model you want to run.",
         ask="What do I need to run localllm?|What are the requirements?|Will my laptop do?|Which hardware do I need?"
             "|Do I need a special computer?|Is my computer good enough?|What hardware is needed?|Is my laptop strong enough?"
             "|Can an old computer run localllm?|What kind of machine do I need?|How powerful must my computer be?"
             "|Will it run on my old laptop?|Does it need an expensive PC?|What must my computer have?"
             "|Is a normal laptop enough for localllm?|What do I need before I install it?|Which specs should my machine have?"
             "|Does my machine meet the requirements?|What kind of PC is recommended?",
         what="the requirements|the system requirements|the hardware needed|the minimum specs|the prerequisites"
              "|the recommended hardware",
         key="requirements|hardware|prerequisites|specs|system requirements"),
    fact("install", f"Get the source and run: {f.START}. It sets everything up and starts localllm.",
         how="install localllm|set up localllm|get started|start for the first time|install it|install this program"
             "|run it the first time|begin with localllm|set it up on my computer|install this|install the software"
             "|get it running on a new computer|set the program up|download and install localllm|put localllm on my machine"
             "|make it run for the first time|set up this app",
         ask="How do I begin?|Where do I start?|What is the first step?|I am new here, what now?|Is there an installer?"
             "|I just found this, how do I start?|What are the installation steps?|Where do I get localllm?"
             "|How is localllm installed?|I have just downloaded the source, what now?|Is there a setup program?"
             "|Explain the installation to me.|What should I do first?|Is it difficult to install?"
             "|Where do I download this program?",
         what="the installation|the first step",
         key="install|setup|getting started|installation|quickstart|installer|get started|first steps"),
    fact("start-py", f"{f.START_SCRIPT} makes a private environment, installs localllm in it and starts it.",
         ask="What does start.py do?|What is start.py?|Why is there a start.py?|What happens when I run start.py?"
             "|What does packaging/start.py do?|What is the start script?|What is start.py good for?|Explain start.py to me."
             "|Which script sets everything up?|Does start.py install things?|What will start.py do to my computer?"
             "|Does start.py make a virtual environment?|Is start.py safe to run?|Does start.py change my system Python?"
             "|Which file do I start in the source folder?|What does the script in packaging do?"
             "|Where does start.py install the packages?|Is a virtual environment created?",
         what="start.py|packaging/start.py|the start script|the purpose of start.py|the private environment",
         key="start.py|start script|what start.py does|virtual environment|venv|setup script"),
    fact("start-words", f"Write them after the script: {f.START} chat or {f.START} serve.",
         how="pass options to start.py|give a command to start.py|use start.py with chat|use start.py with serve"
             "|pass a command to the start script|run a command through start.py|add arguments to start.py"
             "|run serve via start.py|hand parameters to start.py|run other commands with start.py|start a chat via start.py",
         ask="Does start.py take arguments?|Can start.py take words?|Can I give start.py a command?"
             "|Where do I put the options of start.py?|Which words does start.py accept?|Do I write serve after start.py?"
             "|Can I run chat through the start script?|Does start.py pass my arguments on?|What may stand behind start.py?"
             "|Can start.py start only the server?|I want start.py to open the chat.",
         key="start.py arguments|start.py options|start.py chat|start.py serve|start.py parameters|start.py command"),
    fact("pip", "Yes: in the source folder, pip install . installs the command localllm.",
         ask="Can I use pip?|Does pip install work?|Can I install it with pip?|Is there a pip package?"
             "|Is localllm a Python package?|Can pip do the installation?|Do I install it like other Python packages?"
             "|Is it possible to pip install this?|Can I use my own virtual environment?|I prefer pip to a script."
             "|Which pip command installs it?|Is pip enough to install it?|What does pip install . do?"
             "|I want the command localllm in my own venv.",
         how="install it with pip|use pip|install into my own environment|pip install localllm|get localllm with pip"
             "|install the package with pip|install from source with pip|put it into a virtualenv of mine",
         key="pip|pip install|pip package|python package|virtualenv|own environment"),
    fact("uv", "Yes: uv run localllm works, and start.py uses uv where it finds it.",
         ask="Can I use uv?|Does it work with uv?|Does start.py use uv?|Is uv supported?|May I run it with uv?"
             "|I have uv installed, can I use it?|Does localllm know uv?|Will start.py find uv?"
             "|Do you support the uv package manager?|Which uv command starts localllm?|Is uv needed?"
             "|What does start.py do when uv is there?|We use uv for everything.",
         how="use uv|run it with uv|install it with uv|start localllm with uv|run localllm through uv|set it up with uv",
         key="uv|uv run|uv support|uv package manager|uv run localllm",
         can="launch it using uv|use uv instead of pip"),
    fact("first-slow", "The first start may compile llama.cpp, which takes minutes. Later starts take about a second.",
         ask="Why is the first start so slow?|How long does the installation take?|Why does the setup take so long?"
             "|How long is the first start?|Is it always this slow to start?|Why does it compile?|What is it compiling?"
             "|Why does the first launch take ages?|Is it normal that the first start takes minutes?"
             "|How many minutes does the setup take?|Why must llama.cpp be compiled?|Will the second start be faster?"
             "|Why is it building something?|Did the installation hang?|What is taking so long the first time?"
             "|How long until it is installed?|Will every start take minutes?|Is the setup stuck?",
         error="the first start takes very long|installing takes forever|it compiles for minutes|the setup takes ages"
               "|the installation seems to hang|it has been compiling for ten minutes|the first launch lags"
               "|it is still compiling llama.cpp",
         key="slow first start|compile time|slow installation|first launch slow|compiling|installation time"),
    fact("compiler", "Install a C++ compiler and CMake, then run start.py again; it says what your system needs.",
         error="no compiler found|CMake is missing|cmake not found|the compile fails|compilation of llama.cpp failed"
               "|gcc not found|no C++ compiler|building llama-cpp-python failed|CMake Error|clang not found|g++ is missing"
               "|error while compiling llama.cpp|failed building wheel for llama-cpp-python|compiler error during setup",
         key="compiler|cmake|build failed|gcc|c++|build tools|build error",
         ask="Do I need a compiler?|Do I need CMake?|Which compiler do I have to install?|Why does it want a compiler?"
             "|Is a C++ compiler required?|What do I do when the compilation fails?|Where do I get a C++ compiler?"
             "|Do I have to install build tools?|Must gcc be installed?|Do I need Visual Studio?|Do I need Xcode?",
         how="install a compiler|fix the build|install CMake"),
    fact("update", f"Get the newest source, then run {f.START} again.",
         how="update localllm|upgrade localllm|get the newest version|install a new version|update it|upgrade it"
             "|get a newer release|bring localllm up to date|move to the latest version|switch to the new release"
             "|refresh my installation|install updates",
         ask="Is there an update?|Does it update itself?|Is there a newer version?|My version is old, what now?"
             "|Which command updates localllm?|How do updates work?|Do I get updates automatically?"
             "|I want the latest localllm.|A new release is out, how do I get it?|Is my localllm up to date?"
             "|Is there an upgrade command?|When a new version comes, what do I do?",
         key="update|upgrade|new version|latest version|newer version|updates|new release"),
    fact("uninstall", f"Delete the source folder and the folders that {f.PATHS} shows.",
         how="uninstall localllm|remove localllm|delete localllm|get rid of localllm|remove everything|uninstall it"
             "|take localllm off my computer|wipe localllm|throw localllm away|clean up after localllm|delete the program"
             "|remove the app completely|deinstall the software",
         key="uninstall|remove localllm|deinstall|uninstaller|remove program|delete program",
         ask="I no longer need localllm.|What must I delete to be rid of it?|Is there an uninstaller?"
             "|How does one get rid of this program?|I want it off my computer.|What stays behind after deleting localllm?"
             "|Which folders do I delete to uninstall it?|I don't want this software any more."),
    fact("tests", f"Run {f.START_TEST}; it installs what the tests need and runs them.",
         how="run the tests|test localllm|run the test suite|check that all tests pass|start the tests|run pytest"
             "|execute the unit tests|run all tests|test my change to the code",
         ask="Does it have tests?|Are there tests?|How are the tests run?|Which command runs the test suite?"
             "|Is there a test suite?|Where are the tests?|Do all tests pass?|How do developers test the code?"
             "|Is the code tested?|What do I run before a pull request?|How can I verify my change to the code?"
             "|Are there unit tests?",
         key="tests|test suite|run tests|pytest|unit tests|test command|testing the code"),
    fact("architecture", "Read ARCHITECTURE.md: it shows the rooms of the code and the path of a request.",
         ask="How does localllm work inside?|Where is the architecture described?|How is the code organised?"
             "|How is the code structured?|Where do I find the design?|Which file explains the code?"
             "|Which modules does the code have?|Where can I read about the internals?"
             "|Explain the structure of the source code.|How do the parts of localllm fit together?"
             "|What happens inside when a request comes in?|Where should a developer start reading?"
             "|Which document describes the design?|How was localllm designed?|I'd like to contribute, where do I look?"
             "|How is the source code laid out?|What is in ARCHITECTURE.md?|How does it work internally?",
         how="understand the code|read the code|find my way in the code|learn how the code is built|understand the internals",
         what="the architecture|the code structure|the design of the program",
         key="architecture|design|code structure|ARCHITECTURE.md|internals|source code structure|developer docs|codebase"),
    fact("process", "Each loaded model has its own process, so that a crash of one never hurts the others.",
         ask="Why are there several processes?|Why does each model have a process?|What happens if a model crashes?"
             "|Does a crash kill the server?|What is the engine process?|Can one model crash another?"
             "|Why do I see many Python processes?|Is every model a process of its own?|Why is there one process per model?"
             "|Will the server survive when a model crashes?|Are models isolated from each other?"
             "|If one model dies, do the others go on?|Why so many processes in my task manager?|Do models share a process?"
             "|Can a broken model take down the server?|Do models run in separate processes?"
             "|Why does localllm start a second process?",
         what="the engine process|the process of a model|the reason for several processes|the isolation of models",
         key="engine process|crash of a model|processes|process per model|isolation|separate processes",
         does="isolate models|run each model in its own process"),
    fact("bug", f"Describe what you did, and add the output of {f.DOCTOR}.",
         how="report a bug|report a problem|write a bug report|get support|tell you about a bug|file an issue"
             "|report an error to the makers|contact support|open an issue|send feedback about a bug",
         ask="I found a bug.|Where do I report bugs?|What do I put in a bug report?|Something is broken, whom do I tell?"
             "|How do I contact the developers?|I think this is a bug.|localllm has a bug, what shall I do?"
             "|Which information do you need for a bug report?|Whom do I ask for support?|Where do I send my problem?"
             "|Is there a bug tracker?|What should a good bug report contain?|It behaves strangely, where do I report that?"
             "|I want to complain about a fault in the program.",
         key="bug report|bug|support|issue|report problem|bug tracker|feedback"),
)  # fmt: skip
