"""Facts about clients, and about the errors that people meet."""

from __future__ import annotations

from localllm import facts as f

from .fact import fact

CLIENTS = (
    fact("open-webui", f"In Open WebUI add an OpenAI connection with the URL {f.API_BASE_URL} and any key.",
         how="connect Open WebUI|use Open WebUI|add localllm to Open WebUI|set up Open WebUI|use it with openwebui"
             "|connect open-webui|link Open WebUI to localllm|integrate Open WebUI|point Open WebUI at localllm",
         does="work with Open WebUI|support Open WebUI", key="open webui|openwebui|open-webui|webui|open webui setup",
         ask="Which URL do I enter in Open WebUI?|Does Open WebUI work?|I have Open WebUI already, how do I hook it up?"
             "|Can Open WebUI be the frontend for my local model?|Where in Open WebUI do I enter localllm?"
             "|What are the connection settings for Open WebUI?|Which kind of connection do I pick in Open WebUI?"
             "|I'd like to chat in Open WebUI with my model.|What do I put in the admin settings of Open WebUI?"
             "|Does Open WebUI need a key for localllm?", what="the Open WebUI setup|the URL for Open WebUI"),
    fact("docker", f"From a container use {f.DOCKER_BASE_URL}.",
         how="connect from Docker|reach it from a container|connect Open WebUI in Docker|use it from a Docker container"
             "|point a dockerised app at localllm|access the server from inside Docker|let a container talk to localllm",
         ask="Open WebUI runs in Docker, which URL?|Which URL does a container use?|My client runs in Docker."
             "|localhost does not work from inside my container."
             "|What address does a container use to reach the host's server?"
             "|My app is in Docker and localllm is on the host.|How does something inside Docker find localllm?"
             "|Which URL goes into a docker-compose file?|Inside the container localhost is the container itself, what now?"
             "|My dockerised client needs a different address, which one?|Do I need host.docker.internal?",
         error="connection refused from Docker|Open WebUI in Docker cannot connect|the container cannot reach localllm",
         what="the URL for Docker|host.docker.internal", key="docker|container|host.docker.internal|docker-compose"),
    fact("connect", f"{f.CONNECT} says exactly what to type into Open WebUI.",
         ask="What does localllm connect do?|Which command helps with Open WebUI?|What do I type into Open WebUI?"
             "|Is there a command that prints the Open WebUI settings?"
             "|Can localllm tell me itself what to enter in Open WebUI?|Which command shows the right values for Open WebUI?"
             "|I don't know what to type into the Open WebUI form, can a command say it?"
             "|What is the connect command good for?|When would I run localllm connect?|Explain localllm connect.",
         how="use the connect command|see what to type into Open WebUI|find out the right URL for Open WebUI"
             "|print the settings for Open WebUI|get the values for Open WebUI from a command",
         what="localllm connect|the connect command|the command that helps with Open WebUI|the purpose of connect",
         key="connect|localllm connect|connect command|connection helper"),
    fact("check", f"{f.CHECK} tests any OpenAI-compatible server and says what is wrong.",
         ask="What does localllm check do?|Can I test another server?|Is there a conformance test?"
             "|Which command checks a server?|Is there a tool that tests whether a server follows the OpenAI API?"
             "|I have a server of another make, can localllm examine it?|Can I verify that an endpoint is OpenAI-compatible?"
             "|Which command finds the faults of an OpenAI server?|My vLLM server acts strangely, can you examine it?"
             "|Can it test a remote API for me?|When would I run localllm check?|Explain the check command.",
         how="check another server|test an OpenAI server|find out what is wrong with a server|check a server"
             "|verify an OpenAI-compatible server|run the conformance tests on a server|examine another API server",
         what="localllm check|the check command", key="check|localllm check|conformance|test a server|compatibility test"),
    fact("other-clients", f"Choose the OpenAI type, set the base URL to {f.API_BASE_URL} and any key.",
         how="connect another program|connect my editor|use it in VS Code|connect Continue|connect LangChain"
             "|use it with Cline|connect my app|connect a client|use it with aider|connect LiteLLM|use it in Zed"
             "|hook up a third-party app|point my chat app at localllm",
         ask="Which clients work?|Does LangChain work?|Which programs can connect?|Can I use it with my code editor?"
             "|Which settings does a generic client need?|I use Cursor, how do I hook it up?"
             "|My note-taking app supports OpenAI, can it use localllm?|How do I integrate it into my own application?"
             "|Does it work with LibreChat?|I'd like to point AnythingLLM at it.|Does LlamaIndex work with it?",
         does="work with LangChain|work with VS Code|work with Cursor",
         key="clients|langchain|vs code|continue|cline|aider|litellm|cursor", what="the list of clients"),
    fact("ollama", "No, it speaks the OpenAI API: choose an OpenAI connection in your program, not Ollama.",
         ask="Does it speak the Ollama API?|Is it compatible with Ollama?|Can it replace Ollama?"
             "|Is the Ollama API supported?|Do Ollama clients work?|My app only has an Ollama option, will that do?"
             "|Can I use the Ollama setting of my client?|I come from Ollama, is the API the same?|Does /api/generate exist?"
             "|Should I choose Ollama as the provider?|Is localllm an Ollama server?|Will my Ollama script run unchanged?"
             "|Can programs made for Ollama talk to it?|I picked the Ollama connection type and it fails.",
         does="support the Ollama API|work with Ollama clients|understand Ollama requests|imitate Ollama",
         key="ollama|ollama api|ollama compatible", how="use it with an Ollama client|connect as Ollama"),
)  # fmt: skip

