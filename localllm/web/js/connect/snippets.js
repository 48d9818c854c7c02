// What to paste into other programs, with this server's address, key and a model filled in. Pure.

export function snippets({ origin, key, model }) {
  const base = `${origin}/v1`;
  const given = key || "any";
  return [...programs(base, given, model, origin, key), ...apps(base, given, model, origin)];
}

function programs(base, key, model, origin, realKey) {
  const authorization = realKey ? ` -H "Authorization: Bearer ${realKey}"` : "";
  return [
    { id: "curl", name: "curl", language: "sh", text: `curl -sN ${base}/chat/completions -H "Content-Type: application/json"${authorization} \\
  -d '{"model": "${model}", "messages": [{"role": "user", "content": "What is localllm?"}], "stream": true}'` },
    { id: "python", name: "Python", language: "python", text: `from openai import OpenAI

client = OpenAI(base_url="${base}", api_key="${key}")
messages = [{"role": "user", "content": "What is localllm?"}]
for chunk in client.chat.completions.create(model="${model}", messages=messages, stream=True):
    print(chunk.choices[0].delta.content or "", end="", flush=True)` },
    { id: "javascript", name: "JavaScript", language: "js", text: `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${base}", apiKey: "${key}" });
const messages = [{ role: "user", content: "What is localllm?" }];
const stream = await client.chat.completions.create({ model: "${model}", messages, stream: true });
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? "");` },
    { id: "ai-sdk", name: "Vercel AI SDK", language: "js", text: `import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { streamText } from "ai";

const localllm = createOpenAICompatible({ name: "localllm", baseURL: "${base}", apiKey: "${key}", includeUsage: true });
const { textStream } = streamText({ model: localllm("${model}"), prompt: "What is localllm?" });
for await (const text of textStream) process.stdout.write(text);` },
    { id: "langchain", name: "LangChain", language: "python", text: `from langchain_openai import ChatOpenAI

model = ChatOpenAI(model="${model}", base_url="${base}", api_key="${key}", stream_usage=True)
for chunk in model.stream("What is localllm?"):
    print(chunk.text, end="", flush=True)` },
    { id: "anthropic", name: "anthropic-python", language: "python", text: `from anthropic import Anthropic

client = Anthropic(base_url="${origin}", api_key="${key}")
messages = [{"role": "user", "content": "What is localllm?"}]
with client.messages.stream(model="${model}", max_tokens=200, messages=messages) as stream:
    for text in stream.text_stream:
        print(text, end="", flush=True)` },
  ];
}

function apps(base, key, model, origin) {
  const container = base.replace(/\/\/(localhost|127\.0\.0\.1|\[::1\])/, "//host.docker.internal");
  return [
    { id: "open-webui", name: "Open WebUI", fields: [["URL", base], ["docker", container], ["key", key]] },
    { id: "cline", name: "Cline", fields: [["provider", "OpenAI Compatible"], ["URL", base], ["key", key], ["model", model]] },
    { id: "continue", name: "Continue", language: "yaml", text: `name: localllm
version: 0.0.1
schema: v1
models:
  - name: localllm
    provider: openai
    model: ${model}
    apiBase: ${base}
    apiKey: ${key}
    roles: [chat, edit, apply]` },
    { id: "aider", name: "aider", language: "sh", text: `OPENAI_API_BASE=${base} OPENAI_API_KEY=${key} aider --model openai/${model}` },
    { id: "claude-code", name: "Claude Code", language: "sh", text: `ANTHROPIC_BASE_URL=${origin} ANTHROPIC_AUTH_TOKEN=${key} ANTHROPIC_MODEL=${model} claude` },
  ];
}
