"""Facts about the API and the clients that use it."""

from __future__ import annotations

from localllm import facts as f

from .fact import fact

API = (
    fact("base-url", f"{f.API_BASE_URL}",
         ask="Which base URL do I use?|What do I set as base_url?|Which URL do clients need?|What is the API address?"
             "|Where is the API?|Which OpenAI URL do I enter?", what="the base URL|the API URL|base_url|the API base|the"
         " address of the API|the OpenAI base URL", key="base url|base_url|api url|api address|api base"),
    fact("key", "Any text will do as the key, unless you set one or listen beyond your own computer.",
         ask="Which API key do I use?|Do I need an API key?|What key do I enter?|What do I type as the key?"
             "|Where do I get an API key?|Is an API key needed?|What is my key?", what="the API key|the key|my API key"
         "|the bearer token|the token for the API", key="api key|key|bearer|authorization|token for the api"),
    fact("endpoints", f"{f.CHAT_COMPLETIONS}, {f.COMPLETIONS}, {f.EMBEDDINGS}, {f.MODELS} and {f.HEALTH}, among others.",
         ask="Which endpoints are there?|What endpoints does it have?|Which routes does the server have?|What does the API"
             " offer?|Which API paths exist?", what="the list of endpoints|the endpoints|the API routes",
         key="endpoints|routes|api paths|api"),
    fact("chat-endpoint", f"POST {f.CHAT_COMPLETIONS}",
         ask="Which endpoint is for chat?|Where do I post messages?|Which path do I use for chat?|Which endpoint takes"
             " messages?", what="the chat endpoint|the endpoint for chat|the path of chat completions", how="send messages to"
         " the API|call chat completions|post a chat", key="chat endpoint|chat completions|/v1/chat/completions"),
    fact("completions-endpoint", f"POST {f.COMPLETIONS} completes a plain text without a chat template.",
         ask="Which endpoint completes plain text?|Is there a text completion endpoint?|Where do I send a raw prompt?"
             "|Which endpoint takes a prompt?", what="the completions endpoint|/v1/completions|the legacy completions endpoint",
         how="complete a text without chat|send a raw prompt|use text completion", key="/v1/completions|text completion|raw prompt"),
    fact("embeddings", f"POST {f.EMBEDDINGS}, with an embedding model in the field model.",
         ask="Does it do embeddings?|Are embeddings supported?|Which endpoint makes embeddings?|How do I embed a text?",
         how="get embeddings|compute embeddings|embed text|turn text into vectors|make vectors", does="support embeddings"
         "|compute vectors", what="the embeddings endpoint|/v1/embeddings", key="embeddings|embedding|vectors"),
    fact("responses", f"POST {f.RESPONSES} speaks OpenAI's newer Responses API.",
         ask="Is the Responses API supported?|Does it have the Responses API?|What is /v1/responses?",
         how="use the Responses API|call the Responses API", does="support the Responses API|speak the Responses API",
         what="the Responses API|/v1/responses|the responses endpoint", key="responses api|/v1/responses"),
    fact("messages", f"POST {f.MESSAGES} speaks Anthropic's Messages API.",
         ask="Is the Anthropic API supported?|Does it work with Anthropic clients?|What is /v1/messages?|Does Claude Code work?",
         how="use the Anthropic client|use the Messages API|connect Claude Code", does="support the Anthropic API"
         "|speak Anthropic's API", what="the Messages API|/v1/messages|the Anthropic endpoint", key="anthropic|messages api|claude code"),
    fact("models-endpoint", f"GET {f.MODELS}",
         ask="Which endpoint lists the models?|Where does the API list models?|How does a client find the models?",
         how="list the models over the API|get the models with curl|ask the API for the models|see the models over HTTP",
         what="the models endpoint|/v1/models|the endpoint for the model list", key="models endpoint|/v1/models"),
    fact("model-status", f"GET {f.MODELS} shows the status of each model.",
         ask="Is my model loaded?|Which models are loaded?|How do I see if a model is loaded?|Where is the status of a model?",
         how="see if a model is loaded|check the status of a model", what="the status of a model", key="model status|loaded"),
    fact("health", f"GET {f.HEALTH} says whether the server is well.",
         ask="Is there a health check?|Which endpoint is for health?|Is the server up?|How do I know that the server runs?",
         how="check that the server runs|monitor the server|check the health|see if the server is up",
         what="the health endpoint|/health|the health check", key="health|health check|/health|uptime"),
    fact("prefix-v1", "Every path works with and without /v1.",
         ask="Do I need /v1?|Does it work without /v1?|Is /v1 required?|With or without v1?|Must the URL end in /v1?",
         what="the /v1 prefix|the meaning of /v1", key="/v1|v1|without /v1"),
    fact("openai", "Yes. It speaks the OpenAI API, so most programs made for OpenAI work with it.",
         ask="Is it compatible with OpenAI?|Is it OpenAI compatible?|Does it speak the OpenAI API?|Which API does it speak?"
             "|Can it replace OpenAI?|Does my OpenAI program work?", does="speak the OpenAI API|replace the OpenAI API"
         "|work with OpenAI clients", key="openai|openai api|compatible", what="the API standard|the kind of API"),
    fact("curl", f"curl {f.ORIGIN}{f.CHAT_COMPLETIONS} -H 'Content-Type: application/json'"
                 f""" -d '{{"model":"{f.GUIDE}","messages":[{{"role":"user","content":"Hi"}}]}}'""",
         how="use curl|call it with curl|send a request with curl|try the API with curl|make a request in the shell",
         ask="Do you have a curl example?|Show me a curl command.|What does a curl call look like?",
         what="a curl example|the curl command|an example request", key="curl|curl example|example request"),
    fact("python", f'from openai import OpenAI; client = OpenAI(base_url="{f.API_BASE_URL}", api_key="any")',
         how="use it from Python|use the Python client|call it from Python|use openai-python|connect with the openai package"
             "|write a Python program for it", ask="Do you have a Python example?|Does openai-python work?"
         "|How does the Python client connect?", what="the Python code|a Python example", key="python client|openai-python"
         "|python example|openai package"),
    fact("node", f'const client = new OpenAI({{ baseURL: "{f.API_BASE_URL}", apiKey: "any" }})',
         how="use it from JavaScript|use it from Node|use openai-node|call it from TypeScript|connect from a Node program",
         ask="Do you have a JavaScript example?|Does openai-node work?|Does it work with Node.js?",
         what="the JavaScript code|a Node example", key="javascript|node|typescript|openai-node|node.js"),
    fact("stream", 'Put "stream": true into the request; the answer then arrives as server-sent events.',
         how="stream the answer|get a streamed answer|turn on streaming|receive tokens one by one|use streaming"
             "|enable streaming", does="stream|support streaming|stream tokens", ask="Is streaming supported?"
         "|Are tokens streamed?|Which field turns on streaming?", what="streaming|the stream field", key="stream|streaming|sse"),
    fact("stream-format", "Lines data: {...} with a blank line after each; the last one is data: [DONE].",
         ask="What does a stream look like?|How does a stream end?|What is [DONE]?|Which format do streams have?"
             "|How do I read the stream?|What do the chunks look like?", what="the stream format|[DONE]|the format of the"
         " stream|the SSE format", key="[done]|stream format|sse format|chunks"),
    fact("usage", 'Set "stream_options": {"include_usage": true} to get the token counts of a stream.',
         how="get the usage of a stream|count the tokens of a stream|see the token counts when streaming|get usage in"
             " streaming", what="include_usage|stream_options", key="include_usage|stream_options|usage in stream"),
    fact("usage-plain", "The field usage of the answer counts prompt, completion and cached tokens.",
         ask="How many tokens did I use?|Where are the token counts?|What is usage?|Which field counts tokens?",
         how="count tokens|see how many tokens I used|get the token count", what="the usage field|usage|the token count",
         key="usage|token count|count tokens"),
    fact("cancel", "Close the connection: the answer is cancelled at the next step and its slot is free.",
         how="cancel a request|stop a stream|abort a request over the API|stop the generation from my program"
             "|cancel a running request", ask="What happens if the client disconnects?|What if I close the connection?"
         "|Is there a cancel endpoint?", key="cancel request|disconnect|abort request", what="the way to cancel"),
    fact("temperature", "Temperature sets how random the answer is: 0 always takes the likeliest token.",
         ask="What is temperature?|What does temperature do?|Which temperature should I use?|What is temperature 0?"
             "|What is a good temperature?", what="temperature|the temperature parameter|the temperature",
         how="make answers less random|make answers more creative|set the temperature", key="temperature|randomness"),
    fact("seed", 'Send "seed" with a number, or use temperature 0.',
         how="get the same answer twice|make answers reproducible|get deterministic answers|set a seed|fix the seed",
         ask="What is seed?|Can answers be reproduced?|Why is each answer different?|Are answers deterministic?",
         what="seed|the seed parameter", key="seed|deterministic|reproducible|same answer"),
    fact("max-tokens", 'Send "max_tokens" with the greatest number of tokens you want.',
         how="limit the length of the answer|get shorter answers|set max_tokens|limit the output|restrict the answer length",
         what="max_tokens|the max_tokens parameter|the length limit", key="max_tokens|answer length|shorter answers|length",
         ask="What is max_tokens?|Which parameter limits the answer?"),
    fact("stop-strings", 'Send "stop" with one or more strings; the answer ends before the first of them.',
         how="stop at a certain word|use stop strings|set stop sequences|end the answer at a newline|set a stop string",
         what="a stop string|the stop parameter|stop sequences", key="stop string|stop sequence|stop words",
         ask="What is a stop string?|Are stop strings supported?|What does stop do in a request?"),
    fact("sampling", "All of llama.cpp: temperature, top_p, top_k, min_p, penalties, mirostat, DRY, XTC and more.",
         ask="Which sampling parameters are there?|Which samplers are supported?|Does it support min_p?|Does it support top_k?"
             "|Is mirostat supported?|Is DRY supported?|Does it have XTC?", what="the list of sampling parameters|the samplers"
         "|the sampling options", key="sampling|samplers|min_p|top_p|top_k|mirostat|dry|xtc|typical_p|top_n_sigma"),
    fact("repeat", "Raise repeat_penalty a little, to 1.1 say, or use DRY.",
         how="avoid repetitions|stop it from repeating itself|reduce repetition|prevent loops", what="repeat_penalty|the repeat"
         " penalty", error="the model repeats itself|the answer loops|it writes the same sentence again and again|endless"
         " repetition", key="repetition|repeat_penalty|loops|repeats itself"),
    fact("logit-bias", "logit_bias raises or lowers the chance of single tokens, by token id.",
         ask="What is logit_bias?|Is logit_bias supported?|What does logit_bias do?|Can I forbid a token?",
         what="logit_bias|a logit bias", how="forbid a token|use logit_bias|make a token more likely", key="logit_bias"),
    fact("system-prompt", 'Send a first message with the role "system".',
         how="set a system prompt|use a system message|give the model a role|send a system message|set instructions for the"
             " model", what="a system prompt|the system message|the system prompt", key="system prompt|system message",
         ask="Does it support system prompts?|Where do I put the system prompt?"),
    fact("history", "Send all earlier messages with each request; the server itself keeps no conversation.",
         how="continue a conversation over the API|keep the history|send the chat history|have a conversation over the API",
         ask="Does the API remember earlier messages?|Does the server keep my conversation?|Why does the API forget?"
             "|Is the API stateless?", what="the conversation history", key="history|conversation over api|stateless"),
    fact("tools", 'Send "tools" with your functions; the model answers with tool_calls, you send back the result.',
         how="use tools|use function calling|call functions|let the model call my function|use tool calls",
         ask="Does it support tools?|Does function calling work?|Are tools supported?|Can the model call functions?",
         does="support tools|support function calling|support tool calls", what="function calling|tool calling|a tool call",
         key="tools|function calling|tool calls|functions"),
    fact("v1-models-fast", f"{f.MODELS} answers at once, even while a model loads or writes.",
         ask="Does listing models wait for a load?|Is the model list slow while a model loads?|Does /v1/models block?",
         what="the speed of the model list", key="model list speed", does="list models while one is loading"),
    fact("body-limit", "A request may have 64 MB.",
         ask="How large may a request be?|How big can a request be?|Is there a size limit for requests?",
         what="the request size limit|the body limit|the largest request", error="413 request too large|request body too"
         " large|body too large", key="body limit|request size|413"),
    fact("cors", "Pages from your own computer may call the API; other sites may not.",
         ask="Can a web page call the API?|Is CORS enabled?|Which origins are allowed?|Can my web app use the API?",
         error="CORS error|blocked by CORS policy|no Access-Control-Allow-Origin", what="the CORS policy|CORS",
         key="cors|origin|cross-origin|browser access"),
    fact("json-only", "Send the header Content-Type: application/json.",
         error="415 unsupported media type|unsupported media type|error 415", ask="Which content type do I send?"
         "|Which header is needed?|Must requests be JSON?", what="the content type|the request format",
         key="content-type|415|request header"),
)  # fmt: skip

