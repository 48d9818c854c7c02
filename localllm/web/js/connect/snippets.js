// What to paste into other programs, with this server's address, key and a model filled in. Pure.

export function snippets({ origin, key, model }) {
  const base = `${origin}/v1`;
  const given = key || "any";
  return [...programs(base, given, model, origin, key), ...apps(base, given, model, origin)];
}

function programs(base, key, model, origin, realKey) {
  const authorization = realKey ? ` -H ${word(`Authorization: Bearer ${realKey}`)}` : "";
  const body = `{"model": ${quoted(model)}, "messages": [{"role": "user", "content": "What is localllm?"}], "stream": true}`;
  return [
    { id: "curl", name: "curl", language: "sh", text: `curl -sN ${base}/chat/completions -H "Content-Type: application/json"${authorization} \\
  -d ${word(body)}` },
    { id: "python", name: "Python", language: "python", text: `from openai import OpenAI

client = OpenAI(base_url=${quoted(base)}, api_key=${quoted(key)})
messages = [{"role": "user", "content": "What is localllm?"}]
for chunk in client.chat.completions.create(model=${quoted(model)}, messages=messages, stream=True):
    print(chunk.choices[0].delta.content or "", end="", flush=True)` },
    { id: "javascript", name: "JavaScript", language: "js", text: `import OpenAI from "openai";

const client = new OpenAI({ baseURL: ${quoted(base)}, apiKey: ${quoted(key)} });
const messages = [{ role: "user", content: "What is localllm?" }];
const stream = await client.chat.completions.create({ model: ${quoted(model)}, messages, stream: true });
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? "");` },
    { id: "ai-sdk", name: "Vercel AI SDK", language: "js", text: `import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { streamText } from "ai";

const localllm = createOpenAICompatible({ name: "localllm", baseURL: ${quoted(base)}, apiKey: ${quoted(key)}, includeUsage: true });
const { textStream } = streamText({ model: localllm(${quoted(model)}), prompt: "What is localllm?" });
for await (const text of textStream) process.stdout.write(text);` },
    { id: "langchain", name: "LangChain", language: "python", text: `from langchain_openai import ChatOpenAI

model = ChatOpenAI(model=${quoted(model)}, base_url=${quoted(base)}, api_key=${quoted(key)}, stream_usage=True)
for chunk in model.stream("What is localllm?"):
    print(chunk.text, end="", flush=True)` },
    { id: "anthropic", name: "anthropic-python", language: "python", text: `from anthropic import Anthropic

client = Anthropic(base_url=${quoted(origin)}, api_key=${quoted(key)})
messages = [{"role": "user", "content": "What is localllm?"}]
with client.messages.stream(model=${quoted(model)}, max_tokens=200, messages=messages) as stream:
    for text in stream.text_stream:
        print(text, end="", flush=True)` },
  ];
}

function apps(base, key, model, origin) {
  return [
    { id: "open-webui", name: "Open WebUI", fields: [["URL", base], ["key", key], ...fromDocker(base)] },
    { id: "cline", name: "Cline", fields: [["provider", "OpenAI Compatible"], ["URL", base], ["key", key], ["model", model]] },
    { id: "continue", name: "Continue", language: "yaml", text: `name: localllm
version: 0.0.1
schema: v1
models:
  - name: localllm
    provider: openai
    model: ${quoted(model)}
    apiBase: ${quoted(base)}
    apiKey: ${quoted(key)}
    roles: [chat, edit, apply]` },
    { id: "aider", name: "aider", language: "sh", text: `OPENAI_API_BASE=${base} OPENAI_API_KEY=${word(key)} aider --model openai/${model}` },
    { id: "claude-code", name: "Claude Code", language: "sh", text: `ANTHROPIC_BASE_URL=${origin} ANTHROPIC_AUTH_TOKEN=${word(key)} ANTHROPIC_MODEL=${model} claude` },
  ];
}

// A container has a localhost of its own. Docker Desktop leads this name to ours; Docker Engine must be told to, and
// reaches only what listens on its bridge. Where the page has another address, containers reach that one as it is.
function fromDocker(base) {
  const container = base.replace(/\/\/(localhost|127\.0\.0\.1|\[::1\])(?=[:/])/, "//host.docker.internal");
  if (container === base) return [];
  const { port } = new URL(base);
  const serve = `localllm serve --host 172.17.0.1${port === "5757" ? "" : ` --port ${port || 80}`}`;
  return [["docker", container], ["docker_run", "--add-host=host.docker.internal:host-gateway"], ["docker_serve", serve]];
}

// A text as Python, JavaScript, JSON and YAML all write it.
function quoted(text) {
  return JSON.stringify(text);
}

// A text as one word of a shell's line.
function word(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
