"""The rules of a chat/completions stream, checked on its raw bytes. Pure: bytes → findings.

Which clients break by what was measured against the real clients, see docs/api.md.
"""

from __future__ import annotations

from localllm.check.finding import Rule

FRAMING = Rule(
    "sse-framing",
    "Every frame is one `data: <JSON on one line>` line or comments, and ends with a blank line.",
    "openai-python and openai-node raise a JSON error on lone `event:`, `id:`, `retry:` and empty `data:` lines",
    "Write only `data: …\\n\\n` and `: comment\\n\\n`.",
)
JSON_DATA = Rule(
    "sse-json",
    "Every data frame before `[DONE]` holds one JSON object.",
    "all clients",
    "Encode one object per frame, without line breaks.",
)
LAST_FRAME = Rule(
    "sse-last-frame",
    "The stream ends with a blank line after its last frame.",
    "openai-python and openai-node lose the last event; Vercel AI SDK reports an error",
    "End every frame, the last one too, with an empty line.",
)
DONE = Rule(
    "sse-done",
    "`data: [DONE]` comes once and last, unless the stream ended in an error.",
    "clients that wait for it (many hand-written ones) hang",
    "Send `data: [DONE]\\n\\n` at the end.",
    "should",
)
ENVELOPE = Rule(
    "chunk-envelope",
    "Every chunk has id, object, created (whole number), model and choices (list).",
    "openai-python .stream() asserts; Zed and Vercel AI SDK fail to parse",
    "Put the whole envelope into every chunk, also into the usage chunk.",
)
SAME_ID = Rule(
    "chunk-same-id",
    "id, created and model are the same in all chunks of a stream.",
    "clients that tell streams apart by id, and OpenAI's own description",
    "Make the id once per request.",
    "should",
)
CHOICE = Rule(
    "chunk-choice",
    "Every choice has a whole-number `index`, an object `delta` (chat) or a `text`, and a `finish_reason`.",
    "openai-python .stream() raises AttributeError on `delta: null`; openai-node throws without `index`",
    "Send `delta: {}` where there is nothing to say, never null.",
)
CONTENT_TYPES = Rule(
    "delta-types",
    "`content` and reasoning are text or null.",
    "Vercel AI SDK: validation error; openai-node prints [object Object]",
    "Send content as text, not as a list.",
)
ROLE = Rule(
    "role-once",
    "The first delta of a choice has `role: assistant`; no later one has a role.",
    'openai-python .stream() builds role "assistantassistant"; openai-node .stream() says "missing role for choice 0"',
    "Send the role once, first.",
)
FINISH = Rule(
    "finish-once",
    "Exactly one chunk of each choice has a finish_reason: stop, length, tool_calls or content_filter.",
    'openai-node .stream() throws; Vercel AI SDK: "Response stream ended without a finish reason"',
    "Send one last chunk per choice with the finish_reason.",
)
FINISH_EMPTY = Rule(
    "finish-empty",
    "The chunk with the finish_reason has an empty delta, and nothing of its choice comes after it.",
    "clients that stop reading at the finish_reason lose text",
    "Send the text first, then the finish_reason with `delta: {}`.",
    "should",
)
USAGE = Rule(
    "usage-once",
    "`usage` comes exactly once if include_usage was asked for and not at all otherwise, in a chunk with "
    "`choices: []` after the last finish_reason, as whole numbers that add up.",
    "Open WebUI and LangChain add up what they get: counts double; Continue drops the text of chunks with usage",
    "Send usage in one last chunk of its own, and only when asked.",
)
FORBIDDEN = Rule(
    "forbidden-keys",
    "Chunks have no top-level `error`, `type` or `event`, and `timings` is never null.",
    "Vercel AI SDK loses all text by `error: null`; Open WebUI drops the chunk by `timings: null` or `type: null`",
    "Leave keys out instead of sending null.",
)
TOOL_DELTA = Rule(
    "tool-delta",
    "Tool call fragments have a whole-number `index`; id, type and name come on the first one only; arguments are "
    "text that adds up to JSON.",
    "Open WebUI ignores fragments without index; openai-python .stream() joins repeated ids (call_1call_1)",
    "Send id, type and name once, then arguments with their index.",
)
ERROR_FRAME = Rule(
    "error-frame",
    'An error in mid-stream is `{"error": {"message": text, …}}` without choices, and nothing comes after it.',
    "openai-python loses the message of a bare text; Vercel AI SDK ignores an error beside choices",
    "Send the error object alone, then close.",
)
STREAM_ERROR = Rule(
    "stream-error",
    "A stream that nothing has gone wrong with does not end in an error.",
    "all clients: they show the error instead of an answer",
    "See the server's log for what failed.",
)
ALL = (
    FRAMING, JSON_DATA, LAST_FRAME, DONE, ENVELOPE, SAME_ID, CHOICE, CONTENT_TYPES, ROLE, FINISH, FINISH_EMPTY, USAGE,
    FORBIDDEN, TOOL_DELTA, ERROR_FRAME, STREAM_ERROR,
)  # fmt: skip
