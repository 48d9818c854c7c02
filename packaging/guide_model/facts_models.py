"""Facts about models, the catalog, speed, memory and privacy."""

from __future__ import annotations

from localllm import facts as f

from .fact import fact

MODELS = (
    fact("add", f"Run {f.ADD} with the path of the GGUF file; it is used where it lies.",
         how="add a model|add my own model|use my own model|use a GGUF file|register a model|load my model|import a model"
             "|use a model I downloaded|install a model|add a gguf|use another model|bring my own model",
         what="localllm add|the add command", key="add|add model|own model|add gguf|import model",
         ask="I have a GGUF file, what now?|Which command adds a model?|What does localllm add do?"),
    fact("get-models", f"{f.PULL_HUB} downloads one from Hugging Face; {f.LIST} shows what the catalog offers.",
         how="get a model|download a model|find models|get a bigger model|get a better model|get a smarter model|get Llama"
             "|get Qwen|run Mistral|use a bigger model|run Gemma|find a good model", key="download|download model|bigger model"
         "|hugging face|better model", ask="Where do I get models?|Where are models from?|Where can I find GGUF files?"
         "|Which site has models?|Can I have a better model?"),
    fact("gguf", "GGUF is the file format of llama.cpp: one file holds weights, tokenizer and chat template.",
         ask="What is GGUF?|What does GGUF mean?|What is a gguf file?|Which file format do models have?"
             "|What format does localllm read?|Why GGUF?", what="GGUF|a GGUF file|the GGUF format|the model format"
         "|the file format of the models", key="gguf|file format|format"),
    fact("not-gguf", "Only GGUF files work; look for a GGUF version of the same model, or convert it.",
         ask="Do safetensors work?|Can it load PyTorch models?|Does it read safetensors?|Can I load a .bin model?"
             "|Are ONNX models supported?|Does MLX work?|Can I use AWQ files?", does="load safetensors|run ONNX models"
         "|load PyTorch weights|run MLX models|read safetensors files", key="safetensors|onnx|pytorch model|convert"),
    fact("copied", "The file stays where it lies and is only read.",
         ask="Does add copy the file?|Is the model file copied?|Is my GGUF moved?|Does adding a model use disk space?"
             "|Will it change my model file?|Does localllm modify the file?", does="copy my model file|move my files"
         "|change the GGUF file", key="copy of the file|file copied"),
    fact("id", "The id is the name that clients use for the model; you choose it with --id.",
         ask="What is the id of a model?|What does --id mean?|How are models named?|What is a model id?"
             "|Which name do I use in requests?", what="the model id|the --id option|the id|--id|the name of a model",
         how="name a model|choose the name of a model|give a model an id", key="id|--id|model id|model name"),
    fact("rename", f"Change its id or add aliases in {f.CATALOG_FILE}.",
         how="rename a model|give a model another name|add an alias|change the id of a model|use two names for a model",
         what="an alias|aliases", key="rename|alias|aliases", ask="Can a model have two names?"),
    fact("pull", f"{f.PULL} downloads a model of the catalog.",
         ask="What does localllm pull do?|Which command downloads a model?|How does pull work?|What is pull for?",
         what="localllm pull|the pull command|the download command", how="use pull|pull a model|download a model of the catalog"
         "|fetch a model with a command", key="pull|localllm pull|pull command"),
    fact("resume", "Give the same pull again: it goes on where it stopped.",
         how="resume a download|continue an interrupted download|go on with a download|restart a broken download",
         error="the download was interrupted|the download stopped|my download broke off|the connection broke during the pull",
         ask="What if the download is interrupted?|Are downloads resumed?|Must I download everything again?",
         key="resume download|interrupted download|download stopped"),
    fact("fit", f"{f.FIT} shows which models fit into your memory, before loading them.",
         ask="Which models fit into my memory?|What does localllm fit do?|How do I know if a model fits?|Does this model fit?",
         what="localllm fit|the fit command", how="see which models fit|check that a model fits into memory|use fit"
         "|find out whether a model fits", key="fit|localllm fit|fits"),
    fact("rm-safe", "Only what localllm downloaded itself is deleted; your own files stay.",
         ask="Does rm delete my file?|Is my GGUF deleted when I remove a model?|What does rm delete?|Does removing a model delete"
             " the file?|Is it safe to use rm?", does="delete my own files|delete my GGUF file", key="rm my file|is rm safe"),
    fact("ps", f"{f.IN_MEMORY} shows which models are in memory.",
         ask="Which models are in memory?|What does localllm ps do?|Which command shows the models in memory?|What is running now?",
         how="see which models are in memory|see what is running|use ps|list running models", what="localllm ps|the ps command"
         "|the list of running models", key="ps|localllm ps|running models|in memory"),
    fact("unload", f"{f.UNLOAD} unloads a model from memory.",
         ask="What does localllm stop do?|Which command unloads a model?|Can I unload a model by hand?|How does a model leave memory?",
         how="unload a model|unload a model now|stop a model|free the memory of a model|take a model out of memory|eject a model",
         what="localllm stop|the stop command", key="unload model|localllm stop|stop model|eject"),
    fact("remove", f"{f.REMOVE} removes a model.",
         how="remove a model|delete a model|forget a model|take a model off the list|unregister a model|uninstall a model",
         what="localllm rm|the rm command", key="remove model|delete model|rm|localllm rm", ask="Which command removes a model?|I no longer want a model.|How do models go away?"),
    fact("catalog", f"{f.CATALOG_FILE} in your data folder: it lists your models and their settings.",
         ask="What is the catalog?|What is models.toml?|Where is the catalog?|Where is models.toml?"
             "|Where are models configured?|Which file lists the models?", key="catalog|models.toml|config file|settings file",
         what="the catalog|models.toml|the model catalog|the file with the models|the configuration file"),
    fact("edit-catalog", "Edit it with any editor; changes count at once, without a restart, and comments stay.",
         ask="Do I need to restart after editing models.toml?|Are catalog edits picked up?|Is the catalog reloaded?"
             "|Will my comments in models.toml be kept?|Does it overwrite my catalog?|Must I restart after a change?",
         how="edit the catalog|edit models.toml|change the catalog|change the settings of a model|configure a model",
         key="edit catalog|restart after change|edit models.toml"),
    fact("broken-catalog", "The last good catalog stays in use; the error names the line, the key and the nearest match.",
         ask="What if I break models.toml?|What happens with a typo in the catalog?|What if the catalog is wrong?"
             "|What happens after a bad edit?", error="error in models.toml|the catalog is broken|unknown key in models.toml"
         "|catalog error|my catalog edit has no effect", key="broken catalog|catalog error|toml error"),
    fact("home", f"Set the variable {f.HOME_VARIABLE} to a folder of your choice.",
         how="move the data folder|keep the files on another disk|change the data folder|use another folder"
             "|put everything in one folder|choose where files are kept", what=f"{f.HOME_VARIABLE}|the variable for the folder",
         key="LOCALLLM_HOME|data folder change|environment variable", ask="Is there an environment variable for the folder?"),
    fact("context", f"Set {f.KEY_CONTEXT} of the model in {f.CATALOG_FILE}.",
         how="change the context length|get a longer context|set n_ctx|increase the context|use a larger context window"
             "|make the context bigger", what="the context length setting|n_ctx", key="context length|n_ctx|longer context"),
    fact("context-meaning", "The context is how many tokens the model can see at once, prompt and answer together.",
         ask="What is the context length?|What does context mean?|What is a context window?|What does n_ctx mean?"
             "|Why is the context limited?", what="a context|context length in general|the meaning of context",
         key="meaning of context|context explained"),
    fact("token", "A token is a piece of a word; models read and write tokens, about 0.75 words each.",
         ask="What is a token?|What are tokens?|What does token mean?|How long is a token?|How many words is a token?",
         what="a token|tokens|the meaning of token", key="token|tokens|token meaning"),
    fact("aliases-default", f"The guide, as long as you have no other. To choose: {f.SERVE} --model ID",
         ask="Which model is the default?|Which model answers me?|Why does the guide answer?|What is used if I have no model?"
             "|Which model is used by default?", how="change the default model|set the default model",
         what="the default model|the standard model", key="default model"),
    fact("which-model", "Take one whose file is clearly smaller than your free memory; 3B to 8B suits most laptops.",
         ask="Which model should I use?|Which model is best?|What model fits my laptop?|Can you recommend a model?"
             "|What is a good model?|Which size fits my computer?|Which model for 16 GB?|What model do you recommend?",
         how="choose a model|pick the right model|find a model that fits", key="recommend|best model|which model"),
    fact("memory", "About the size of its file, plus some for the context. A 7B model in Q4 needs about 5 GB.",
         ask="How much memory does a model need?|How much RAM do I need?|How much RAM does a 7B model need?"
             "|Is 8 GB enough?|How much VRAM do I need?|How big are models?|Will it fit in my memory?",
         what="the memory needed|the RAM requirement", key="memory|ram|vram|memory needed"),
    fact("quant", "Quantization stores weights in fewer bits: smaller and faster, a little less exact.",
         ask="What is quantization?|What does Q8_0 mean?|What does quantized mean?|What does Q4_K_M mean?|What are quants?"
             "|Why are models quantized?", what="quantization|a quant|Q4_K_M|a quantized model|Q8_0",
         key="quantization|quant|q4_k_m|q8_0"),
    fact("which-quant", "Q4_K_M is a good choice; take Q8_0 if you have the memory.",
         ask="Which quant should I take?|Which quantization is best?|Q4 or Q8?|Is Q4_K_M good?|Which GGUF file do I choose?"
             "|Which quant do you recommend?", what="the best quant|the recommended quantization",
         how="choose a quant|pick a quantization", key="best quant|which quant|q4 or q8"),
    fact("several", "Yes: each request names its model, and each loaded model has its own process.",
         ask="Can I use several models?|Can two models run at once?|Does it serve many models?|Can I have more than one model?"
             "|Are several models possible?", can="run two models|use several models|switch models in a request"
         "|serve many models at once|load more than one model", key="several models|many models|two models"),
    fact("switch", "Put another model id in the field model of your request.",
         how="switch models|switch the model|select a model in a request|change the model of a request|use another model in"
             " the API|tell the API which model I want", key="switch model|select model", what="the field model"),
    fact("keep-alive", f"Set {f.KEY_KEEP_ALIVE} of the model in {f.CATALOG_FILE}, for example to 10m or forever.",
         how="keep a model loaded|change how long a model stays loaded|set the keep-alive|change when a model is unloaded"
             "|free the memory after some time", what="keep-alive|the keep-alive setting", key="keep-alive|keep alive|keep_alive",
         ask="How long does a model stay loaded?|When is a model unloaded?"),
    fact("sampling-defaults", f"Set sampling defaults for the model in {f.CATALOG_FILE}; a request can change them.",
         how="set default sampling parameters|set a default temperature|change the default temperature of a model"
             "|set sampling defaults", what="the sampling defaults|the default temperature", key="sampling defaults"),
    fact("parallel", f"Set {f.KEY_PARALLEL} of the model in {f.CATALOG_FILE}.",
         how="answer more requests at once|set parallel sequences|allow more users at once|change the number of slots"
             "|set the number of parallel requests", what="parallel sequences|the number of slots", key="parallel|slots"),
    fact("many-users", "Requests run together in one batch, and no stream waits for another to finish.",
         ask="Can several people use it at once?|Does it handle parallel requests?|Do requests wait for each other?"
             "|Can two users chat at the same time?|Is there batching?", does="serve several users|batch requests"
         "|answer requests in parallel|do continuous batching", key="batching|concurrency|parallel requests|many users"),
    fact("threads", f"Set {f.KEY_THREADS} of the model in {f.CATALOG_FILE}; the number of real cores is a good value.",
         how="set the number of threads|use more cores|change the threads|use fewer threads|limit the CPU use|use all cores",
         what="the number of threads|the threads setting", key="threads|cpu cores|cores|cpu usage",
         ask="How many threads does it use?|How many threads are best?"),
    fact("chat-template", "It is in the GGUF file and turns messages into the prompt the model was trained on.",
         ask="What is a chat template?|Where does the chat template come from?|Which prompt format is used?"
             "|Do I have to format the prompt?|Where is the prompt template?", what="the chat template|a chat template"
         "|the prompt format", key="chat template|prompt format|prompt template"),
)  # fmt: skip