CLIENTS = (
    fact("open-webui", f"In Open WebUI add an OpenAI connection with the URL {f.API_BASE_URL} and any key.",
         how="connect Open WebUI|use Open WebUI|add localllm to Open WebUI|set up Open WebUI|use it with openwebui"
             "|connect open-webui", does="work with Open WebUI|support Open WebUI", key="open webui|openwebui|open-webui|webui",
         ask="Which URL do I enter in Open WebUI?|Does Open WebUI work?", what="the Open WebUI setup|the URL for Open WebUI"),
    fact("docker", f"From a container use {f.DOCKER_BASE_URL}.",
         how="connect from Docker|reach it from a container|connect Open WebUI in Docker|use it from a Docker container",
         ask="Open WebUI runs in Docker, which URL?|Which URL does a container use?|My client runs in Docker.",
         error="connection refused from Docker|Open WebUI in Docker cannot connect|the container cannot reach localllm",
         what="the URL for Docker|host.docker.internal", key="docker|container|host.docker.internal"),
    fact("connect", f"{f.CONNECT} says exactly what to type into Open WebUI.",
         ask="What does localllm connect do?|Which command helps with Open WebUI?|What do I type into Open WebUI?",
         how="use the connect command|see what to type into Open WebUI|find out the right URL for Open WebUI",
         what="localllm connect|the connect command", key="connect|localllm connect|connect command"),
    fact("check", f"{f.CHECK} tests any OpenAI-compatible server and says what is wrong.",
         ask="What does localllm check do?|Can I test another server?|Is there a conformance test?|Which command checks a server?",
         how="check another server|test an OpenAI server|find out what is wrong with a server|check a server", what="localllm check"
         "|the check command", key="check|localllm check|conformance|test a server"),
    fact("other-clients", f"Choose the OpenAI type, set the base URL to {f.API_BASE_URL} and any key.",
         how="connect another program|connect my editor|use it in VS Code|connect Continue|connect LangChain|use it with Cline"
             "|connect my app|connect a client|use it with aider|connect LiteLLM|use it in Zed",
         ask="Which clients work?|Does LangChain work?|Which programs can connect?", does="work with LangChain|work with VS"
         " Code", key="clients|langchain|vs code|continue|cline|aider|litellm", what="the list of clients"),
    fact("ollama", "No, it speaks the OpenAI API: choose an OpenAI connection in your program, not Ollama.",
         ask="Does it speak the Ollama API?|Is it compatible with Ollama?|Can it replace Ollama?|Is the Ollama API supported?"
             "|Do Ollama clients work?", does="support the Ollama API|work with Ollama clients", key="ollama|ollama api",
         how="use it with an Ollama client|connect as Ollama"),
)  # fmt: skip

