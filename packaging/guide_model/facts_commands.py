"""Facts about the commands."""

from __future__ import annotations

from localllm import facts as f

from .fact import fact

FACTS = (
    fact("run", f"Type {f.RUN} without a command: it serves and opens the page in your browser.",
         how="start localllm|run localllm|launch localllm|open localllm|start the program|start it|open the app"
             "|fire up localllm|open this program|get the app to start|start everything with one command|boot it up",
         ask="What happens when I type localllm?|What does localllm do without a command?|How is the app started?"
             "|What is the simplest way to start?|Which command opens the app?|What do I enter to open localllm?"
             "|I have installed it, how do I open it?|Does it open a browser?|What does the bare command localllm do?"
             "|Will a page open when I start it?|What if I give no command?|How do I get it going again tomorrow?"
             "|How do I start this thing?",
         key="start|launch|run|open app|fire up|run app|start program"),
    fact("serve", f"{f.SERVE} starts the server on {f.ORIGIN}.",
         how="start the server|run the server|launch the server|serve a model|start the API server|run a local server"
             "|make the API available|serve models|bring up the server|fire up the server|run localllm as a server"
             "|start only the server|offer models over HTTP|start the web server|turn on the API|get the API running"
             "|put a model behind an API",
         what="localllm serve|the serve command|serve",
         ask="What does localllm serve do?|Which command starts the server?|How is the server started?"
             "|Which command makes the API run?|How do I bring the API up?|I need the server running, how?"
             "|Which command serves models?|I'd like an API on my machine, what do I run?"
             "|How can I have a local OpenAI server?|What does serve do?",
         key="serve|server|start server|run server|launch server|api server|local server"),
    fact("stop", "Press Ctrl-C in the terminal where localllm runs.",
         how="stop the server|stop localllm|quit localllm|end the program|shut down the server|close localllm|exit localllm"
             "|turn it off|terminate the server|shut it down|kill the server|stop the whole program|halt the server"
             "|end localllm|switch the server off|bring the server down|close the program|stop serving",
         key="stop|quit|shutdown|exit|stop server|turn off|halt|kill server|end program",
         ask="How is the server stopped?|Which key stops the server?|How do I quit the whole app?|I want the server to stop."
             "|The server is still running, how do I end it?|What do I press to stop localllm?|How can I turn the server off?"
             "|Which keys end the program?|I'm done for today, how do I close it?"),
    fact("commands", f"The commands are {', '.join(f.COMMANDS)}. Try {f.RUN} --help.",
         ask="Which commands are there?|What commands exist?|What commands does localllm have?|What can I type?"
             "|How do I get help on the command line?|Where is the help?|What can I do on the command line?"
             "|Which subcommands does it have?|Is there a list of commands?|What are all the commands?|Show me the commands."
             "|What words can stand after localllm?|Is there a --help option?|Which commands does the program know?"
             "|I forgot the command, where is the list?|What other commands does localllm offer?|Where do I look up a command?",
         what="the list of commands|the commands|the CLI|the command line interface",
         how="see all commands|see the help|list the commands|find the right command|print the help|get the list of commands"
             "|see the available commands",
         key="commands|cli|--help|subcommands|all commands|command reference|help text"),
    fact("chat", f"{f.CHAT} starts a conversation in the terminal.",
         how="chat in the terminal|chat on the command line|talk to a model in the terminal|use the chat command"
             "|chat without a browser|have a conversation in the terminal|start a chat|talk to the model without a browser"
             "|chat in the shell|open a chat in the console|talk to a model from the command line"
             "|converse with a model in the console|use the terminal for chatting",
         what="localllm chat|the chat command",
         ask="What does localllm chat do?|Which command starts a chat?|Can I chat without the web page?"
             "|Which command lets me talk to a model?|Is there a chat for the terminal?"
             "|I don't like browsers, can I chat in the console?|What is the chat command for?|Does it have a text mode chat?"
             "|What do I type to start chatting?|I'd like to talk to a model here in the shell."
             "|Is chatting on the command line possible?",
         key="chat|terminal chat|console chat|chat in terminal|shell chat|chat command",
         can="chat in the console|talk to my model in the shell"),
    fact("one-shot", f'Put the question behind it: {f.CHAT} "What is localllm?"',
         how="ask one question|ask a single question|ask from a script|get one answer and exit|use chat with a prompt"
             "|send one prompt from the shell|put the question on the command line|run a single prompt|ask just once"
             "|ask a question in one command|pass a question as an argument|send one prompt only",
         what="one-shot chat|a one-shot prompt",
         key="one-shot|single question|non-interactive|single prompt|one question|ask once",
         ask="Can I ask something without starting a chat?|How do I ask only one thing?"
             "|I want just one answer in the terminal.|Can I put my question right behind the command?"
             "|How do I use a model in a bash script?|Is there a non-interactive chat?"
             "|Can the chat command answer once and quit?|I need a single reply, no conversation."
             "|Does chat accept a question as an argument?"),
    fact("stop-answer", "Press Ctrl-C: it stops the answer, not the program.",
         how="stop an answer|cancel an answer|interrupt the model|stop the generation in the terminal|stop it from talking"
             "|abort an answer|interrupt an answer in chat|make the model stop talking|break off an answer|cut an answer short"
             "|stop the text that is being written|make it shut up|interrupt the reply",
         key="cancel answer|interrupt|stop generating|stop answer|stop reply|abort answer",
         error="the model does not stop talking|it keeps generating|the reply never ends|it won't stop writing"
               "|the model goes on and on",
         ask="How do I stop an answer that is too long?|The model talks on and on, how do I stop that?"
             "|How can I interrupt it while it writes?|Which key stops the answer?|Can I break in while it is answering?"
             "|I don't want the rest of this answer.|What do I press to stop the reply?"
             "|Does Ctrl-C end the chat or only the answer?|I've read enough, how do I stop the reply?"
             "|Can an answer be stopped halfway?"),
    fact("leave-chat", "Type /exit.",
         how="leave the chat|end the conversation|exit the chat|quit the conversation|get out of the chat|finish the chat"
             "|close the chat|get back to the shell|end a chat|stop chatting|leave the conversation|say goodbye to the chat",
         key="leave chat|exit chat|/exit|quit chat|end chat|close chat|leave conversation|back to shell",
         ask="How do I get out of the conversation?|Which word ends the chat?|How does the chat end?|What do I type to leave?"
             "|How is a chat ended?|Which command closes the conversation?|I am stuck in the chat, how do I get out?"
             "|How do I return to my shell?|What is the exit command of the chat?|Is there a slash command to leave?"
             "|I'm finished chatting, what now?|Does /exit end the chat?|What does /exit do?"),
    fact("list", f"{f.LIST} shows every model you have.",
         how="list my models|see my models|show all models|find out which models I have|see the installed models"
             "|list the models|print my models|get an overview of my models|check what models are installed|display the models"
             "|get the names of my models",
         what="localllm list|the list command|the list of models",
         key="list|list models|my models|installed models|available models|show models",
         ask="Which models do I have?|Which models are installed?|What does localllm list do?"
             "|Which models are on my computer?|What models are there?|What models have I got?|Show me my models."
             "|Is there a list of my models?|Which command prints the models?|How many models do I have?"
             "|Which models can I use right now?|Which models are available?|Where do I see my models?|Do I have any models?"
             "|Which models did I download?"),
    fact("json-out", "Add --json to the command, for example localllm list --json.",
         how="get output for a script|get JSON from the command line|parse the output of a command|use the CLI in a script"
             "|get machine-readable output|make a command print JSON|feed the output to jq|turn command output into JSON"
             "|process the model list in a script|automate localllm commands",
         what="the --json option|--json",
         key="--json|json output|scripting|jq|machine-readable|json option|parse output",
         ask="Can the commands print JSON?|Is there JSON output?|Which option prints JSON?"
             "|Does localllm list have a JSON form?|How can a script read the output?|Is the output machine-readable?"
             "|I'd like to parse what the command prints.|What does --json do?|Can I use jq with it?"
             "|Is there an option for scripts?"),
    fact("paths", f"{f.PATHS} shows where the catalog, the models and the logs are.",
         ask="Where are my files?|Where does localllm keep its files?|Where is the data folder?|Which folders does it use?"
             "|Where is everything stored?|Where are the files of localllm?|What does localllm paths do?"
             "|In which folder does localllm store things?|Where does it save its data?|Where on my disk are the models kept?"
             "|In which directory are my models?|Where do downloads go?|Where do downloaded models end up?"
             "|Which directory does localllm use?|Where is the model folder?|Which command prints the folders?"
             "|What folders does localllm create?|Where are things saved on my computer?|Where is my stuff?",
         how="find the data folder|find the files of localllm|see the folders|find my models on disk"
             "|find out where things are stored|locate the model files|look up the data directory",
         what="the data folder|localllm paths|the location of the files",
         key="paths|folders|data folder|file locations|data directory|directory|storage location|models folder"),
    fact("logs", f"In the log folder; {f.PATHS} shows where that is.",
         ask="Where are the logs?|Where is the log file?|Is there a log?|Where does it write logs?"
             "|In which folder are the log files?|Which file has the error messages?|Where are errors written to?"
             "|Is anything logged?|Does localllm keep a log?|Where do I look for the server log?"
             "|How can I see the log messages?|Which directory holds the logs?|Where does the server write its messages?"
             "|I need the log for support, where is it?",
         how="find the logs|see the log|read the log file|open the log|look into the logs|find the log files"
             "|view the log output",
         what="the log folder|the log file|the location of the logs|the server log",
         key="logs|log file|log folder|server log|logging|error log"),
    fact("doctor", f"{f.DOCTOR} checks Python, llama.cpp, devices, memory, the catalog and the port.",
         ask="What does localllm doctor do?|What does the doctor check?|Is my setup all right?|What is localllm doctor?"
             "|Is everything working?|Is my installation ok?|Can localllm check my computer?|Is there a self-test?"
             "|Which command checks my installation?|How do I know that everything is fine?"
             "|Something is wrong with my setup, what can I run?|Is there a diagnosis command?"
             "|Is there a command that finds problems?|Which command should I try when nothing works?|What is the doctor for?"
             "|Did I install everything right?|Can you check my system?",
         what="localllm doctor|the doctor command|the doctor",
         how="check my setup|diagnose a problem|check my installation|find out what is wrong|test my setup|run a self-test"
             "|verify my setup|examine my installation|troubleshoot my setup|run the diagnosis"
             "|see what is wrong with my installation",
         key="doctor|diagnose|diagnostics|check setup|self-test|troubleshooting|diagnosis|system check"),
    fact("port", f"The default port is {f.DEFAULT_PORT}.",
         ask="Which port does localllm use?|On which port does it listen?|What port is it?|Which port is the server on?"
             "|At which port does it run?|What number is the port?|Which TCP port is used?"
             "|Which port do I have to open in my firewall?|What's the standard port of localllm?|On what port is the API?"
             "|Which port do I enter in my client?|Is it port 5757?|Which port is it listening on right now?"
             "|Which port does the page have?",
         what="the port|the default port|the port number|localllm's port|the port of the server|the standard port"
              "|the TCP port|the listening port|the port of the API",
         key="port|default port|tcp port|which port|port number|5757"),
    fact("change-port", f"{f.SERVE} --port 8080 listens on another port.",
         how="change the port|use another port|use a different port|set the port|run on port 8080|listen on another port"
             "|pick a port|choose the port|run the server on another port|configure the port|switch to another port"
             "|give the server a different port|move it off port 5757",
         what="the --port option|--port",
         key="change port|other port|--port|set port|custom port|different port|port option|new port",
         ask="Can the port be changed?|Can I have it on port 80?|Which option sets the port?|Is another port possible?"
             "|What does --port do?|I want the server on port 9000.|Can I choose the port myself?|Must it be port 5757?"
             "|I'd rather use port 3000.|How is the port configured?"),
    fact("address", f"{f.ORIGIN}, or {f.ORIGIN.replace('localhost', f.DEFAULT_HOST)}.",
         ask="Where is the page?|Which address do I open?|What is the URL?|Where can I reach localllm?"
             "|Which URL do I open in the browser?|Which web address do I type?|Where do I find the web interface?"
             "|What do I enter in my browser?|What is the link to the page?|Which address does the server have?"
             "|Where is the chat page?|On what URL is localllm?|What link do I click?"
             "|I closed the browser tab, how do I get back?|Which website do I open?|Is there a web page?|Does it have a GUI?"
             "|Is there a graphical interface?",
         how="open the page|open the web page|reach the server in the browser|get to the web interface"
             "|see the page in my browser|return to the web page",
         what="the address|the URL|the web address|the address of the page|the address of the server|the web interface"
              "|the link|the URL of the page|the localhost address",
         key="url|address|page|web interface|web page|link|localhost|gui"),
    fact("host", f"{f.SERVE} --host 0.0.0.0 listens for other computers; then a key is needed.",
         how="reach it from another computer|use it from my phone|listen on the network|share it in my network|set the host"
             "|serve to other machines|allow other computers|open it to my LAN|connect from another device"
             "|let my colleagues use it|make the server reachable in the network|access it remotely|reach it over wifi"
             "|bind to all interfaces|expose it to the network|let other devices connect",
         what="the --host option|--host",
         key="--host|network|lan|remote access|0.0.0.0|phone|wifi|remote|other devices|tablet|home network",
         ask="Can my phone use it?|How can my colleague use my server?|Can other machines in my network use it?"
             "|I'd like to use it from my tablet.|Does it work over the LAN?|Can a second computer connect?"
             "|My wife wants to use it from her laptop.|How do I make it available to my team?|What does --host do?"
             "|Is remote access possible?|Which option opens it to the network?",
         can="use it from my other computer|share the server with my team"),
    fact("default-host", f"Only your own computer: localllm listens on {f.DEFAULT_HOST} unless you say otherwise.",
         ask="Who can reach the server?|Is it open to the network?|On which address does it listen?|Can others see it?"
             "|Is the server public?|Which host is the default?|Can strangers use my server?|Is my server visible to others?"
             "|Can anybody on the internet reach it?|Is localllm reachable from outside?|Who has access to my server?"
             "|Does it listen to the whole network by default?|Am I the only one who can reach it?|Is it exposed by default?"
             "|Does it listen on all interfaces?|Can outsiders reach my server?|Which computers may connect by default?"
             "|Is the port open to outsiders?|Is it visible in my network?",
         what="the default host|the listen address|the default listen address|the default binding",
         key="default host|listen address|bind address|exposed|reachable from outside|visible to others|127.0.0.1",
         does="listen on the network by default|accept connections from outside"),
    fact("serve-model", f"{f.SERVE} --model ID loads it; it answers requests that name no model.",
         how="choose the model at start|serve a certain model|start with another model|pick the model to serve"
             "|start the server with my model|preload a model|load a model when the server starts"
             "|tell the server which model to load|launch the server with Qwen|serve Llama|specify the model for serve"
             "|run the server with a specific model",
         what="the --model option|--model",
         key="--model|choose model at start|preload|serve with model|model at startup",
         ask="Can I choose which model the server loads?|Which option picks the model for the server?|What does --model do?"
             "|Can serve load my model right away?|Can the server start with Llama?|I want the server to use my model."
             "|How do I tell serve which model to load?|Can a model be loaded at start?|How do I give serve a model?"),
)  # fmt: skip