TROUBLE = (
    fact("port-used", f"Something else uses the port; choose another: {f.SERVE} --port 8080.",
         error="port already in use|address already in use|the port is taken|port 5757 is in use|cannot bind the port"
             "|errno 98|port is busy|the port is already used by another program|OSError: Address already in use"
             "|it says that the port is occupied|the server won't start because its port is taken"
             "|localllm refuses to start, port 5757 is occupied|another server is already on that port|EADDRINUSE",
         key="port in use|port taken|errno 98|bind error|port conflict",
         ask="What if the port is taken?|What if port 5757 is used already?|Another program sits on 5757, what do I do?"
             "|Why can't it bind to the port?|I can't start the server since something listens there already."
             "|Two programs want the same port, how do I solve that?|What if the port is blocked by another application?"),
    fact("refused", f"The server is not running, or not there: start {f.SERVE} and use {f.API_BASE_URL}.",
         error="connection refused|cannot connect to the server|failed to connect|ECONNREFUSED|no connection to localllm"
             "|the client cannot connect|my program cannot reach localllm|could not connect to localhost"
             "|my client gets no answer from the server|the browser says that the site can't be reached"
             "|nothing answers on port 5757|APIConnectionError: Connection error|curl: (7) Failed to connect to localhost"
             "|ERR_CONNECTION_REFUSED|the connection is rejected",
         key="connection refused|econnrefused|cannot connect|server not reachable|no connection",
         ask="Why can't I connect?|Why does my client not reach the server?"
             "|Nobody answers when my program calls the API, why?|What does connection refused mean?"),
    fact("model-404", f"No model has that id; {f.LIST} shows the ids you have.",
         error="model not found|404 model_not_found|unknown model|the model does not exist|model_not_found|no such model"
             "|it does not know my model|the server says it has no such model|404 for the model name"
             "|it complains that my model does not exist|The model gpt-4 does not exist|the id of my model is unknown",
         key="model not found|unknown model|model_not_found|404|wrong model name",
         ask="Why is my model not found?|I typed a model name and got a 404, why?"
             "|How do I find the right spelling of a model's name?|I asked for gpt-3.5-turbo and it was not found."
             "|Which model names are valid in a request?|My request names a model that it doesn't have."
             "|Why won't it accept the model name I send?"),
    fact("401", "A key is set: send it as Authorization: Bearer KEY.",
         error="401 unauthorized|error 401|invalid api key|unauthorized|invalid_api_key|the key is refused|wrong api key"
             "|the server wants an API key from my client|Incorrect API key provided|AuthenticationError"
             "|my requests are rejected without a key|my client sends no key and is refused",
         how="send the key|authenticate|pass the API key in a request|put the key into a header",
         key="401|unauthorized|invalid api key|send key|authentication",
         ask="Which header carries the key?|How does my program send the token?|I set a key and now my client is rejected."
             "|What does a bearer header look like?|Where in the request does the key go?"),
    fact("403", "The Host or Origin is not allowed; use localhost or 127.0.0.1 in the URL.",
         error="403 forbidden|host not allowed|origin not allowed|error 403|forbidden|permission_error"
             "|the server forbids my request|my request is blocked with 403|it says that the host is not allowed"
             "|PermissionDeniedError", key="403|forbidden|host not allowed|origin not allowed|host header|reverse proxy 403",
         ask="Why do I get forbidden?|I use a domain name of mine for the server and get 403, why?"
             "|Which host names are allowed in the URL?|Why does the server reject my Host header?"
             "|It works with localhost but not with my computer's name.|What does a 403 mean here?"),
    fact("context-full", "The prompt is longer than the context; shorten it or raise the context length.",
         error="context_length_exceeded|context length exceeded|prompt too long|the prompt is too long|too many tokens"
             "|the conversation is too long|the context is full|my text is too long for the model"
             "|the request exceeds the context window|my document is larger than the context|maximum context length exceeded"
             "|the prompt does not fit into the context",
         key="context_length_exceeded|context full|prompt too long|prompt exceeds context",
         ask="What if my prompt is too long?|What happens when the context is full?"
             "|I pasted a whole book and it was refused, why?|After many messages the chat fails, is it too long?"
             "|What can I do if a prompt has too many tokens?|Why is my long prompt rejected?"
             "|My conversation got so long that I get an error.|What if my input is bigger than the context window?"),
    fact("oom", "Take a smaller model or quant, a shorter context, or fewer GPU layers.",
         error="out of memory|not enough memory|CUDA out of memory|the model does not fit|no memory left|OOM|not enough VRAM"
             "|my computer freezes when loading|the program is killed when the model loads|my memory is full after loading"
             "|it crashes because there isn't enough RAM|cudaMalloc failed: out of memory"
             "|my machine starts swapping and stalls", key="out of memory|oom|not enough memory|does not fit",
         ask="What if the model is too big?|What if I run out of memory?|My RAM is not enough for this model, what can I do?"
             "|How do I fit a model that is too big?|What do I do if the graphics memory runs full?"
             "|The model eats all my memory, any remedy?", how="save memory|use less VRAM|make a large model fit"),
    fact("load-failed", "The file may be damaged or too new for this llama.cpp; download it again or update localllm.",
         error="model load failed|the model does not load|failed to load model|model_load_failed|cannot load the GGUF"
             "|unknown model architecture|invalid GGUF file|my GGUF cannot be opened|error while loading the model file"
             "|it refuses to load my GGUF|the model file seems to be corrupt|gguf_init_from_file failed"
             "|unsupported model architecture", key="load failed|model_load_failed|damaged file|corrupt gguf|model won't load",
         ask="Why does my model not load?|Is my model file broken?|Why can this GGUF not be loaded?"
             "|What if a model is too new for llama.cpp?|How come the model won't load although the file is there?"
             "|I downloaded a file and it says failed to load, what now?"),
    fact("engine-died", "The model's process ended; it starts again with the next request. The log says why.",
         error="engine_died|the engine died|the engine crashed|the model crashed|503 engine_died|error 503"
             "|the model's process has crashed|the model died in the middle of an answer|I got a 503 from the server"
             "|the engine process exited|segmentation fault in the engine",
         key="engine_died|crash|503|engine crashed|engine restart",
         ask="What happens when the engine dies?|Why did the model crash?|Does the engine come back after a crash?"
             "|Do I have to restart anything after the model crashed?|Where do I read why the engine ended?"
             "|My model went down during a request, what happens now?|Is the model restarted by itself after it died?"
             "|What does 503 mean here?"),
    fact("no-network", "Connect to the network for the first set-up; afterwards none is needed.",
         error="no network during installation|cannot download the packages|the installation needs a network"
             "|network error while installing|the set-up fails without internet|start.py cannot reach the network"
             "|pip cannot download during the set-up|a proxy blocks the installation"
             "|the installer says there is no connection", key="network error|proxy|install offline",
         ask="Does the installation need the internet?|Do I need a network to install it?"
             "|Can I install it on a computer without internet?|Must I be online the first time?"
             "|Is a connection needed only for the set-up?|The installation wants to go online, is that right?"
             "|I'm behind a firewall and can't install it.|Does setting it up work offline?"
             "|Why does the first start need the network?"),
    fact("disk-full", f"Free some space, or set {f.HOME_VARIABLE} to a folder on a larger disk.",
         error="disk full|no space left on device|not enough disk space|my disk is full|there is no room left on my drive"
             "|the download fails because the disk is full|OSError: [Errno 28] No space left on device"
             "|my hard disk is too small for the models|my SSD has no space for another model",
         key="disk full|disk space|no space|errno 28",
         ask="What if my disk is full?|How do I save disk space?|My drive is nearly full, what can I do?"
             "|The models take up too much of my C: drive, what now?|What if there isn't enough room for a download?"
             "|Where can I put the models when my disk is too small?", how="make room for models|deal with a full disk"),
    fact("old-python", f"Install Python {f.MIN_PYTHON} or newer and start again with it.",
         error="Python is too old|python version not supported|requires a newer Python|I have Python 3.9"
             "|your Python is too old|start.py says that my Python is too old|it wants a newer Python than I have"
             "|I only have Python 3.8|SyntaxError because of an old Python|the Python on my system is out of date"
             "|unsupported Python version", key="old python|python 3.9|python too old|upgrade python",
         ask="What if my Python is too old?|Must I upgrade my Python?|My system comes with Python 3.9, what do I do?"
             "|It complains about my Python version, how do I fix that?|Can I run it on an outdated Python?"
             "|My distribution has only an old Python, what now?"),
    fact("not-found", f"Use {f.START} in the source folder, or pip install . first.",
         error="localllm: command not found|command not found|localllm is not recognized|the command localllm does not exist"
             "|zsh: command not found: localllm|my shell doesn't know localllm"
             "|the terminal says there is no program called localllm"
             "|'localllm' is not recognized as an internal or external command|localllm isn't in my PATH"
             "|No such file or directory: localllm",
         key="command not found|not recognized|localllm not in path|command missing",
         ask="Why is the command localllm not found?|I type localllm and the shell does not find it."
             "|Why does my terminal not know the command?|How do I get the command localllm into my PATH?"
             "|I installed it but the command is missing.|How do I run it when the command is not there?"),
    fact("cut-off", "max_tokens or the context ended it: raise max_tokens or shorten the prompt.",
         error="the answer is cut off|the answer stops in the middle|the answer is incomplete|finish_reason is length"
             "|it stops in the middle of a sentence|the reply breaks off in mid-sentence"
             "|my answers end before they are finished|the last sentence is missing|the output is truncated"
             "|I only get half an answer", key="cut off|finish_reason length|incomplete answer|truncated",
         ask="Why does the answer stop early?|What does finish_reason length mean?"
             "|Why does the model not finish its sentence?|Why do I get only a part of the answer?"
             "|How do I get the whole answer instead of half of it?|It breaks off too early, which limit is that?"
             "|Why is my JSON cut in the middle?", how="get a complete answer|keep answers from being cut off"),
    fact("nonsense", "Use a bigger model, a lower temperature, or a GGUF with the right chat template.",
         error="the model writes nonsense|the answer is gibberish|it answers strange things|the model talks rubbish"
             "|the answers are bad|the answers are wrong|it hallucinates|the replies make no sense|it only writes garbage"
             "|it invents facts|the output is random characters|it makes things up|the model does not understand me",
         key="gibberish|bad answers|hallucination",
         how="get better answers|improve the quality of answers|get fewer mistakes in the answers",
         ask="Why are the answers so bad?|The model talks gibberish, what can I change?|How do I get more sensible replies?"
             "|Why does my model write weird symbols?|What helps against hallucinations?"),
    fact("webui-empty", f"Check the URL in Open WebUI: it must be {f.API_BASE_URL} and the server must run.",
         error="Open WebUI shows no models|no models in Open WebUI|the model list in Open WebUI is empty"
             "|Open WebUI does not show my model|models vanish in Open WebUI|Open WebUI finds no model"
             "|the drop-down in Open WebUI is empty|there is nothing to select in Open WebUI|Open WebUI lost my models"
             "|my models don't appear in Open WebUI", key="open webui no models|empty model list|open webui empty",
         ask="Why does Open WebUI show no models?|I connected Open WebUI but I can't pick a model."
             "|Why can't I see my models in Open WebUI?|Open WebUI is connected and still lists nothing, why?"
             "|How do I make my models appear in Open WebUI?|Where did the models in Open WebUI go?"
             "|No model to choose in Open WebUI, what should I check?"),
    fact("finish-reason", "stop: the model ended; length: a limit was reached; tool_calls: it wants a tool.",
         ask="What does finish_reason mean?|What are the finish reasons?|What is finish_reason?"
             "|What does finish_reason stop mean?|What values can finish_reason have?|How do I know why an answer ended?"
             "|Which field says why the model stopped?|What's the difference between stop and length in finish_reason?"
             "|What does it mean when the reason is tool_calls?|Explain the reasons why an answer can end."
             "|My code reads finish_reason, which values must it handle?"
             "|How does a client tell a complete answer from a limited one?",
         what="finish_reason|the finish reason|the list of finish reasons|the possible values of finish_reason"
             "|the reason why an answer ended",
         key="finish_reason|finish reasons|finish_reason values|finish_reason tool_calls"),
    fact("unsupported-param", "Unknown parameters are ignored, so that clients with extras of their own work.",
         ask="What happens with unknown parameters?|Are unknown fields an error?|Can I send extra fields?"
             "|What if my client sends unknown parameters?|Will a field that the server doesn't know cause an error?"
             "|My client sends options of its own, is that bad?|Does it reject parameters it has never heard of?"
             "|What does the server do with a field it does not understand?|Can I leave extra options in my request?"
             "|Are unsupported options silently dropped?|My app adds fields of its own, will the request fail?"
             "|What if I misspell a parameter?", what="the rule for unknown parameters",
         key="unknown parameters|extra fields|unsupported parameter|ignored parameters",
         does="ignore unknown parameters|tolerate extra fields"),
)  # fmt: skip

FACTS = CLIENTS + TROUBLE