TROUBLE = (
    fact("port-used", f"Something else uses the port; choose another: {f.SERVE} --port 8080.",
         error="port already in use|address already in use|the port is taken|port 5757 is in use|cannot bind the port"
               "|errno 98|port is busy|the port is already used by another program", key="port in use|port taken|errno 98"
         "|bind error", ask="What if the port is taken?|What if port 5757 is used already?"),
    fact("refused", f"The server is not running, or not there: start {f.SERVE} and use {f.API_BASE_URL}.",
         error="connection refused|cannot connect to the server|failed to connect|ECONNREFUSED|no connection to localllm"
               "|the client cannot connect|my program cannot reach localllm|could not connect to localhost",
         key="connection refused|econnrefused|cannot connect", ask="Why can't I connect?"),
    fact("model-404", f"No model has that id; {f.LIST} shows the ids you have.",
         error="model not found|404 model_not_found|unknown model|the model does not exist|model_not_found|no such model"
               "|it does not know my model", key="model not found|unknown model|model_not_found|404",
         ask="Why is my model not found?"),
    fact("401", "A key is set: send it as Authorization: Bearer KEY.",
         error="401 unauthorized|error 401|invalid api key|unauthorized|invalid_api_key|the key is refused|wrong api key",
         how="send the key|authenticate|pass the API key in a request", key="401|unauthorized|invalid api key|send key"),
    fact("403", "The Host or Origin is not allowed; use localhost or 127.0.0.1 in the URL.",
         error="403 forbidden|host not allowed|origin not allowed|error 403|forbidden|permission_error",
         key="403|forbidden|host not allowed|origin not allowed"),
    fact("context-full", "The prompt is longer than the context; shorten it or raise the context length.",
         error="context_length_exceeded|context length exceeded|prompt too long|the prompt is too long|too many tokens"
               "|the conversation is too long|the context is full", key="context_length_exceeded|context full|prompt too long",
         ask="What if my prompt is too long?|What happens when the context is full?"),
    fact("oom", "Take a smaller model or quant, a shorter context, or fewer GPU layers.",
         error="out of memory|not enough memory|CUDA out of memory|the model does not fit|no memory left|OOM|not enough VRAM"
               "|my computer freezes when loading", key="out of memory|oom|not enough memory|does not fit",
         ask="What if the model is too big?|What if I run out of memory?"),
    fact("load-failed", "The file may be damaged or too new for this llama.cpp; download it again or update localllm.",
         error="model load failed|the model does not load|failed to load model|model_load_failed|cannot load the GGUF"
               "|unknown model architecture|invalid GGUF file", key="load failed|model_load_failed|damaged file|corrupt gguf",
         ask="Why does my model not load?"),
    fact("engine-died", "The model's process ended; it starts again with the next request. The log says why.",
         error="engine_died|the engine died|the engine crashed|the model crashed|503 engine_died|error 503",
         key="engine_died|crash|503|engine crashed", ask="What happens when the engine dies?|Why did the model crash?"),
    fact("no-network", "Connect to the network for the first set-up; afterwards none is needed.",
         error="no network during installation|cannot download the packages|the installation needs a network"
               "|network error while installing", key="network error|proxy|install offline",
         ask="Does the installation need the internet?|Do I need a network to install it?"),
    fact("disk-full", f"Free some space, or set {f.HOME_VARIABLE} to a folder on a larger disk.",
         error="disk full|no space left on device|not enough disk space|my disk is full", key="disk full|disk space|no space",
         ask="What if my disk is full?|How do I save disk space?"),
    fact("old-python", f"Install Python {f.MIN_PYTHON} or newer and start again with it.",
         error="Python is too old|python version not supported|requires a newer Python|I have Python 3.9|your Python is too"
               " old", key="old python|python 3.9|python too old", ask="What if my Python is too old?"),
    fact("not-found", f"Use {f.START} in the source folder, or pip install . first.",
         error="localllm: command not found|command not found|localllm is not recognized|the command localllm does not exist"
               "|zsh: command not found: localllm", key="command not found|not recognized",
         ask="Why is the command localllm not found?"),
    fact("cut-off", "max_tokens or the context ended it: raise max_tokens or shorten the prompt.",
         error="the answer is cut off|the answer stops in the middle|the answer is incomplete|finish_reason is length"
               "|it stops in the middle of a sentence", key="cut off|finish_reason length|incomplete answer|truncated",
         ask="Why does the answer stop early?|What does finish_reason length mean?"),
    fact("nonsense", "Use a bigger model, a lower temperature, or a GGUF with the right chat template.",
         error="the model writes nonsense|the answer is gibberish|it answers strange things|the model talks rubbish"
               "|the answers are bad|the answers are wrong|it hallucinates", key="gibberish|bad answers|hallucination",
         how="get better answers|improve the quality of answers"),
    fact("webui-empty", f"Check the URL in Open WebUI: it must be {f.API_BASE_URL} and the server must run.",
         error="Open WebUI shows no models|no models in Open WebUI|the model list in Open WebUI is empty|Open WebUI does not"
               " show my model|models vanish in Open WebUI", key="open webui no models|empty model list",
         ask="Why does Open WebUI show no models?"),
    fact("finish-reason", "stop: the model ended; length: a limit was reached; tool_calls: it wants a tool.",
         ask="What does finish_reason mean?|What are the finish reasons?|What is finish_reason?|What does finish_reason stop"
             " mean?", what="finish_reason|the finish reason|the list of finish reasons", key="finish_reason|finish reasons"),
    fact("unsupported-param", "Unknown parameters are ignored, so that clients with extras of their own work.",
         ask="What happens with unknown parameters?|Are unknown fields an error?|Can I send extra fields?|What if my client"
             " sends unknown parameters?", what="the rule for unknown parameters", key="unknown parameters|extra fields"),
)  # fmt: skip

FACTS = API + CLIENTS + TROUBLE
