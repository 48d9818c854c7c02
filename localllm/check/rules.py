"""Every rule of the check but the stream's own: what is promised, who breaks where it is not, what to do."""

from __future__ import annotations

from localllm.check.finding import Rule

UNDERSTOOD = Rule(
    "understood",
    "An answer has the types that OpenAI's API describes, so that a reader can make something of it.",
    "typed clients raise where they read it",
    "Compare the answer with OpenAI's description; if it is right, please report this as a mistake of the check.",
)
ALIVE = Rule("alive", "The server answers.", "everything", "Check the address, and that the server runs.")
MODELS_LIST = Rule(
    "models-list",
    'GET /v1/models gives {"object": "list", "data": [{id, object: "model", created, owned_by}]}.',
    "Open WebUI, LibreChat, Cline and everything with a model picker shows no model",
    "Serve /v1/models from the list of models that can be asked for.",
)
MODELS_KEYS = Rule(
    "models-keys",
    "No model has a key that Open WebUI takes for its own: info, pipeline, arena, preset, direct, provider, urlIdx, "
    "action_ids, filter_ids.",
    "one such row empties Open WebUI's whole model list",
    "Rename the key, or put it below `meta`.",
)
MODEL_ONE = Rule(
    "models-one",
    "GET /v1/models/{id} gives that model.",
    "openai-python's and openai-node's models.retrieve",
    "Add the route; ids may contain slashes.",
    "should",
)
MODELS_INSTANT = Rule(
    "models-instant",
    "GET /v1/models answers within a second, also while an answer is generated.",
    "Open WebUI gives up after 10 s and the models vanish from its picker without a word",
    "Answer it from a thread that never waits for the model.",
)
JSON_TYPE = Rule(
    "json-type",
    "A body of JSON has the content type application/json.",
    "Open WebUI's /models and embeddings fail; openai-node hands out a plain string",
    "Send Content-Type: application/json.",
)
STREAM_TYPE = Rule(
    "stream-type",
    "A stream has the content type text/event-stream.",
    "Open WebUI decides by nothing else and shows no answer at all",
    "Send Content-Type: text/event-stream; charset=utf-8.",
)
STREAM_ASKED = Rule(
    "stream-asked",
    "`stream: true` in the body gives a stream, whatever `Accept` says; without it there is one JSON body.",
    "all SDKs send Accept: application/json for streams too",
    "Look at the body's `stream` only.",
)
STREAM_PLAIN = Rule(
    "stream-plain",
    "A stream is not compressed.",
    "tokens arrive in bursts, or all at the end",
    "Leave Content-Encoding away from text/event-stream.",
    "should",
)
CHAT_SHAPE = Rule(
    "chat-shape",
    "A chat completion has id, object, created, model, choices[].{index, message.{role, content}, finish_reason} and "
    "usage with whole numbers that add up.",
    "simonw's llm raises KeyError without usage; Zed and Vercel AI SDK fail to parse",
    "Send the whole object, with usage always.",
)
TOLERANCE = Rule(
    "tolerance",
    "Parameters that are null, empty or unknown are accepted and ignored.",
    "Open WebUI, LangChain, Roo and Codex send them with every request",
    "Ignore what you do not know, and treat null as not given.",
)
MESSAGES = Rule(
    "messages",
    "Every usual shape of messages is accepted: content parts, developer, late system messages, tool results, "
    "content null beside tool_calls, the same role twice.",
    "the second turn of a chat with tools fails in Open WebUI, Cline and LangChain",
    "Normalise messages before the template sees them.",
)
TOOLS = Rule(
    "tools",
    "A request with tools is answered, streamed and whole.",
    "Open WebUI sends tools with every ordinary chat",
    "Render tools where the template can, and go on without where it cannot.",
)
TOOL_CALLS = Rule(
    "tool-calls",
    "The tool_calls of a whole answer have id, type function, function.name of an offered tool and function.arguments "
    "as text of a JSON object; the finish_reason is tool_calls where there are any, and else not.",
    "agents of LangChain, Vercel AI SDK and Open WebUI end instead of running the tool, or raise",
    "Parse what the model wrote into calls, and send arguments as text.",
)
TOOL_REQUIRED = Rule(
    "tool-required",
    "`tool_choice: required` is answered by a call.",
    "LangChain's with_structured_output and agents that force a step raise when a text comes",
    "Constrain the answer to the tools' schemas.",
)
ERROR_ENVELOPE = Rule(
    "error-envelope",
    'Every answer that is no success is application/json {"error": {message, type, param, code}}.',
    'the SDKs show "500 status code (no body)"; Vercel AI SDK fails to parse the error itself',
    "Use one error handler for everything, the web framework's own pages too.",
)
ERROR_STATUS = Rule(
    "error-status",
    "Errors have the status that fits: 400 bad request, 404 unknown route, 405 wrong method.",
    "SDKs retry every 5xx twice: the same prompt is evaluated three times; 422 is another exception class",
    "Validate before generating, and map each kind of error to its status.",
)
UNKNOWN_MODEL = Rule(
    "unknown-model",
    "A model that does not exist gets 404 with code model_not_found.",
    "a typo in the model's name is answered by another model, and nobody notices",
    "Compare the name with the list of models.",
    "should",
)
AUTH = Rule(
    "auth",
    "Where a key is needed, a wrong one gets 401 in the envelope, for every path.",
    "clients show no hint that the key is the problem",
    "Check the key before anything else.",
)
OVERFLOW = Rule(
    "context-overflow",
    "A prompt that does not fit gets 400 with code context_length_exceeded and the numbers, before any token.",
    "Cline, Codex, aider and LiteLLM shorten the history when they see it, and fail otherwise",
    "Count the prompt's tokens before the headers are sent.",
    "should",
)
TOO_LARGE = Rule(
    "too-large",
    "A body that is announced as too large gets 413 in the envelope.",
    "the client waits for its timeout",
    "Limit the body's size, and answer in JSON.",
    "should",
)
COMPLETIONS = Rule(
    "completions-shape",
    "A text completion has id, object text_completion, created, model, choices[].{index, text, finish_reason}.",
    "Continue's autocomplete and openai-python's completions.create",
    "Send the whole object.",
)
DISCONNECT = Rule(
    "disconnect",
    "A client that hangs up, streamed or not, ends its generation.",
    "Open WebUI's stop button: the computer goes on working, and the next question waits",
    "Watch the socket while generating.",
)
CONCURRENCY = Rule(
    "concurrency",
    "Three requests at once are all answered.",
    "Open WebUI asks for titles and tags while the person types on",
    "Queue, or run them together; no 500.",
)
HOST = Rule(
    "host",
    "On this machine's own address, a Host header of a foreign name is refused.",
    "DNS rebinding: any web page can read and use the server",
    "Compare the Host header with the machine's own names.",
    "should",
)
FOREIGN_ORIGIN = Rule(
    "foreign-origin",
    "A web page of a foreign origin may not use the server, neither by CORS nor as text/plain.",
    "any web page can spend the computer's time, and read answers where CORS allows it",
    "Refuse foreign origins on POST, and allow CORS to anchored local origins only.",
    "should",
)
PREFLIGHT = Rule(
    "preflight",
    "Where CORS is on, a preflight is answered with exactly the headers it asks for.",
    "openai-node in a browser sends about ten x-stainless headers",
    "Echo Access-Control-Request-Headers for an allowed origin.",
    "should",
)
EMBEDDINGS = Rule(
    "embeddings",
    "Embeddings come in the order of the input, as base64 float32 where encoding_format is base64.",
    "openai-node asks for base64 by default and silently gives empty vectors for lists",
    "Honour encoding_format.",
)
RESPONSES = Rule(
    "responses-events",
    "A stream of /v1/responses goes created → item added → part added → deltas → … → completed with usage, numbered.",
    "Codex, openai-python .stream(), Vercel AI SDK and Open WebUI's responses mode raise",
    "Keep OpenAI's order and numbering.",
)
ANTHROPIC = Rule(
    "messages-events",
    "A stream of /v1/messages goes message_start → content blocks → message_delta with usage → message_stop, named.",
    "Claude Code and anthropic-python raise",
    "Keep Anthropic's order, and name every event.",
)