SPEED = (
    fact("gpu", f"Set {f.KEY_GPU_LAYERS} of the model in {f.CATALOG_FILE}; {f.DOCTOR} shows the devices.",
         how="use my GPU|use the graphics card|run on the GPU|offload layers to the GPU|set GPU layers|enable the GPU"
             "|make it use my video card", what="the GPU layers setting|GPU offload|n_gpu_layers", key="gpu|graphics card"
         "|gpu layers|offload|n_gpu_layers", ask="Does it use my GPU?|Is my GPU used?", does="use my GPU|use the GPU"),
    fact("cuda", "Nvidia cards work with a build for CUDA; the README says which flag to use.",
         ask="Does it support CUDA?|Does it run on Nvidia cards?|Does my RTX work?|Is CUDA supported?",
         how="use CUDA|use my Nvidia GPU|build with CUDA|enable CUDA|use my RTX card|get CUDA support",
         key="cuda|nvidia|rtx|geforce", what="CUDA support|the CUDA flag"),
    fact("metal", "On a Mac, Metal is used by itself; you need not do anything.",
         ask="Does it use Metal?|Does it support Apple Silicon?|Does it run fast on an M2?|Is the Mac GPU used?"
             "|Does my MacBook's GPU work?", how="use Metal|use the GPU of my Mac|enable Metal|use Apple Silicon",
         key="metal|apple silicon|m1|m2|mac gpu", what="Metal support"),
    fact("no-gpu", "A CPU is enough; small models run well on it.",
         ask="Do I need a GPU?|Does it run without a GPU?|Is a CPU enough?|Can it run on the CPU?|Is a graphics card needed?"
             "|Do I need a graphics card?", does="run without a GPU|work on a CPU only", key="cpu only|without gpu|no gpu"),
    fact("devices", f"{f.DOCTOR} lists the devices and their free memory.",
         ask="Which devices are found?|Which GPU does localllm see?|How much GPU memory is free?|Is my GPU found?"
             "|Does it see my graphics card?", how="see my devices|see the GPU|check that the GPU is found",
         what="the list of devices|the free GPU memory", key="devices|gpu found|free vram"),
    fact("faster", "Use a smaller model or quant, put layers on the GPU, and set threads to the number of real cores.",
         how="make it faster|speed it up|get more tokens per second|improve the speed|increase the speed|make answers faster",
         error="it is slow|the answers are slow|generation is very slow|it is too slow|only 2 tokens per second"
               "|my model is so slow", key="slow|speed|faster|performance|tokens per second", ask="Why is it so slow?"),
    fact("speed-shown", f"{f.CHAT} shows the tokens per second after each answer.",
         ask="How fast is my model?|Where do I see the speed?|Is the speed shown?|Where are tokens per second shown?"
             "|How many tokens per second do I get?", how="measure the speed|see the speed|see tokens per second",
         key="see speed|measure speed|tokens/s"),
    fact("first-answer", "The first request loads the model; after that it stays in memory and answers faster.",
         ask="Why is the first answer slow?|Why does the first request take long?|Why do I wait at the first message?"
             "|Why is only the first reply slow?", error="the first answer takes long|the first request is slow"
         "|the first message is slow", key="first answer slow|loading time|cold start"),
    fact("prefix", "What two prompts share at their beginning is computed once and used again.",
         ask="Is there a prompt cache?|Is the prompt computed again each time?|Does it cache prompts?|What is cached?"
             "|What is prefix caching?", what="the prompt cache|the prefix cache|prefix caching|cached_tokens",
         does="cache prompts|reuse the prompt", key="prompt cache|prefix cache|kv cache|cached_tokens"),
    fact("long-prompt", "Long prompts are read in pieces, so running streams go on meanwhile.",
         ask="Does a long prompt block others?|Do long prompts stop other streams?|What happens with a very long prompt?"
             "|Does one long prompt hold up everybody?", what="chunked prefill|prefill", key="long prompt|chunked prefill"),
)  # fmt: skip

