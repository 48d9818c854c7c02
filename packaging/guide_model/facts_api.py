"""Facts about the API."""

from __future__ import annotations

from localllm import facts as f

from .fact import fact

FACTS = (
    fact("base-url", f"{f.API_BASE_URL}",
         ask="Which base URL do I use?|What do I set as base_url?|Which URL do clients need?|What is the API address?"
             "|Where is the API?|Which OpenAI URL do I enter?|Which URL goes into the settings of my program?"
             "|What address do I give my app so that it talks to localllm?|My tool wants a base URL, what do I put there?"
             "|Which link do I paste into my client as the endpoint?|What should OPENAI_BASE_URL be?"
             "|Where should my script send its requests?|I'm filling in a form that asks for the API host, what goes there?"
             "|To which address do I point the OpenAI SDK?|The field for the server URL is empty, what belongs in it?"
             "|What do I set as OPENAI_API_BASE?",
         what="the base URL|the API URL|base_url|the API base|the address of the API|the OpenAI base URL"
             "|the URL that my client has to use|the API endpoint URL", key="base url|base_url|api url|api address|api base"),
    fact("key", "Any text will do as the key, unless you set one or listen beyond your own computer.",
         ask="Which API key do I use?|Do I need an API key?|What key do I enter?|What do I type as the key?"
             "|Where do I get an API key?|Is an API key needed?|What is my key?"
             "|My program insists on an API key, what should I write?|Can I leave the API key empty?"
             "|The client won't go on without a key.|Does it matter which key I type in?|What should OPENAI_API_KEY be?"
             "|Is there a secret token that I have to obtain?|What do I fill in where my app asks for a token?"
             "|Can I just make up a key?|I don't have a key, is that a problem?|Do I have to buy a key from OpenAI?",
         what="the API key|the key|my API key|the bearer token|the token for the API|the value of OPENAI_API_KEY",
         key="api key|key|bearer|authorization|token for the api|dummy key"),
    fact("endpoints", f"{f.CHAT_COMPLETIONS}, {f.COMPLETIONS}, {f.EMBEDDINGS}, {f.MODELS} and {f.HEALTH}, among others.",
         ask="Which endpoints are there?|What endpoints does it have?|Which routes does the server have?"
             "|What does the API offer?|Which API paths exist?|What can I call over HTTP?"
             "|Which paths can my program request?|Give me an overview of the HTTP interface."
             "|List all routes of the API for me.|What URLs does the server answer?|Which parts of the OpenAI API are there?"
             "|I'd like to see every endpoint at once.|Is there an API reference with all paths?",
         what="the list of endpoints|the endpoints|the API routes",
         key="endpoints|routes|api paths|api|api reference|list of endpoints",
         how="see all endpoints|find out which paths exist"),
    fact("chat-endpoint", f"POST {f.CHAT_COMPLETIONS}",
         ask="Which endpoint is for chat?|Where do I post messages?|Which path do I use for chat?"
             "|Which endpoint takes messages?|To which path do I send a list of messages?|Where does a chat request go?"
             "|Which route answers a conversation?|My app has messages with roles, where do they go?"
             "|What's the path behind the host for chatting from code?|I'd like to post a user message, to which route?",
         what="the chat endpoint|the endpoint for chat|the path of chat completions|the route for chatting"
             "|the path that takes messages",
         how="send messages to the API|call chat completions|post a chat|send a chat message over HTTP"
             "|post a list of messages", key="chat endpoint|chat completions|/v1/chat/completions"),
    fact("completions-endpoint", f"POST {f.COMPLETIONS} completes a plain text without a chat template.",
         ask="Which endpoint completes plain text?|Is there a text completion endpoint?|Where do I send a raw prompt?"
             "|Which endpoint takes a prompt?|Can I complete text without any chat format?"
             "|I have just a string to continue, which route is that?|Is the old completions API still there?"
             "|Where can I post a bare prompt instead of messages?"
             "|My base model has no chat template, which endpoint do I use?"
             "|Does it have the classic prompt-in, text-out endpoint?|Which path lets the model simply go on with my text?"
             "|I want the model to continue a sentence, not to chat.",
         what="the completions endpoint|/v1/completions|the legacy completions endpoint",
         how="complete a text without chat|send a raw prompt|use text completion|let the model continue a text"
             "|skip the chat template|call the legacy completion route",
         key="/v1/completions|text completion|raw prompt|legacy completions"),
    fact("embeddings", f"POST {f.EMBEDDINGS}, with an embedding model in the field model.",
         ask="Does it do embeddings?|Are embeddings supported?|Which endpoint makes embeddings?|How do I embed a text?"
             "|I need vectors for a semantic search.|Can it turn sentences into numbers?"
             "|Does it work for RAG, I need vectors of my documents?|Which path returns an embedding vector?"
             "|Is there a way to vectorise my documents?|I'd like to compare two texts by their vectors."
             "|Where do I send text to have it embedded?|My vector database needs something that embeds text.",
         how="get embeddings|compute embeddings|embed text|turn text into vectors|make vectors|vectorise my documents"
             "|create embeddings for a search",
         does="support embeddings|compute vectors|embed documents|produce embedding vectors",
         what="the embeddings endpoint|/v1/embeddings", key="embeddings|embedding|vectors"),
    fact("responses", f"POST {f.RESPONSES} speaks OpenAI's newer Responses API.",
         ask="Is the Responses API supported?|Does it have the Responses API?|What is /v1/responses?"
             "|My SDK calls client.responses.create, will that work?"
             "|Does OpenAI's new API work, the one that follows chat completions?|Can I post to /v1/responses?"
             "|My agent framework only uses responses, not chat completions."
             "|Which path is there for the newer OpenAI interface?|Is client.responses.create implemented?"
             "|Are responses supported as well as chat completions?|Does the new style of OpenAI requests work here?",
         how="use the Responses API|call the Responses API|make a request in the new Responses style",
         does="support the Responses API|speak the Responses API",
         what="the Responses API|/v1/responses|the responses endpoint",
         key="responses api|/v1/responses|responses.create|new openai api", can="use client.responses.create"),
    fact("messages", f"POST {f.MESSAGES} speaks Anthropic's Messages API.",
         ask="Is the Anthropic API supported?|Does it work with Anthropic clients?|What is /v1/messages?"
             "|Does Claude Code work?|My program is written for Claude, can it use localllm?"
             "|Can I point the Anthropic SDK at localllm?|I have code for Anthropic's API, does it run here?"
             "|Is there an endpoint in the format of Claude?|Can I hook up Claude Code to my local model?"
             "|Which path do Anthropic clients call?|Does ANTHROPIC_BASE_URL work with this server?"
             "|I use the anthropic package, not openai.",
         how="use the Anthropic client|use the Messages API|connect Claude Code|point the Anthropic SDK at it"
             "|let Claude Code use my local model",
         does="support the Anthropic API|speak Anthropic's API|understand requests made for Claude",
         what="the Messages API|/v1/messages|the Anthropic endpoint", key="anthropic|messages api|claude code|anthropic sdk"),
    fact("models-endpoint", f"GET {f.MODELS}",
         ask="Which endpoint lists the models?|Where does the API list models?|How does a client find the models?"
             "|Which HTTP call returns the available models?|How does my app learn which model ids exist?"
             "|My client has a drop-down of models, from which path does it fill it?"
             "|What do I GET to have the models as JSON?|Over the API, where do I fetch the names of all models?"
             "|Which route gives a program the available models?|I'd like to request the model list from my code."
             "|Which URL gives back the list of models?",
         how="list the models over the API|get the models with curl|ask the API for the models|see the models over HTTP"
             "|fetch the available models from code|query the models over REST",
         what="the models endpoint|/v1/models|the endpoint for the model list",
         key="models endpoint|/v1/models|get models api|model list endpoint"),
    fact("model-status", f"GET {f.MODELS} shows the status of each model.",
         ask="Is my model loaded?|Which models are loaded?|How do I see if a model is loaded?"
             "|Where is the status of a model?|Can my program find out whether a model is ready yet?"
             "|Is there a way to see that the model is still loading?"
             "|How can a client tell a loaded model from an unloaded one?"
             "|Which request tells me if a model is loading or ready?"
             "|My script must wait until the model is loaded, what does it poll?"
             "|Where does the API say that a model is ready?|Has the model finished loading?"
             "|Over HTTP, which models are loaded at this moment?",
         how="see if a model is loaded|check the status of a model|poll until a model is loaded"
             "|tell whether a model is ready", what="the status of a model|the loading state of a model|the load status",
         key="model status|loaded"),
    fact("health", f"GET {f.HEALTH} says whether the server is well.",
         ask="Is there a health check?|Which endpoint is for health?|Is the server up?|How do I know that the server runs?"
             "|What can my load balancer ping?|Is there a path for a liveness probe?|Which URL does Kubernetes check?"
             "|I want a monitor that tells me when the server is down.|Which request shows that the server is alive?"
             "|Is there something to ping?|My script must wait until the server is ready, what does it call?"
             "|How does my watchdog see that the server still answers?",
         how="check that the server runs|monitor the server|check the health|see if the server is up|ping the server"
             "|find out whether the server is alive|set up a liveness probe",
         what="the health endpoint|/health|the health check", key="health|health check|/health|uptime|liveness"),
    fact("prefix-v1", "Every path works with and without /v1.",
         ask="Do I need /v1?|Does it work without /v1?|Is /v1 required?|With or without v1?|Must the URL end in /v1?"
             "|Should the base URL have /v1 at the end or not?|My client leaves out /v1, is that a problem?"
             "|Does /chat/completions work as well as /v1/chat/completions?|Can I drop the v1 from the path?"
             "|My tool adds v1 by itself, will that break?|Is the v1 part of the address optional?"
             "|Do I have to append v1 to the URL?|What if I forget the /v1?", what="the /v1 prefix|the meaning of /v1",
         key="/v1|v1|without /v1|v1 optional|v1 suffix", how="call it without the /v1 prefix"),
    fact("openai", "Yes. It speaks the OpenAI API, so most programs made for OpenAI work with it.",
         ask="Is it compatible with OpenAI?|Is it OpenAI compatible?|Does it speak the OpenAI API?|Which API does it speak?"
             "|Can it replace OpenAI?|Does my OpenAI program work?|I have software written for OpenAI, can I use it here?"
             "|Is this a drop-in replacement for OpenAI?|Will tools that expect GPT's API run against it?"
             "|Which protocol do clients speak with localllm?|Is the interface the same as OpenAI's?"
             "|Can I keep my OpenAI code as it is?|Do I have to rewrite my program that was built for OpenAI?"
             "|Which standard does the server follow?|Does it imitate the API of OpenAI?",
         does="speak the OpenAI API|replace the OpenAI API|work with OpenAI clients|understand OpenAI requests"
             "|act as an OpenAI server", key="openai|openai api|compatible|drop-in replacement",
         what="the API standard|the kind of API"),
    fact("curl", f"curl {f.ORIGIN}{f.CHAT_COMPLETIONS} -H 'Content-Type: application/json'"
                 f""" -d '{{"model":"{f.GUIDE}","messages":[{{"role":"user","content":"Hi"}}]}}'""",
         how="use curl|call it with curl|send a request with curl|try the API with curl|make a request in the shell"
             "|post a message with curl|test the API by hand with curl|call the API from bash",
         ask="Do you have a curl example?|Show me a curl command.|What does a curl call look like?"
             "|Can you give me a one-liner for the shell that talks to the API?"
             "|How does a request look on the command line with curl?|Show me the simplest HTTP request that works."
             "|I'd like to try the API by hand in a terminal with curl.|Which curl line sends a message?"
             "|Do you have something I can paste into bash to test the API?|Please write out a full curl request."
             "|What's a minimal request body for chat with headers and all?",
         what="a curl example|the curl command|an example request", key="curl|curl example|example request|curl one-liner"),
    fact("python", f'from openai import OpenAI; client = OpenAI(base_url="{f.API_BASE_URL}", api_key="any")',
         how="use it from Python|use the Python client|call it from Python|use openai-python|connect with the openai package"
             "|write a Python program for it|set up the OpenAI client in Python|talk to it from a Python script",
         ask="Do you have a Python example?|Does openai-python work?|How does the Python client connect?"
             "|What does the code look like in Python?|How do I create the OpenAI client in Python?"
             "|Show me a few lines of Python that connect.|I write Python, how do I call the model?"
             "|Which arguments does OpenAI() take in Python?|Can I use pip's openai package with it?"
             "|My Python script should talk to localllm.|I need a Python snippet for the API."
             "|Give me the import and the client line for Python.", what="the Python code|a Python example",
         key="python client|openai-python|python example|openai package|python snippet"),
    fact("node", f'const client = new OpenAI({{ baseURL: "{f.API_BASE_URL}", apiKey: "any" }})',
         how="use it from JavaScript|use it from Node|use openai-node|call it from TypeScript|connect from a Node program"
             "|connect my JavaScript app|create the client in TypeScript",
         ask="Do you have a JavaScript example?|Does openai-node work?|Does it work with Node.js?"
             "|I'm a JavaScript developer, how do I hook it up?|What does the client look like in TypeScript?"
             "|Show me how to make the client in JS.|Which baseURL line do I write in my Node app?"
             "|Can I use the openai npm package?|I need a snippet for Node, not for Python."
             "|What do I pass to new OpenAI in JavaScript?|How does a Next.js backend connect?",
         what="the JavaScript code|a Node example", key="javascript|node|typescript|openai-node|node.js|js example|npm openai"),
    fact("stream", 'Put "stream": true into the request; the answer then arrives as server-sent events.',
         how="stream the answer|get a streamed answer|turn on streaming|receive tokens one by one|use streaming"
             "|enable streaming|show the answer while it is being written|receive the answer in pieces",
         does="stream|support streaming|stream tokens|send partial answers as they come",
         ask="Is streaming supported?|Are tokens streamed?|Which field turns on streaming?"
             "|I want to see the words as they are written, not all at the end."
             "|My app waits for the whole answer, can it come bit by bit?"
             "|Can my program show the reply while it is being written?"
             "|What do I add to the request so that the text arrives in pieces?"
             "|Is there a way to get the output token by token?|How do I get that typewriter effect in my client?"
             "|Which setting in the JSON makes the answer stream?|Everything arrives in one block, I'd rather have it live."
             "|Can answers be sent as they are generated?", what="streaming|the stream field", key="stream|streaming|sse"),
    fact("stream-format", "Lines data: {...} with a blank line after each; the last one is data: [DONE].",
         ask="What does a stream look like?|How does a stream end?|What is [DONE]?|Which format do streams have?"
             "|How do I read the stream?|What do the chunks look like?"
             "|I'm writing my own parser for the stream, what will I receive?|How does my code notice that a stream is over?"
             "|What marks the end of a streamed answer?|What exactly arrives on the wire while streaming?"
             "|Are the pieces of a stream separated by blank lines?|Why does my stream end with the text DONE?"
             "|What does each line of an event stream begin with?|I have to decode the server-sent events myself.",
         what="the stream format|[DONE]|the format of the stream|the SSE format",
         key="[done]|stream format|sse format|chunks|end of stream",
         how="parse the stream|recognise the end of a stream|decode the events"),
    fact("usage", 'Set "stream_options": {"include_usage": true} to get the token counts of a stream.',
         how="get the usage of a stream|count the tokens of a stream|see the token counts when streaming"
             "|get usage in streaming|make a stream report its token numbers|add usage to the last chunk",
         what="include_usage|stream_options", key="include_usage|stream_options|usage in stream",
         ask="My stream has no token counts, how do I get them?|Why is usage missing when I stream?"
             "|Can a streamed answer tell me its token numbers?|What must I send so that the last chunk has usage?"
             "|usage is null in my stream, what is missing?|What does include_usage do?"
             "|Which option adds the token statistics to a stream?"
             "|I stream answers and still want to know how many tokens each took.",
         error="usage is missing in the stream|no token counts while streaming"),
    fact("usage-plain", "The field usage of the answer counts prompt, completion and cached tokens.",
         ask="How many tokens did I use?|Where are the token counts?|What is usage?|Which field counts tokens?"
             "|How do I know how many tokens a request cost?|Where does the reply say how long my prompt was in tokens?"
             "|Does the answer tell me how many tokens it has?|I'd like to log the token consumption of every call."
             "|What is in the usage object?|What does completion_tokens mean?|Where do I read prompt_tokens?"
             "|Which part of the response has the token numbers?",
         how="count tokens|see how many tokens I used|get the token count",
         what="the usage field|usage|the token count|prompt_tokens|the token consumption of a request",
         key="usage|token count|count tokens|completion_tokens|token consumption"),
    fact("cancel", "Close the connection: the answer is cancelled at the next step and its slot is free.",
         how="cancel a request|stop a stream|abort a request over the API|stop the generation from my program"
             "|cancel a running request|abort a generation from code|interrupt a running request|break off a stream",
         ask="What happens if the client disconnects?|What if I close the connection?|Is there a cancel endpoint?"
             "|The user of my app pressed stop, how do I abort the request?"
             "|How can my code interrupt an answer that is still running?"
             "|Does the model go on computing when my client goes away?"
             "|My program should break off a long generation, what does it do?|Which call aborts a running generation?"
             "|Is the work wasted if I hang up in the middle of a stream?|Can an API client stop an answer half-way?"
             "|I closed the browser tab of my app, is the model still busy?",
         key="cancel request|disconnect|abort request|abort generation", what="the way to cancel"),
    fact("temperature", "Temperature sets how random the answer is: 0 always takes the likeliest token.",
         ask="What is temperature?|What does temperature do?|Which temperature should I use?|What is temperature 0?"
             "|What is a good temperature?|Which knob makes the answers more creative?|Explain temperature to me."
             "|How do I control the randomness of the model?|Should the temperature be high or low?"
             "|What changes if I raise the temperature?|Is a low temperature better for facts?"
             "|My answers are too wild, which value do I lower?|What happens at temperature 1?",
         what="temperature|the temperature parameter|the temperature|the creativity setting",
         how="make answers less random|make answers more creative|set the temperature|control how creative it is"
             "|lower the temperature|get more varied answers", key="temperature|randomness"),
    fact("seed", 'Send "seed" with a number, or use temperature 0.',
         how="get the same answer twice|make answers reproducible|get deterministic answers|set a seed|fix the seed"
             "|get identical output on each run|make the output repeatable",
         ask="What is seed?|Can answers be reproduced?|Why is each answer different?|Are answers deterministic?"
             "|I run the same prompt twice and get two different texts.|How can I make my experiment repeatable?"
             "|Can I have exactly the same output every time?|My test needs identical answers on each run."
             "|Which field fixes the random numbers?|Why does it say something else every time I ask?"
             "|Is there a random seed I can pass?|Does the same prompt always give the same reply?"
             "|I'd like results that do not change between runs.", what="seed|the seed parameter",
         key="seed|deterministic|reproducible|same answer|random seed"),
    fact("max-tokens", 'Send "max_tokens" with the greatest number of tokens you want.',
         how="limit the length of the answer|get shorter answers|set max_tokens|limit the output|restrict the answer length"
             "|cap the number of tokens|shorten the answers|put a limit on the answer's length",
         what="max_tokens|the max_tokens parameter|the length limit",
         key="max_tokens|answer length|shorter answers|length|cap output",
         ask="What is max_tokens?|Which parameter limits the answer?|The answers are far too long, how do I cap them?"
             "|Is there a limit I can put on how much it writes?|How do I keep the reply under 100 tokens?"
             "|Which field says how long the answer may get?|My client should only receive a short reply, what do I pass?"
             "|I don't want more than a few tokens back.|It writes whole essays, can a request limit that?"
             "|What is max_completion_tokens?"),
    fact("stop-strings", 'Send "stop" with one or more strings; the answer ends before the first of them.',
         how="stop at a certain word|use stop strings|set stop sequences|end the answer at a newline|set a stop string"
             "|end the answer at a marker|cut the answer at a certain string|halt the output before a word",
         what="a stop string|the stop parameter|stop sequences", key="stop string|stop sequence|stop words|end marker",
         ask="What is a stop string?|Are stop strings supported?|What does stop do in a request?"
             "|The answer should end as soon as a certain word appears.|Can I make it halt before a given text?"
             "|Which field holds the words that end an answer?|I want the output to end at the first blank line."
             "|How do I make the model quit writing at a marker of mine?|Is there a parameter for end markers?"
             "|It goes on with User: after its answer, can I cut it there?"
             "|Can I give a list of strings where generation must end?"),
    fact("sampling", "All of llama.cpp: temperature, top_p, top_k, min_p, penalties, mirostat, DRY, XTC and more.",
         ask="Which sampling parameters are there?|Which samplers are supported?|Does it support min_p?"
             "|Does it support top_k?|Is mirostat supported?|Is DRY supported?|Does it have XTC?"
             "|Which knobs can I turn for choosing tokens?|Can I pass top_p in a request?"
             "|Does it know all the samplers of llama.cpp?|Are the sampling settings of llama.cpp available over the API?"
             "|Which generation parameters may I send?|Is XTC available?|Are presence and frequency penalties accepted?"
             "|I'd like to tune the sampling, what is on offer?|Which settings affect how the next token is picked?",
         what="the list of sampling parameters|the samplers|the sampling options",
         key="sampling|samplers|min_p|top_p|top_k|mirostat|dry|xtc|typical_p|top_n_sigma",
         does="accept min_p and top_k|know mirostat|offer all samplers"),
    fact("repeat", "Raise repeat_penalty a little, to 1.1 say, or use DRY.",
         how="avoid repetitions|stop it from repeating itself|reduce repetition|prevent loops|make it less repetitive"
             "|stop the model going in circles", what="repeat_penalty|the repeat penalty",
         error="the model repeats itself|the answer loops|it writes the same sentence again and again|endless repetition"
             "|it says the same thing over and over|the model is stuck in a loop"
             "|every paragraph is the same as the one before|the output goes round in circles",
         key="repetition|repeat_penalty|loops|repeats itself",
         ask="How do I get it out of its loop?|Why does it keep writing the same words?"
             "|Which setting is against repeated sentences?|It parrots its own text again and again, what can I do?"
             "|My model repeats one phrase without end.|What does repeat_penalty do?"),
    fact("logit-bias", "logit_bias raises or lowers the chance of single tokens, by token id.",
         ask="What is logit_bias?|Is logit_bias supported?|What does logit_bias do?|Can I forbid a token?"
             "|Can I ban a word from the answers by its token?|I never want to see a certain token."
             "|Which parameter makes single tokens more or less likely?|Can I push the model towards a particular token?"
             "|How do I suppress one token in the output?|I'd like to block certain tokens."
             "|Does it accept a map of token ids and biases?", what="logit_bias|a logit bias",
         how="forbid a token|use logit_bias|make a token more likely|ban a token|suppress certain tokens"
             "|raise the chance of a token", key="logit_bias|ban token|token bias"),
    fact("system-prompt", 'Send a first message with the role "system".',
         how="set a system prompt|use a system message|give the model a role|send a system message"
             "|set instructions for the model|give the model a persona|put instructions before the conversation"
             "|tell the model how to behave", what="a system prompt|the system message|the system prompt",
         key="system prompt|system message|persona",
         ask="Does it support system prompts?|Where do I put the system prompt?"
             "|How do I tell the model to behave like a pirate?"
             "|Where do I put general instructions for the whole conversation?|I want the model to play a character."
             "|How can my app give the model a persona?|Which role has the message with instructions?"
             "|How do I tell it once and for all to answer in rhyme?"
             "|Does the model take instructions before the first question?"
             "|My bot should always be polite, where do I say so in the request?"),
    fact("history", "Send all earlier messages with each request; the server itself keeps no conversation.",
         how="continue a conversation over the API|keep the history|send the chat history|have a conversation over the API"
             "|make the API remember what I said|ask a follow-up question over the API|keep a session between requests",
         ask="Does the API remember earlier messages?|Does the server keep my conversation?|Why does the API forget?"
             "|Is the API stateless?|My bot forgets what I said one message ago.|Each request seems to start from zero, why?"
             "|How does the API know what was said before?|Do I have to resend the whole conversation each time?"
             "|Is there a session on the server?|My second API call knows nothing of the first one."
             "|Who keeps the context of a chat, the client or the server?"
             "|How does my program make a follow-up question work?", what="the conversation history",
         key="history|conversation over api|stateless", error="the API forgets the previous message"),
    fact("tools", 'Send "tools" with your functions; the model answers with tool_calls, you send back the result.',
         how="use tools|use function calling|call functions|let the model call my function|use tool calls"
             "|give the model functions|build an agent with tools|define a tool",
         ask="Does it support tools?|Does function calling work?|Are tools supported?|Can the model call functions?"
             "|Can the model trigger my own functions?|I'd like the model to look things up with my code."
             "|How do I let the model run a function of my program?|Does the agent in my app get function calls back?"
             "|Can I describe functions that the model may use?|I'm building an agent, can the model use tools?"
             "|Where do I put my function definitions?|How does the model get the result of my function?",
         does="support tools|support function calling|support tool calls|let the model call my code",
         what="function calling|tool calling|a tool call", key="tools|function calling|tool calls|functions"),
    fact("v1-models-fast", f"{f.MODELS} answers at once, even while a model loads or writes.",
         ask="Does listing models wait for a load?|Is the model list slow while a model loads?|Does /v1/models block?"
             "|Does the model list hang while something is loading?"
             "|A big model is loading right now, can I still list the models?"
             "|Will the drop-down of my client freeze during a load?"
             "|Do I have to wait for the list of models while it generates?|How quickly does the models endpoint respond?"
             "|Is the list of models available when the server is busy?|Does a busy model delay the listing?"
             "|Is fetching the model list blocked by a running answer?",
         what="the speed of the model list|the waiting time for the model list",
         key="model list speed|model list busy|models endpoint while loading",
         does="list models while one is loading|answer the model list while it is busy"),
    fact("body-limit", "A request may have 64 MB.",
         ask="How large may a request be?|How big can a request be?|Is there a size limit for requests?"
             "|What is the biggest payload I can post?|My JSON is huge, will the server take it?"
             "|How many megabytes may I send in one request?|Can I post 100 MB at once?"
             "|I get 413 when I send a large document.|Is there a maximum for the body of a POST?"
             "|Up to which size are requests accepted?|Will a 10 MB request be refused?",
         what="the request size limit|the body limit|the largest request",
         error="413 request too large|request body too large|body too large|413 payload too large|request entity too large"
             "|my upload is refused as too big", key="body limit|request size|413|payload size"),
    fact("cors", "Pages from your own computer may call the API; other sites may not.",
         ask="Can a web page call the API?|Is CORS enabled?|Which origins are allowed?|Can my web app use the API?"
             "|My frontend calls the API with fetch and the browser blocks it."
             "|Can JavaScript in the browser talk to localllm?|May a site on another domain send requests to it?"
             "|My React app on localhost wants to use the server, is that allowed?"
             "|Which web pages are permitted to call the server?|Does it send Access-Control-Allow-Origin?"
             "|Can I call it from a page on example.com?",
         error="CORS error|blocked by CORS policy|no Access-Control-Allow-Origin|the preflight request fails"
             "|fetch is blocked by the browser|cross-origin request blocked", what="the CORS policy|CORS",
         key="cors|origin|cross-origin|browser access|fetch from browser|access-control-allow-origin"),
    fact("json-only", "Send the header Content-Type: application/json.",
         error="415 unsupported media type|unsupported media type|error 415|the server complains about the content type"
             "|415 for my POST request",
         ask="Which content type do I send?|Which header is needed?|Must requests be JSON?"
             "|The server refuses my POST because of its media type.|Can I send form data instead of JSON?"
             "|Which header must my POST have?|Does the body have to be JSON?|What do I put into the Content-Type header?"
             "|My request is rejected with 415.|Is multipart accepted?|In which format does the server want the body?",
         what="the content type|the request format", key="content-type|415|request header|media type",
         how="send the right content type"),
)  # fmt: skip
