"""Facts about models and the catalog."""

from __future__ import annotations

from localllm import facts as f

from .fact import fact

FACTS = (
    fact("add", f"Run {f.ADD} with the path of the GGUF file; it is used where it lies.",
         how="add a model|add my own model|use my own model|use a GGUF file|register a model|load my model|import a model"
             "|use a model I downloaded|install a model|add a gguf|use another model|bring my own model"
             "|hook up a model from my hard drive|point localllm at a file on my disk|make localllm use a file I already have",
         what="localllm add|the add command", key="add|add model|own model|add gguf|import model",
         ask="I have a GGUF file, what now?|Which command adds a model?|What does localllm add do?"
             "|I already downloaded a .gguf, how do I use it here?|There is a GGUF on my disk that I'd like to run."
             "|How does localllm get to know my own file?|I've got a model file lying around, how do I load it?"
             "|My model is in another folder, how do I tell localllm about it?"
             "|How can I make my local model file known to the program?|I have the weights on a USB disk, can I use them?"
             "|I fine-tuned a model and have the GGUF, what's next?|What do I type to bring in a file that I already have?"
             "|Can I use a model that LM Studio downloaded?"),
    fact("get-models", f"{f.PULL_HUB} downloads one from Hugging Face; {f.LIST} shows what the catalog offers.",
         how="get a model|download a model|find models|get a bigger model|get a better model|get a smarter model|get Llama"
             "|get Qwen|run Mistral|use a bigger model|run Gemma|find a good model"
             "|fetch a proper model from the web|replace the guide with something smarter",
         key="download|download model|bigger model"
         "|hugging face|better model", ask="Where do I get models?|Where are models from?|Where can I find GGUF files?"
         "|Which site has models?|Can I have a better model?"
             "|The guide is too limited, how do I get something smarter?|I'd like a real model, where can I fetch one?"
             "|You are too small for me, what do I do to get a bigger one?|From which place can I download other models?"
             "|How do I pull something from Hugging Face?|Is there a list of models I could download?"
             "|I want something cleverer than this tiny thing.|Where do people fetch their models?"
             "|How do I get DeepSeek or Phi onto my machine?|I have no model yet, where do I find one?"
             "|What is on offer for download?"),
    fact("gguf", "GGUF is the file format of llama.cpp: one file holds weights, tokenizer and chat template.",
         ask="What is GGUF?|What does GGUF mean?|What is a gguf file?|Which file format do models have?"
             "|What format does localllm read?|Why GGUF?"
             "|What kind of file is a .gguf?|What do the letters GGUF stand for?|Explain GGUF to me."
             "|What is inside a GGUF file?|Never heard of GGUF, what is it?|In which format must a model be?"
             "|Everybody talks about GGUF, what does it mean?|Which type of file does a model come in?|Is GGUF a kind of model?"
             "|What does a .gguf contain?", what="GGUF|a GGUF file|the GGUF format|the model format"
         "|the file format of the models", key="gguf|file format|format"
             "|gguf meaning|gguf contents"),
    fact("not-gguf", "Only GGUF files work; look for a GGUF version of the same model, or convert it.",
         ask="Do safetensors work?|Can it load PyTorch models?|Does it read safetensors?|Can I load a .bin model?"
             "|Are ONNX models supported?|Does MLX work?|Can I use AWQ files?"
             "|I only have safetensors, can I use them?|My model is a folder of safetensors files, will that run?"
             "|I have a model in another format, what do I do?|Will it take a .pt or .pth file?"
             "|Is any format other than GGUF accepted?|Can I run GPTQ or EXL2 models?|The model comes without a GGUF, what now?"
             "|How do I turn safetensors into GGUF?|Does it have to be GGUF or will other files do?"
             "|I got a .bin from Hugging Face and it doesn't work.", does="load safetensors|run ONNX models"
         "|load PyTorch weights|run MLX models|read safetensors files"
             "|open formats other than GGUF", key="safetensors|onnx|pytorch model|convert",
         how="use a model that is not GGUF|convert a model to GGUF"),
    fact("copied", "The file stays where it lies and is only read.",
         ask="Does add copy the file?|Is the model file copied?|Is my GGUF moved?|Does adding a model use disk space?"
             "|Will it change my model file?|Does localllm modify the file?"
             "|When I add a file, is a second copy made?|Do I need twice the space after adding a model?"
             "|Can I throw away the original file after adding it?|Does the GGUF stay in its folder when I add it?"
             "|After adding, where is my file?|Will adding a 40 GB file fill my disk?"
             "|Is the model duplicated when I register it?|Does it move my GGUF somewhere else?"
             "|Is my file left alone when I add it?|Does add touch the file or only read it?",
         does="copy my model file|move my files"
         "|change the GGUF file"
             "|duplicate the file I add|make a copy of my GGUF", key="copy of the file|file copied"),
    fact("id", "The id is the name that clients use for the model; you choose it with --id.",
         ask="What is the id of a model?|What does --id mean?|How are models named?|What is a model id?"
             "|Which name do I use in requests?"
             "|Which name do I put into the field model of a client?|What is --id good for?"
             "|What's the short name of a model for?|By which name does a client call my model?"
             "|Can I choose under which name a model appears when I add it?|I don't understand what the id is."
             "|Who decides what a model is called?|How does my client refer to a model?"
             "|Where does the name of a model come from?|What is meant by the ID of a model?",
         what="the model id|the --id option|the id|--id|the name of a model"
             "|the identifier of a model|the name that clients see",
         how="name a model|choose the name of a model|give a model an id", key="id|--id|model id|model name"),
    fact("rename", f"Change its id or add aliases in {f.CATALOG_FILE}.",
         how="rename a model|give a model another name|add an alias|change the id of a model|use two names for a model"
             "|change the name of a model later|give a model a shorter name",
         what="an alias|aliases", key="rename|alias|aliases", ask="Can a model have two names?"
             "|I don't like the name of my model, can I change it?|The id is far too long, can I shorten it?"
             "|How do I call my model gpt-4 for a client?"
             "|My program insists on the name gpt-3.5-turbo, can I give my model that name?"
             "|Is it possible to change an id afterwards?|Can I give one model several names?"
             "|I named my model wrongly, how do I correct that?|Where do I set aliases?|What is an alias good for?"
             "|I'd like a nickname for a model."),
    fact("pull", f"{f.PULL} downloads a model of the catalog.",
         ask="What does localllm pull do?|Which command downloads a model?|How does pull work?|What is pull for?"
             "|How do I fetch a model that is in the catalog?|What's the command for downloading?"
             "|What does the command pull do?|I saw localllm pull somewhere, what does it do?|Which command fetches a model?"
             "|What do I type to download an entry of the catalog?|The catalog names a model I don't have yet, how do I get it?"
             "|What is localllm pull good for?|When would I use pull?|Explain the command pull to me.",
         what="localllm pull|the pull command|the download command", how="use pull|pull a model|download a model of the catalog"
         "|fetch a model with a command"
             "|download what the catalog names|fetch a catalog entry", key="pull|localllm pull|pull command"),
    fact("resume", "Give the same pull again: it goes on where it stopped.",
         how="resume a download|continue an interrupted download|go on with a download|restart a broken download"
             "|finish a partial download",
         error="the download was interrupted|the download stopped|my download broke off|the connection broke during the pull"
             "|the pull failed halfway|the download hangs and does not finish",
         ask="What if the download is interrupted?|Are downloads resumed?|Must I download everything again?"
             "|My wifi dropped during the download, do I have to begin again?|The download died at 80 percent, what now?"
             "|I closed the laptop while it was downloading.|Can a download that was broken off be continued?"
             "|My internet went away in the middle of the pull.|Does pull pick up where it left off?"
             "|Half of the model is downloaded, how do I get the rest?|Is a half finished download lost?"
             "|I pressed Ctrl-C during pull, how do I go on?|Does it start from zero after a lost connection?",
         key="resume download|interrupted download|download stopped"),
    fact("fit", f"{f.FIT} shows which models fit into your memory, before loading them.",
         ask="Which models fit into my memory?|What does localllm fit do?|How do I know if a model fits?|Does this model fit?"
             "|Is there a command that tells me which models my machine can take?"
             "|Can I check before loading whether there is enough memory for a model?"
             "|How can I find out if my PC can handle a model?|Will this model run on my machine, how do I check?"
             "|Can I see beforehand whether a model is too big?"
             "|Which of the models would run on my laptop, is there a way to see?|What is the fit command good for?"
             "|Which command compares models with my memory?|I want to check the size of a model against my RAM."
             "|How do I know in advance that a model won't be too large?",
         what="localllm fit|the fit command", how="see which models fit|check that a model fits into memory|use fit"
         "|find out whether a model fits"
             "|check whether a model is too large for my machine|test if my RAM is enough for a model",
         key="fit|localllm fit|fits"),
    fact("rm-safe", "Only what localllm downloaded itself is deleted; your own files stay.",
         ask="Does rm delete my file?|Is my GGUF deleted when I remove a model?|What does rm delete?|Does removing a model delete"
             " the file?|Is it safe to use rm?"
             "|Will I lose my GGUF when I remove the model?|I added my own file; does rm throw it away?"
             "|If I remove a model, is the file gone too?|Is the file on my disk kept when I delete a model?"
             "|I'm afraid that rm deletes my own files.|Does rm erase what I downloaded by hand?"
             "|What is left on the disk after localllm rm?|Will removing a model touch the original file?"
             "|Does rm free disk space?|Are downloaded files deleted by rm?|Could rm destroy something of mine?",
         does="delete my own files|delete my GGUF file"
             "|erase my GGUF when I remove the model|keep my file when I remove a model", key="rm my file|is rm safe"),
    fact("ps", f"{f.IN_MEMORY} shows which models are in memory.",
         ask="Which models are in memory?|What does localllm ps do?|Which command shows the models in memory?|What is running now?"
             "|What is loaded right now?|Is there a command to see which models take up my RAM?"
             "|How can I tell which models are in RAM at the moment?|What occupies my memory right now?"
             "|Which models are active?|How do I see which models are running?|Can I print what is currently in memory?"
             "|Show me what is loaded at the moment.|What does the ps command list?|Which models are awake right now?",
         how="see which models are in memory|see what is running|use ps|list running models"
             "|print what is in RAM|find out which models are loaded at the moment|show the active models",
         what="localllm ps|the ps command"
         "|the list of running models", key="ps|localllm ps|running models|in memory"),
    fact("unload", f"{f.UNLOAD} unloads a model from memory.",
         ask="What does localllm stop do?|Which command unloads a model?|Can I unload a model by hand?|How does a model leave memory?"
             "|I want my RAM back without stopping the server.|How do I kick a model out of RAM?"
             "|The model still sits in memory, how do I get it out?|Is there a command that frees the memory right away?"
             "|What do I type to free the RAM that a model takes?|A model eats my memory, how can I throw it out?"
             "|I'm done with this model for now, how do I free its memory?|Can I close one model while the server goes on?"
             "|Is there a way to drop a loaded model?|How do I free my GPU memory from a model?",
         how="unload a model|unload a model now|stop a model|free the memory of a model|take a model out of memory|eject a model"
             "|drop a model from RAM|release the memory of a model|get a model out of my VRAM",
         what="localllm stop|the stop command", key="unload model|localllm stop|stop model|eject"),
    fact("remove", f"{f.REMOVE} removes a model.",
         how="remove a model|delete a model|forget a model|take a model off the list|unregister a model|uninstall a model"
             "|get rid of one model|throw away a model I don't use|drop an old model",
         what="localllm rm|the rm command", key="remove model|delete model|rm|localllm rm",
         ask="Which command removes a model?|I no longer want a model.|How do models go away?"
             "|How do I get rid of a model?|I don't need this model any more, how do I delete it?"
             "|A model shall disappear from my list.|What's the command to throw away a model?|What does localllm rm do?"
             "|There's an old model I'd like to delete.|I have too many models and want to drop some of them."
             "|How can I clean up old models?|How do I make a model vanish from the list?|Which command deletes a model?"),
    fact("catalog", f"{f.CATALOG_FILE} in your data folder: it lists your models and their settings.",
         ask="What is the catalog?|What is models.toml?|Where is the catalog?|Where is models.toml?"
             "|Where are models configured?|Which file lists the models?"
             "|In which file are my models written down?|Where is the configuration stored?|Is there a config file?"
             "|Where does localllm keep the settings of the models?|What is in models.toml?|Which file holds the settings?"
             "|What is the file models.toml for?|Where are the options of my models saved?|What's meant by the catalog?"
             "|How does localllm know which models I have?|Is there a file where I can see all settings?",
         key="catalog|models.toml|config file|settings file",
         what="the catalog|models.toml|the model catalog|the file with the models|the configuration file"
             "|the config file|the place of the settings"),
    fact("edit-catalog", "Edit it with any editor; changes count at once, without a restart, and comments stay.",
         ask="Do I need to restart after editing models.toml?|Are catalog edits picked up?|Is the catalog reloaded?"
             "|Will my comments in models.toml be kept?|Does it overwrite my catalog?|Must I restart after a change?"
             "|I changed models.toml, do I have to restart the server?|When does a change in the catalog take effect?"
             "|Can I change the settings by hand?|Can I write comments into models.toml?"
             "|Do changes in the config file count right away?|Will localllm throw my comments away?"
             "|Which editor do I use for models.toml?|May I edit the catalog while the server is running?"
             "|I edited the config, is a restart needed?|Are new settings used immediately?"
             "|Is it ok to change models.toml with Notepad?",
         how="edit the catalog|edit models.toml|change the catalog|change the settings of a model|configure a model",
         key="edit catalog|restart after change|edit models.toml",
         can="edit the catalog by hand|change settings without a restart"),
    fact("broken-catalog", "The last good catalog stays in use; the error names the line, the key and the nearest match.",
         ask="What if I break models.toml?|What happens with a typo in the catalog?|What if the catalog is wrong?"
             "|What happens after a bad edit?"
             "|I made a mistake in models.toml, what happens now?|Does a typo in the config stop the server?"
             "|What does localllm do if the catalog has an error?|I mistyped a key in the catalog."
             "|Will everything break if I write something wrong in models.toml?|My models.toml is no longer valid."
             "|How do I find the wrong line in the catalog?|What if there's a syntax error in the config file?"
             "|Is a mistake in the config dangerous?|How does it react to invalid TOML?",
         error="error in models.toml|the catalog is broken|unknown key in models.toml"
         "|catalog error|my catalog edit has no effect"
             "|models.toml cannot be parsed|invalid TOML in the catalog|there is a typo in models.toml",
         key="broken catalog|catalog error|toml error"),
    fact("home", f"Set the variable {f.HOME_VARIABLE} to a folder of your choice.",
         how="move the data folder|keep the files on another disk|change the data folder|use another folder"
             "|put everything in one folder|choose where files are kept"
             "|store the models on another drive|move the data to a bigger disk|change where models are saved",
         what=f"{f.HOME_VARIABLE}|the variable for the folder",
         key="LOCALLLM_HOME|data folder change|environment variable", ask="Is there an environment variable for the folder?"
             "|My C drive is small, can the data go to another drive?|How can I store the models on an external disk?"
             "|I want the models on my second drive.|Can I change where localllm puts its data?"
             "|How do I make it use a different directory for its files?|I'd like to have all data on a bigger disk, how?"
             "|Which variable sets the data directory?|Can the data folder be somewhere else?"
             "|I don't want the models in my user folder.|Can I relocate the downloaded models to drive D?",
         can="keep the data on an external drive"),
    fact("context", f"Set {f.KEY_CONTEXT} of the model in {f.CATALOG_FILE}.",
         how="change the context length|get a longer context|set n_ctx|increase the context|use a larger context window"
             "|make the context bigger"
             "|raise the context size|set the context to 8192 tokens", what="the context length setting|n_ctx",
         key="context length|n_ctx|longer context",
         ask="The context is too small for my document, how do I raise it?|How can I give the model more context?"
             "|Where do I set the context size?|I need 32k context, what do I change?|Which setting makes the context larger?"
             "|Can I raise the context of a model?|My model forgets the beginning of a long text, can I give it more room?"
             "|Where do I enter the number of context tokens?|I'd like a context of 16384 tokens."
             "|Which key in the catalog sets n_ctx?|Can I shrink the context to save memory?"),
    fact("context-meaning", "The context is how many tokens the model can see at once, prompt and answer together.",
         ask="What is the context length?|What does context mean?|What is a context window?|What does n_ctx mean?"
             "|Why is the context limited?"
             "|Explain the context to me.|What do people mean by context?"
             "|What is the context window of a model in simple words?"
             "|How much text can a model look at, and what is that called?|Does the context include the answer?"
             "|Do prompt and answer share the context?|Why does everybody talk about context length?"
             "|What is context measured in?|What does 8k context mean?|I don't get what a context is."
             "|Is the context the memory of a conversation?", what="a context|context length in general|the meaning of context"
             "|the idea of a context window|the context window of a model",
         key="meaning of context|context explained"),
    fact("token", "A token is a piece of a word; models read and write tokens, about 0.75 words each.",
         ask="What is a token?|What are tokens?|What does token mean?|How long is a token?|How many words is a token?"
             "|What do you mean by tokens?|Explain tokens to me.|Is a token a word?|How many letters are in a token?"
             "|How many tokens are 1000 words?|Is a token the same as a word?|I keep reading about tokens, what are they?"
             "|How much text is 1000 tokens?|Why are tokens used rather than words?|How do words relate to tokens?"
             "|Roughly how many tokens does one word have?",
         what="a token|tokens|the meaning of token", key="token|tokens|token meaning"
             "|tokens per word|words and tokens"),
    fact("aliases-default", f"The guide, as long as you have no other. To choose: {f.SERVE} --model ID",
         ask="Which model is the default?|Which model answers me?|Why does the guide answer?|What is used if I have no model?"
             "|Which model is used by default?"
             "|What happens if my request names no model?|Which model is taken when I don't say one?"
             "|I didn't choose a model, who answers?|Why do I get answers from the guide and not from my model?"
             "|How do I make my own model the default?|Which model replies if I leave out the model field?"
             "|I'd like another model to be the standard one.|Who answers when nothing is chosen?|Can I make Qwen the default?"
             "|Is the guide the standard model?", how="change the default model|set the default model"
             "|make a model the default|have my own model answer by default",
         what="the default model|the standard model", key="default model"),
    fact("which-model", "Take one whose file is clearly smaller than your free memory; 3B to 8B suits most laptops.",
         ask="Which model should I use?|Which model is best?|What model fits my laptop?|Can you recommend a model?"
             "|What is a good model?|Which size fits my computer?|Which model for 16 GB?|What model do you recommend?"
             "|I've got 8 GB of RAM, which model do you suggest?|Should I take a 3B or an 8B model?"
             "|Which model would you take on a laptop?|Which one is right for my computer?|So many models, which shall I pick?"
             "|How large should my first model be?|What's a sensible model for a beginner?"
             "|My machine has 32 GB, what can I run?|Is a 7B or a 14B better for my laptop?|Which size of model do you suggest?"
             "|Can you suggest a decent model?|Which of all these models is right for me?",
         how="choose a model|pick the right model|find a model that fits"
             "|decide which model to take", key="recommend|best model|which model"),
    fact("memory", "About the size of its file, plus some for the context. A 7B model in Q4 needs about 5 GB.",
         ask="How much memory does a model need?|How much RAM do I need?|How much RAM does a 7B model need?"
             "|Is 8 GB enough?|How much VRAM do I need?|How big are models?|Will it fit in my memory?"
             "|What amount of RAM does a 13B model take?|How many gigabytes does a 7B model need?"
             "|Is 16 GB of RAM sufficient for 7B?|How do I estimate the memory of a model?|How heavy is a 7B model on my RAM?"
             "|Are big models hungry for memory?|How much RAM should a computer have for this?"
             "|How does the file size relate to the memory used?|How many GB of VRAM does it take?"
             "|Does a longer context take more memory?|What's the RAM usage of a model?",
         what="the memory needed|the RAM requirement", key="memory|ram|vram|memory needed"
             "|ram for 7b|gb of ram"),
    fact("quant", "Quantization stores weights in fewer bits: smaller and faster, a little less exact.",
         ask="What is quantization?|What does Q8_0 mean?|What does quantized mean?|What does Q4_K_M mean?|What are quants?"
             "|Why are models quantized?"
             "|What's the meaning of Q4 in the file name?|What do names like Q5_K_M stand for?|Explain quantization to me."
             "|Does quantization make a model worse?|Why do the files have Q4 or Q8 in their names?"
             "|What's the point of quantizing a model?|How does a model get smaller by quantization?"
             "|What do they mean by 4-bit?|Do I lose quality with a quantized model?|What is a quant, in simple words?"
             "|What happens to a model when it is quantized?", what="quantization|a quant|Q4_K_M|a quantized model|Q8_0"
             "|the meaning of Q4|quantizing",
         key="quantization|quant|q4_k_m|q8_0"),
    fact("which-quant", "Q4_K_M is a good choice; take Q8_0 if you have the memory.",
         ask="Which quant should I take?|Which quantization is best?|Q4 or Q8?|Is Q4_K_M good?|Which GGUF file do I choose?"
             "|Which quant do you recommend?"
             "|Should I take Q4 or Q8?|Which of the many GGUF files on the page do I download?"
             "|There are ten files for one model, which one do I pick?|Q4_K_M, Q5_K_M or Q8_0?|Is Q8_0 worth the extra memory?"
             "|Which quantization would you take?|Is Q2 too little?|What's the sweet spot among the quants?"
             "|Which Q should I get?|I don't know which quant to download.|Is Q4 good enough or should I take Q8?",
         what="the best quant|the recommended quantization",
         how="choose a quant|pick a quantization"
             "|decide between Q4 and Q8|choose the best quantization level", key="best quant|which quant|q4 or q8"),
    fact("several", "Yes: each request names its model, and each loaded model has its own process.",
         ask="Can I use several models?|Can two models run at once?|Does it serve many models?|Can I have more than one model?"
             "|Are several models possible?"
             "|Is it possible to have two models loaded side by side?|I'd like Llama and Qwen running at the same time."
             "|Can I keep a chat model and an embedding model open together?|Am I limited to one model?"
             "|Is only one model allowed at a time?|Could one server offer three models?|Do different models work in parallel?"
             "|Can I load a second model next to the first?|How many models may be loaded together?"
             "|Do I need a second server for a second model?", can="run two models|use several models|switch models in a request"
         "|serve many models at once|load more than one model"
             "|have several models in memory together|run a small and a big model side by side",
         key="several models|many models|two models",
         does="handle more than one model"),
    fact("switch", "Put another model id in the field model of your request.",
         how="switch models|switch the model|select a model in a request|change the model of a request|use another model in"
             " the API|tell the API which model I want"
             "|address a certain model in the JSON|swap the model from my client", key="switch model|select model",
         what="the field model",
         ask="How does my client say which model it wants?|Which field of the request chooses the model?"
             "|I want the next request to go to another model.|Where in the JSON do I name the model?"
             "|How do I talk to a different model over the API?|Do I have to restart to change the model of a request?"
             "|My program should use the other model, what do I change?|How do I go from one model to another?"
             "|Can each request choose its own model?|What do I send to use a certain model?"),
    fact("keep-alive", f"Set {f.KEY_KEEP_ALIVE} of the model in {f.CATALOG_FILE}, for example to 10m or forever.",
         how="keep a model loaded|change how long a model stays loaded|set the keep-alive|change when a model is unloaded"
             "|free the memory after some time"
             "|keep a model in RAM all day|set an idle timeout for a model", what="keep-alive|the keep-alive setting",
         key="keep-alive|keep alive|keep_alive",
         ask="How long does a model stay loaded?|When is a model unloaded?"
             "|My model gets unloaded after a while, can I prevent that?|After how many minutes does an idle model go away?"
             "|I want the model to stay in memory forever.|How do I stop it from unloading my model?"
             "|The model is loaded anew after every break.|Can an idle model free its memory by itself?"
             "|Can I set a timeout for idle models?|How long is a model kept in RAM when nobody uses it?"
             "|Can a model stay loaded all day?|Why does my model vanish from memory after some minutes?"
             "|Which setting controls the idle time of a model?"),
    fact("sampling-defaults", f"Set sampling defaults for the model in {f.CATALOG_FILE}; a request can change them.",
         how="set default sampling parameters|set a default temperature|change the default temperature of a model"
             "|set sampling defaults"
             "|save sampling values for a model|preset the temperature of a model",
         what="the sampling defaults|the default temperature", key="sampling defaults",
         ask="Can I fix the temperature of a model once for all requests?|I don't want to send temperature each time."
             "|Where do I store a temperature for every request to a model?|Can a model have its own default top_p?"
             "|Which settings apply if a request has no temperature?|Is there a place for standard sampling values?"
             "|How do I give a model a permanent temperature?|Can I configure top_k for one model?"
             "|Does a request override the defaults of the catalog?|My client cannot set a temperature, can the server do it?"),
    fact("parallel", f"Set {f.KEY_PARALLEL} of the model in {f.CATALOG_FILE}.",
         how="answer more requests at once|set parallel sequences|allow more users at once|change the number of slots"
             "|set the number of parallel requests"
             "|raise the limit of simultaneous requests|configure more slots|set how many requests a model takes at once",
         what="parallel sequences|the number of slots", key="parallel|slots",
         ask="Where do I set how many requests run together?|How do I raise the number of slots?"
             "|My model takes too few requests at once, what do I change?"
             "|Which setting says how many users a model serves at once?"
             "|I want eight requests at the same time.|Can I limit a model to one request at a time?"
             "|How many slots does a model have, and where is it set?|Which key is for parallel sequences?"
             "|We have ten users, where do I raise the limit?|Is the number of simultaneous requests adjustable?"),
    fact("many-users", "Requests run together in one batch, and no stream waits for another to finish.",
         ask="Can several people use it at once?|Does it handle parallel requests?|Do requests wait for each other?"
             "|Can two users chat at the same time?|Is there batching?"
             "|Will my colleagues have to queue?|What if two people ask at the same moment?"
             "|Does the second user wait until the first answer is done?|Is it fit for a whole team?"
             "|How does it deal with many requests at the same time?|Can my family use it together?"
             "|Do simultaneous requests block one another?|Is there a queue for requests?"
             "|Ten people want to use one server, will it work?|Are requests handled one after another or together?",
         does="serve several users|batch requests"
         "|answer requests in parallel|do continuous batching"
             "|work for a whole team|answer two people at the same time", key="batching|concurrency|parallel requests|many users"
             "|simultaneous users"),
    fact("threads", f"Set {f.KEY_THREADS} of the model in {f.CATALOG_FILE}; the number of real cores is a good value.",
         how="set the number of threads|use more cores|change the threads|use fewer threads|limit the CPU use|use all cores"
             "|let it take fewer cores|reduce the load on my processor",
         what="the number of threads|the threads setting", key="threads|cpu cores|cores|cpu usage",
         ask="How many threads does it use?|How many threads are best?"
             "|My CPU is at 100 percent, can I limit it?|How do I make it use all my cores?"
             "|It takes all of my processor, how do I restrain it?|Can I limit how many cores a model takes?"
             "|What number of threads should I set?|My fan is loud, can it use fewer cores?"
             "|Where do I say how many CPU threads are used?|I've got 16 cores but only 4 are busy."
             "|Are more threads always better?|Should threads equal the number of cores?"),
    fact("chat-template", "It is in the GGUF file and turns messages into the prompt the model was trained on.",
         ask="What is a chat template?|Where does the chat template come from?|Which prompt format is used?"
             "|Do I have to format the prompt?|Where is the prompt template?"
             "|How do my messages become a prompt?|Do I have to add special tokens by hand?|Must I write [INST] or <s> myself?"
             "|Which template does the model use for chat?|What turns messages into a prompt?"
             "|Is the chat format part of the model file?|Do I need to set ChatML myself?"
             "|How does it know the prompt format of my model?|Can I see the template of the conversation?"
             "|Where does localllm take the prompt template from?", what="the chat template|a chat template"
         "|the prompt format"
             "|the conversation template|the template for messages", key="chat template|prompt format|prompt template"
             "|chatml|special tokens"),
)  # fmt: skip