PRIVACY = (
    fact("privacy", "Your prompts and answers never leave your computer.",
         ask="Does my data leave my computer?|Is my data sent anywhere?|Are my chats uploaded?|Is it private?|Who reads my"
             " chats?|Are my prompts sent to a server?|Do you send my data away?|Is my data safe?|Do you spy on me?",
         does="send my data to the cloud|upload my chats|share my data|send data to OpenAI", key="privacy|data|private|cloud",
         what="the privacy policy"),
    fact("offline", "Once installed, localllm works without any network.",
         ask="Does it work offline?|Do I need the internet?|Can I use it without internet?|Is a network needed?"
             "|Does it run on a plane?", does="work offline|run without internet|work without a network connection",
         can="use it offline|use it on a plane|unplug the network", key="offline|internet|no network"),
    fact("telemetry", "There is no telemetry, no account and no tracking.",
         ask="Is there telemetry?|Does it phone home?|Do I need an account?|Do I have to register?|Are there ads?"
             "|Does it collect statistics?|Do I need to sign up?|Do I need to log in?", does="collect usage data|track me"
         "|phone home|send telemetry", key="telemetry|tracking|account|registration|login"),
    fact("open-network", "Then a key is required; one is made and shown, and every request must carry it.",
         ask="Is it safe to listen on the network?|What happens if I listen on 0.0.0.0?|Is the network use protected?"
             "|Is there a password?|Why is a key generated?|Why do I suddenly need a key?",
         how="protect the server|secure the server|set a password", key="security|password|protect|safe on network"),
    fact("set-key", f"{f.SERVE} --api-key KEY sets a key that every client must send.",
         how="set an API key|set my own key|choose the key|require a key|use a key of my own|protect the API with a key",
         what="the --api-key option|--api-key", key="set key|--api-key|own key", ask="Can I choose the key myself?"
         "|Which option sets the key?|How do I make clients send a key?"),
    fact("guard", "It checks the Host and Origin of requests, so that web pages you visit cannot use it.",
         ask="Can a website use my server?|Is it safe against web pages?|What about DNS rebinding?|Is it secure?"
             "|What does the guard do?|Can a web page attack it?", what="the Host check|the guard|the protection against"
         " web pages|DNS rebinding", key="dns rebinding|csrf|host check|guard"),
)  # fmt: skip

FACTS = MODELS + SPEED + PRIVACY
